"""Values that stand for a missing sample: those that the file or a person states are read as NaN.

Others that programs usually write for it (-9999, 1e20 …) and that lie far from all other samples are asked about, and
so is a value among them that recurs too often.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.repeated_value import repeated_value
from myoprosthesis.emg.recording_format import RecordingFormat

Array = NDArray[np.float64]
NONE = "none"
"""What a person says when no value stands for a missing sample."""
NOWHERE = "no sample is"
"""Begins a sentence on a value that none has."""
RELATIVE = 3e-7
"""Values this close are one: the file may hold -9999.9 or 1e20 as a float32."""
LARGE = 9999.0
"""A single sample of whole numbers is asked about from here on; smaller ones when they occur `OFTEN` times."""
OFTEN = 3
FEWEST = 20
"""Of a block with fewer samples nothing is asked: too little to compare with."""
FAR = 2.0
"""Times as far from the median as the farthest of the other samples."""


ENDS = (2.0**15, 2.0**15 - 1, 2.0**31, 2.0**31 - 1)
"""Ends of a converter's range: saturation among whole numbers, beside fractions no measurement."""
HUGE = 1e12
"""No unit of EMG has samples of this size."""
USUAL = np.sort(
    np.array(
        [
            *(float(digit * n + rest) for digit in "789" for n in range(4, 8) for rest in ("", ".9", ".99")),
            *(99.0, 999.0, 99.9, 99.99, 999.9, 999.99, 999.25),
            *ENDS,
        ]
    )
)
"""Magnitudes that programs write for what is missing, in order."""


class MissingValues:
    """Masks blocks of one recording, whose values are those of the file, before any factor.

    `stated` are values that the file itself says are missing, `low` and `high` its bounds of valid ones.
    """

    def __init__(
        self, path: Path, layout: RecordingFormat, channels: Sequence[str], stated: Sequence[float] = (),
        low: float = -np.inf, high: float = np.inf,
    ) -> None:  # fmt: skip
        self._path, self._channels, self._low, self._high = path, channels, low, high
        self._asked = bool(layout.missing)
        named = [float(v) for v in layout.missing if v != NONE]
        self._values = sorted({*named, *(float(v) for v in stated if np.isfinite(v))})
        self._absent = set(named)
        self.remarks: list[str] = []
        """Sentences on what was read as missing so far."""

    def masked(self, values: NDArray[np.generic]) -> Array:
        """`values` (n, n_channels) with NaN for what is missing; raises `ConfigError` for what may stand for it."""
        out = np.array(values, float)
        for value in self._values:
            there = _same(out, value)
            self._mask(out, there, f"{value:.10g} stands for a missing sample, and is read as NaN")
            if value in self._absent and there.any():
                self._absent.remove(value)
        with np.errstate(invalid="ignore"):
            beyond = (out < self._low) | (out > self._high)
        self._mask(out, beyond, f"what is not within {self._low:g} to {self._high:g}, which its attributes say is "
                                "valid, is read as NaN")  # fmt: skip
        if not self._asked and len(out) >= FEWEST:
            for name, column in zip(self._channels, out.T, strict=True):
                self._check(name, column)
        return out

    def unused(self) -> list[str]:
        """Sentences on values that a person names and that no sample has had."""
        return [f"{NOWHERE} {value:.10g} (missing)" for value in sorted(self._absent)]

    def _mask(self, out: Array, where: NDArray[np.bool_], sentence: str) -> None:
        if where.any():
            out[where] = np.nan
            if sentence not in self.remarks:
                self.remarks.append(sentence)

    def _check(self, name: str, column: Array) -> None:
        x = column[np.isfinite(column)]
        if len(x) < FEWEST:
            return
        if _usual_among(np.array([x.min(), x.max()])).any():
            self._check_far(name, x)
        if (value := repeated_value(x)) is not None:
            self._ask(name, x, value, x != value)

    def _check_far(self, name: str, x: Array) -> None:
        usual = _usual_among(x)
        others, candidates = x[~usual], np.unique(x[usual])
        middle = float(np.median(others)) if others.size else 0.0
        reach = float(np.abs(others - middle).max()) if others.size else 0.0
        fractions = bool((others != np.round(others)).any())
        for value in candidates:
            count = int((x == value).sum())
            rail = bool(_same(x, -value).any())
            certain = count >= OFTEN or abs(value) >= LARGE or (fractions and abs(value) >= 999)
            certain = certain and (fractions or not _same(np.array(ENDS), abs(value)).any())
            if certain and not rail and abs(value - middle) > FAR * reach:
                self._ask(name, x, value, ~usual)

    def _ask(self, name: str, x: Array, value: float, measured: NDArray[np.bool_]) -> NoReturn:
        """Raise the question; `measured` marks the samples that certainly are no missing ones."""
        count, others = int((x == value).sum()), x[measured]
        raise ConfigError(
            f"{self._path}: {name!r} is {value:.8g} in {count} of {len(x)} samples"
            + (f", and from {others.min():g} to {others.max():g} in the others" if others.size else "")
            + f": is that what stands for a missing sample? Say --missing={value:.8g} (they are read as NaN), "
            f"or --missing={NONE} if they were measured"
        )


def _same(values: Array, value: float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.abs(values - value) <= RELATIVE * abs(value)


def _usual_among(values: Array) -> NDArray[np.bool_]:
    size = np.abs(values)
    places = np.clip(np.searchsorted(USUAL, size), 1, len(USUAL) - 1)
    nearest = np.minimum(np.abs(USUAL[places] - size), np.abs(USUAL[places - 1] - size))
    return (nearest <= RELATIVE * size) | (size >= HUGE)

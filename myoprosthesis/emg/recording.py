"""A recording: samples of several EMG channels, with their times, labels and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "nV": 1e-9}
"""Units that are converted to V when read; any other unit (`counts`) is kept by name."""
SPELLINGS = {
    **dict.fromkeys(["v", "volt", "volts"], "V"),
    **dict.fromkeys(["mv", "millivolt", "millivolts", "milliv"], "mV"),
    **dict.fromkeys(["uv", "µv", "μv", "microvolt", "microvolts", "microv", "mcv"], "uV"),
    **dict.fromkeys(["nv", "nanovolt", "nanovolts", "nanov"], "nV"),
}
"""How files spell these units, in lower case. (MV is not among them: it would be a megavolt.)"""


def spelled(unit: str) -> str:
    """A unit in the spelling used here: uV for µV or microvolts; any other name as it is, without outer blanks."""
    unit = unit.strip()
    return unit if unit == "MV" else SPELLINGS.get(unit.lower(), unit)


def volts(unit: str) -> tuple[str, float]:
    """The unit after reading, and the factor that leads to it: ("V", 1e-6) for uV, ("counts", 1.0) for counts."""
    unit = spelled(unit)
    return ("V", VOLTS[unit]) if unit in VOLTS else (unit, 1.0)


@dataclass(frozen=True)
class Span:
    """Samples `start` to `stop` (exclusive) during which one thing was done.

    `continued`: it began in the block before, of a recording that is read in blocks; no part of what is compared.
    """

    label: str
    start: int
    stop: int
    continued: bool = field(default=False, compare=False)


@dataclass(frozen=True, eq=False)
class EmgRecording:
    """`samples` (n_samples, n_channels) in `unit`, `times` (n_samples,) in s, both as recorded.

    `stamped` tells whether the times come from the file; otherwise they are sample number / rate. `targets`
    (n_samples, n_targets) is what was measured or prompted beside the EMG; spans are in order and do not overlap.
    `file_unit` is the unit of the file, from which the samples were converted; `file_labels` are the labels as the
    file has them, those to be ignored included; `remarks` are sentences on what the reader did to read the file.
    `conditioned` says how the samples were filtered before they were recorded; empty: they are raw.
    `target_unit` is the unit of all targets; empty: unknown, or they have several.
    """

    samples: Array
    channels: tuple[str, ...]
    rate: float
    unit: str
    times: Array
    stamped: bool = False
    spans: tuple[Span, ...] = ()
    targets: Array = field(default_factory=lambda: np.zeros((0, 0)))
    target_names: tuple[str, ...] = ()
    source: str = ""
    file_unit: str = ""
    file_labels: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    conditioned: str = ""
    target_unit: str = ""

    def __post_init__(self) -> None:
        n = len(self.samples)
        if self.samples.ndim != 2 or self.samples.shape[1] != len(self.channels) or not self.channels:
            raise ConfigError(f"{self.source}: samples of shape {self.samples.shape} for {len(self.channels)} channels")
        if len(set(self.channels)) != len(self.channels):
            raise ConfigError(f"{self.source}: channel names are not unique: {', '.join(self.channels)}")
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"{self.source}: a rate of {self.rate} Hz; it must be above 0")
        if self.times.shape != (n,):
            raise ConfigError(f"{self.source}: {len(self.times)} times for {n} samples")
        if not self.target_names:
            object.__setattr__(self, "targets", np.zeros((n, 0)))
        if self.targets.shape != (n, len(self.target_names)):
            raise ConfigError(f"{self.source}: targets of shape {self.targets.shape} for {n} samples")

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """Number of samples / rate."""
        return len(self) / self.rate

    def part(self, start: int, stop: int) -> EmgRecording:
        """Samples `start` to `stop` (exclusive), with what of the spans lies in them."""
        stop = min(stop, len(self))
        spans = tuple(
            Span(s.label, max(s.start, start) - start, min(s.stop, stop) - start, s.continued or s.start < start)
            for s in self.spans
            if s.start < stop and s.stop > start
        )
        cut = slice(start, stop)
        return replace(self, samples=self.samples[cut], times=self.times[cut], targets=self.targets[cut], spans=spans)


def joined(parts: Sequence[EmgRecording]) -> EmgRecording:
    """One recording from parts that follow each other; a span that was cut is whole again."""
    if len(parts) == 1:
        return parts[0]
    spans: list[Span] = []
    offset = 0
    for part in parts:
        for s in part.spans:
            if s.continued and s.start == 0 and spans and spans[-1].stop == offset and spans[-1].label == s.label:
                before = spans.pop()
                spans.append(replace(before, stop=offset + s.stop))
            else:
                spans.append(Span(s.label, offset + s.start, offset + s.stop, s.continued))
        offset += len(part)
    return replace(
        parts[0],
        samples=np.concatenate([p.samples for p in parts]),
        times=np.concatenate([p.times for p in parts]),
        targets=np.concatenate([p.targets for p in parts]),
        spans=tuple(spans),
        file_labels=tuple(dict.fromkeys(label for p in parts for label in p.file_labels)),
        remarks=tuple(dict.fromkeys(remark for p in parts for remark in p.remarks)),
    )


def runs(labels: Sequence[str] | NDArray[Any], before: str = "") -> tuple[Span, ...]:
    """Spans of equal neighbours in one label per sample; empty labels are none.

    `before` is the label of the sample before the first one, in the block before.
    """
    column = np.asarray(labels)
    if not column.size:
        return ()
    edges = np.concatenate([[0], np.flatnonzero(column[1:] != column[:-1]) + 1, [column.size]])
    spans = (
        Span(str(column[a]), int(a), int(b), a == 0 and str(column[a]) == before)
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    )
    return tuple(s for s in spans if s.label)

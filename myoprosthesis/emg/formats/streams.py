"""What formats of streams share: which stream is meant, names that are unique, and blocks with labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats.annotations import Timeline
from myoprosthesis.emg.formats.emg_channels import SCALP, Kind, emg_channels, kind
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat

Array = NDArray[np.float64]
SAME_S = 1e-5
"""A sample this little before a label has it: the two stamps differ by their sums of decimal numbers alone."""


def chosen(path: Path, layout: RecordingFormat, there: Mapping[str, str], likely: Sequence[str], what: str) -> str:
    """The one that holds the EMG: the one that is named, else the only likely one; `there` says what each is."""
    if layout.dataset:
        if layout.dataset not in there:
            raise ConfigError(f"{path}: {unknown(what, layout.dataset, there)}")
        return layout.dataset
    if len(likely) != 1:
        described = "; ".join(f"{name} ({about})" if about else name for name, about in sorted(there.items())) or "none"
        raise ConfigError(f"{path} holds {len(likely)} {what}s of EMG: say which (--dataset); there are {described}")
    return likely[0]


def numbered(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names made unique by a number behind each that occurs more than once, and a sentence if there are such."""
    several = {n for n in names if names.count(n) > 1} if len(set(names)) < len(names) else set()
    taken = {n for n in names if n not in several}
    out, counts = [], dict.fromkeys(several, 0)
    for name in names:
        if name in several:
            base = name or "unnamed"
            while True:
                counts[name] += 1
                if f"{base} {counts[name]}" not in taken:
                    break
            taken.add(f"{base} {counts[name]}")
            name = f"{base} {counts[name]}"
        out.append(name)
    same = ", ".join(repr(n) for n in sorted(several))
    return out, [f"several channels are called {same}: they are numbered in their order"] if several else []


def emg_of_stream(
    path: Path, layout: RecordingFormat, names: Sequence[str], units: Sequence[str], known: bool,
    types: Sequence[str] = (),
    head: Array | None = None,
) -> tuple[list[int], list[str]]:  # fmt: skip
    """Places of the channels that are EMG, and sentences on those left out; raises `ConfigError`.

    `types` are the channels' own in the file, in capitals, if it has any. Of a stream that is `known` to be EMG all
    channels are that neither their type nor their name or unit contradicts; for others see `emg_channels`.
    """
    typed = [k for k, t in enumerate(types) if "EMG" in t]
    places = typed or [
        k for k, (n, u) in enumerate(zip(names, units, strict=True))
        if kind(n, u) is not Kind.NOT_EMG and not SCALP.search(n)
    ]  # fmt: skip
    if layout.channels or not (typed or known) or not places:
        values = None if head is None else head.T.__getitem__
        chosen_places, left = emg_channels(path, layout, names, units, values)
        return list(chosen_places), list(left)
    rest = [n for k, n in enumerate(names) if k not in set(places)]
    return places, [f"not EMG by type, name or unit, and left out: {', '.join(rest)}"] if rest else []


@dataclass(frozen=True)
class StreamColumns:
    """Which columns of a stream are read: their places, names and factors, and their unit and rate after reading."""

    places: tuple[int, ...]
    names: tuple[str, ...]
    scales: tuple[float, ...]
    unit: str
    rate: float
    file_unit: str = ""


def cut(
    path: Path, block: int, pieces: Iterator[tuple[Array, Array]], columns: StreamColumns, timeline: Timeline,
    remarks: Sequence[str], missing: MissingValues, conditioned: str = "",
) -> Iterator[EmgRecording]:  # fmt: skip
    """Recordings of up to `block` samples (0: all in one) from pieces of samples (n, n_columns) and times (n,)."""
    before, count, slack = np.nan, 0, min(SAME_S, 0.5 / columns.rate)

    def made(x: Array, t: Array) -> EmgRecording:
        samples = missing.masked(x[:, columns.places]) * columns.scales
        nearest = t + slack
        missed = timeline.missed(nearest, float(t[0])) if not block else []
        return EmgRecording(
            samples, columns.names, columns.rate, columns.unit, t, True, timeline.spans(nearest, before + slack),
            source=str(path), file_unit=columns.file_unit, file_labels=timeline.in_file,
            remarks=(*remarks, *timeline.remarks, *missed, *missing.remarks), conditioned=conditioned,
        )  # fmt: skip

    parts: list[tuple[Array, Array]] = []
    waiting = 0
    for piece in pieces:
        count, waiting = count + len(piece[1]), waiting + len(piece[1])
        parts.append(piece)
        if not block or waiting < block:
            continue
        x, t = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
        whole = waiting - waiting % block
        for start in range(0, whole, block):
            yield made(x[start : start + block], t[start : start + block])
            before = float(t[start + block - 1])
        parts, waiting = [(x[whole:], t[whole:])], waiting - whole
    if not count:
        raise ConfigError(f"{path} has no samples")
    if waiting:
        yield made(*(np.concatenate([p[k] for p in parts]) for k in (0, 1)))

"""The arrays of .mat files that LabChart, AcqKnowledge and Spike2 export, in the layout that all others have.

What comes out is one array `data` (n_samples, n_channels) with its rate, names and units as attributes, and `time` (s)
where there are pauses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats.annotations import Annotation, label_text
from myoprosthesis.emg.formats.array_entry import ArrayEntry, numbers
from myoprosthesis.emg.formats.clock_text import DAY_S
from myoprosthesis.emg.formats.emg_channels import Kind, kind
from myoprosthesis.emg.recording_format import RecordingFormat

Array = NDArray[np.float64]
SIGNALS = "data"
LABCHART = {"data", "datastart", "dataend", "titles", "samplerate"}
ACQKNOWLEDGE = {"data", "labels", "isi", "isi_units"}
SPIKE2 = {"title", "interval", "units", "values"}
PERIODS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3,
           "milliseconds": 1e-3, "us": 1e-6, "usec": 1e-6}  # fmt: skip
SPIKE2_STEPS = 6553.6
"""Steps of Spike2's 16-bit numbers for one of its `scale`."""


@dataclass(frozen=True)
class MatLayout:
    """The arrays of a file, the annotations in it, and sentences on what was decided.

    `signals` is the array of the channels, whatever they are; empty where the layout is none of a program.
    """

    entries: Mapping[str, ArrayEntry]
    signals: str = ""
    annotations: tuple[Annotation, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Channel:
    """`pieces` are the number of samples and the time of the first one (s) of each stretch without a pause."""

    name: str
    unit: str
    rate: float
    samples: Array
    pieces: tuple[tuple[int, float], ...]

    def beside(self, other: _Channel) -> bool:
        """Whether its samples are those of the same periods: a converter takes its channels one after another."""
        if self.rate != other.rate or len(self.pieces) != len(other.pieces):
            return False
        return all(
            n == m and abs(a - b) * self.rate < 1 for (n, a), (m, b) in zip(self.pieces, other.pieces, strict=True)
        )


def plain_layout(path: Path, layout: RecordingFormat, entries: Mapping[str, ArrayEntry]) -> MatLayout:
    """The arrays of a .mat file, those of a program that is known put into the usual form; raises `ConfigError`."""
    if layout.dataset in ("", SIGNALS):
        if entries.keys() >= LABCHART:
            return _labchart(path, layout, entries)
        if entries.keys() >= ACQKNOWLEDGE:
            return MatLayout(_acqknowledge(path, entries), SIGNALS)
    groups = [e.group for e in entries.values() if e.leaf == "values"]
    channels = [g for g in groups if all(g + leaf in entries for leaf in SPIKE2)]
    return _spike2(path, layout, entries, channels) if channels else MatLayout(entries)


def _labchart(path: Path, layout: RecordingFormat, entries: Mapping[str, ArrayEntry]) -> MatLayout:
    """One vector has all channels of the first block one after another, then those of the next one."""
    of_blocks = ("datastart", "dataend", "samplerate")
    start, end, rates = (np.atleast_2d(np.asarray(entries[k].whole(path), float)) for k in of_blocks)
    data, titles = np.ravel(entries["data"].whole(path)), _texts(path, entries["titles"])
    if not start.shape == end.shape == rates.shape or len(titles) != len(start):
        raise ConfigError(f"{path}: its titles, datastart, dataend and samplerate are not of the same channels")
    where = np.where(start > 0, start - 1, 0).astype(int), np.where(start > 0, end, 0).astype(int)
    if (where[1] > len(data)).any() or (where[1] < where[0]).any():
        raise ConfigError(f"{path}: its datastart and dataend do not lie within its data of {len(data)} samples")
    units = _units_of_blocks(path, entries, start.shape)
    scale, offset = (_of_blocks(path, entries, k, start.shape) for k in ("scaleunits", "scaleoffset"))
    if data.dtype.kind in "iu" and np.isnan([scale, offset]).any():
        raise ConfigError(f"{path} has whole numbers, and no scaleunits and scaleoffset that lead to a unit")
    times = _starts_of_blocks(path, entries, start.shape[1])
    channels, remarks = [], []
    for c, title in enumerate(titles):
        blocks = [b for b in range(start.shape[1]) if start[c, b] > 0 and where[1][c, b] > where[0][c, b]]
        kinds = {(rates[c, b], units[c][b]) for b in blocks}
        if len(kinds) > 1:
            raise ConfigError(f"{path}: {title!r} has not the same rate and unit in all blocks: export one block")
        if not kinds:
            remarks.append(f"{title!r} has no samples")
            continue
        (rate, unit), parts = kinds.pop(), []
        for b in blocks:
            part = data[where[0][c, b] : where[1][c, b]].astype(float)
            parts.append((part + offset[c, b]) * scale[c, b] if data.dtype.kind in "iu" else part)
        pieces = tuple((len(p), times[b]) for p, b in zip(parts, blocks, strict=True))
        channels.append(_Channel(title, unit, float(rate), np.concatenate(parts), pieces))
    made, more = _as_one(path, layout, channels)
    used = {*LABCHART, "unittext", "unittextmap", "scaleunits", "scaleoffset", "blocktimes", "tickrate", "rangemin",
            "rangemax", "firstsampleoffset", "com", "comtext"}  # fmt: skip
    rest = {k: e for k, e in entries.items() if k not in used}
    return MatLayout({**rest, **made}, SIGNALS, _comments(path, entries, times), (*remarks, *more))


def _units_of_blocks(path: Path, entries: Mapping[str, ArrayEntry], shape: tuple[int, ...]) -> list[list[str]]:
    """The unit of each channel in each block, empty where the file says none."""
    if not {"unittext", "unittextmap"} <= entries.keys():
        return [[""] * shape[1]] * shape[0]
    texts, places = _texts(path, entries["unittext"]), _of_blocks(path, entries, "unittextmap", shape)
    if places.max(initial=0) > len(texts):
        raise ConfigError(f"{path}: its unittextmap does not fit its channels and units")
    return [[texts[int(p) - 1] if p > 0 else "" for p in row] for row in places]


def _of_blocks(path: Path, entries: Mapping[str, ArrayEntry], name: str, shape: tuple[int, ...]) -> Array:
    """A number for each channel and block; NaN where the file has none."""
    if name not in entries:
        return np.full(shape, np.nan)
    values = np.atleast_2d(np.asarray(entries[name].whole(path), float))
    if values.shape != shape:
        raise ConfigError(f"{path}: its {name} is not of the same channels and blocks as its datastart")
    return values


def _starts_of_blocks(path: Path, entries: Mapping[str, ArrayEntry], blocks: int) -> list[float]:
    """Time of the first sample of each block, s, since that of the first one; MATLAB counts it in days."""
    days = np.ravel(entries["blocktimes"].whole(path)).astype(float) if "blocktimes" in entries else np.zeros(0)
    if blocks > 1 and (len(days) != blocks or (np.diff(days) <= 0).any()):
        raise ConfigError(f"{path} has {blocks} blocks, and no blocktimes that say when each began: export one block")
    return [float(round((day - days[0]) * DAY_S, 4)) for day in days] if blocks > 1 else [0.0]


def _comments(path: Path, entries: Mapping[str, ArrayEntry], times: Sequence[float]) -> tuple[Annotation, ...]:
    """LabChart's comments: channel, block, place in ticks of the fastest channel, kind and number of the text."""
    if not {"com", "comtext", "tickrate"} <= entries.keys() or not entries["com"].size:
        return ()
    rows = np.atleast_2d(np.asarray(entries["com"].whole(path), float))
    texts, ticks = _texts(path, entries["comtext"]), np.ravel(entries["tickrate"].whole(path)).astype(float)
    if rows.shape[1] != 5 or len(ticks) != len(times) or (rows[:, 1] < 1).any():
        raise ConfigError(f"{path}: its comments (com) are not as LabChart writes them")
    if rows[:, 1].max() > len(times) or rows[:, 4].max() > len(texts) or rows[:, 4].min() < 1:
        raise ConfigError(f"{path}: its comments (com) are of blocks or texts that it does not have")
    return tuple(
        Annotation(times[int(b) - 1] + tick / ticks[int(b) - 1], texts[int(text) - 1]) for _, b, tick, _, text in rows
    )


def _acqknowledge(path: Path, entries: Mapping[str, ArrayEntry]) -> dict[str, ArrayEntry]:
    """`isi` is the period of the samples in `isi_units`, `labels` are the names of the channels."""
    period, unit = np.ravel(entries["isi"].whole(path)), _texts(path, entries["isi_units"])
    if period.size != 1 or len(unit) != 1 or unit[0].lower() not in PERIODS or not period[0] > 0:
        raise ConfigError(f"{path}: its isi and isi_units are no period of samples in s, ms or us")
    attributes: dict[str, Any] = {"rate": _hertz(float(period[0]) * PERIODS[unit[0].lower()])}
    attributes |= {"channel_names": np.array(_texts(path, entries["labels"]), object)}
    if "units" in entries:
        attributes |= {"units": np.array(_texts(path, entries["units"]), object)}
    rest = {k: e for k, e in entries.items() if k not in {*ACQKNOWLEDGE, "units"}}
    return {**rest, "data": replace(entries["data"], attributes={**entries["data"].attributes, **attributes})}


def _spike2(path: Path, layout: RecordingFormat, entries: Mapping[str, ArrayEntry], groups: Sequence[str]) -> MatLayout:
    """A structure for each channel; what its `values` are in 16 bits leads to the unit by `scale` and `offset`."""
    wanted = layout.dataset.strip("/").removesuffix("/values")
    if wanted and wanted + "/" not in groups:
        raise ConfigError(f"{path}: {unknown('channel', wanted, [g.rstrip('/') for g in groups])}")
    channels = []
    for group in [wanted + "/"] if wanted else groups:
        facts = {k: entries[group + k].whole(path) for k in ("interval", "values", "scale", "offset", "start")
                 if group + k in entries}  # fmt: skip
        names = {k: _texts(path, entries[group + k]) for k in ("title", "units")}
        values, period = np.ravel(facts["values"]), np.ravel(facts["interval"]).astype(float)
        if period.size != 1 or not period[0] > 0:
            raise ConfigError(f"{path}: the interval of {group.rstrip('/')!r} is no period of samples in s")
        if values.dtype.kind in "iu":
            if not facts.keys() >= {"scale", "offset"}:
                raise ConfigError(f"{path}: {group.rstrip('/')!r} has whole numbers, and no scale and offset")
            values = values * np.ravel(facts["scale"])[0] / SPIKE2_STEPS + np.ravel(facts["offset"])[0]
        start = float(np.ravel(facts["start"])[0]) if np.size(facts.get("start", ())) else 0.0
        title, unit = (next(iter(names[k]), "") for k in ("title", "units"))
        channels.append(_Channel(title or group.rstrip("/"), unit, _hertz(float(period[0])), values.astype(float),
                                 ((len(values), start),)))  # fmt: skip
    made, remarks = _as_one(path, layout, channels)
    rest = {k: e for k, e in entries.items() if e.group not in groups}
    return MatLayout({**rest, **made}, SIGNALS, remarks=remarks)


def _as_one(
    path: Path, layout: RecordingFormat, channels: Sequence[_Channel]
) -> tuple[dict[str, ArrayEntry], tuple[str, ...]]:
    """The channels of one rate and length that are EMG as one array; raises `ConfigError` if that is not clear."""
    groups: list[list[_Channel]] = []
    for channel in channels:
        like = next((g for g in groups if channel.beside(g[0])), None)
        if like is None:
            groups.append([channel])
        else:
            like.append(channel)
    if not groups:
        raise ConfigError(f"{path} has no samples")
    if layout.channels:
        likely = [g for g in groups if {c.name for c in g} & set(layout.channels)] or groups
    else:
        likely = [g for g in groups if _rank(g) == min(map(_rank, groups))]
    if len(likely) > 1:
        raise ConfigError(
            f"{path} has channels of several rates, lengths or starts ({', '.join(map(_about, channels))}): name those "
            "of one (--channels)"
        )
    chosen = likely[0]
    left = [_about(c) for g in groups if g is not chosen for c in g]
    attributes: dict[str, Any] = {
        "rate": chosen[0].rate,
        "channel_names": np.array([c.name for c in chosen], object),
        "units": np.array([c.unit for c in chosen], object),
    }
    entries = {}
    if len(pieces := chosen[0].pieces) > 1:
        times = np.concatenate([start + np.arange(n) / chosen[0].rate for n, start in pieces])
        attributes["time"], entries["time"] = "time", numbers("time", times)
    entries[SIGNALS] = numbers(SIGNALS, np.stack([c.samples for c in chosen], axis=1), attributes)
    return entries, (f"of another rate, length or start, and left out: {', '.join(left)}",) if left else ()


def _rank(group: Sequence[_Channel]) -> int:
    """0 for channels among which one is EMG by its name, 1 for those of which one is in volts, 2 for all others."""
    kinds = {kind(c.name, c.unit) for c in group}
    return 0 if Kind.EMG in kinds else 1 if Kind.VOLTS in kinds else 2


def _about(channel: _Channel) -> str:
    start = channel.pieces[0][1]
    return f"{channel.name} {len(channel.samples)} at {channel.rate:g} Hz" + (f" from {start:g} s" if start else "")


def _hertz(period: float) -> float:
    """The rate of a period (s), whole where it is but for what the last digits of the period make of it."""
    rate = 1 / period
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 * rate else rate


def _texts(path: Path, entry: ArrayEntry) -> list[str]:
    return [label_text(t) for t in np.ravel(entry.whole(path))]

"""The EMG of a file of arrays: which way round it is, its channels in one unit, and its times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.array_choice import LISTED, ArrayChoice, about, listed, unfit
from myoprosthesis.emg.formats.array_entry import NUMBERS, ArrayEntry
from myoprosthesis.emg.formats.array_facts import ArrayFacts, attribute_word, filled, numbers_in
from myoprosthesis.emg.formats.emg_channels import HEAD
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.formats.streams import emg_of_stream, numbered
from myoprosthesis.emg.formats.table_times import STEP_TOLERANCE, rate_of_times
from myoprosthesis.emg.recording_format import TIMES, RecordingFormat

Array = NDArray[np.float64]
SCALES, OFFSETS = ("scale_factor", "conversion", "scale"), ("add_offset", "offset")
STANDARD = {1.0: "conversion", 0.0: "add_offset"}
"""The last of these that a convention defines, by the value where there is none."""
PER_CHANNEL = "channel_conversion"
"""Of NWB: a factor of each channel beside that of all."""
GAINS = ("gain", "gains", "resolution", "lsb")
"""Factors that may be meant to multiply or to divide: reported, not applied."""
FACTOR = re.compile(r"scal|gain|conver|factor|lsb|(^|_)bits?(_|$)|sensitiv|calib|slope|multipl|resolution|volts|_per_|"
                    r"(physical|digital)_m(in|ax)|offset|zero|baseline|intercept")  # fmt: skip
"""In names of attributes that may lead from what is stored to a unit, in words of anybody's own."""
SLOWEST, FASTEST = 1e-3, 1e6
"""Rates that are believed, Hz."""


class EmgArray:
    """Raises `ConfigError` when the file does not say which array is the EMG, or what it is.

    `entry` is the array, `n` the number of its samples, `channels` those that are EMG; `samples` gives them in `unit`.
    `remarks` are sentences on what was decided or left out.
    """

    def __init__(
        self, path: Path, layout: RecordingFormat, entries: Mapping[str, ArrayEntry], unreadable: Sequence[str],
        signals: str = "",
    ) -> None:  # fmt: skip
        """`unreadable` are sentences on what the file has besides `entries`; `signals` has all channels, if known."""
        self._path, self._layout, self._entries = path, layout, entries
        choice = ArrayChoice(path, entries, unreadable)
        if signals:
            self.entry, known = entries[signals], bool(layout.dataset)
        elif known := bool(layout.dataset):
            self.entry = choice.named(layout.dataset)
        else:
            self.entry, known = choice.likely(list(entries.values()))
        self.remarks, self.unreadable, self._parts = choice.remarks, choice.unreadable, choice.parts
        if not self.entry.size:
            raise ConfigError(f"{path} has no samples: {self.entry.name!r} is empty")
        self._facts = ArrayFacts(path, self.entry, entries)
        names, described = self._facts.names()
        self._axis = self._turned(described)
        self.n = self.entry.shape[self._axis] if self.entry.shape else 1
        width = self.entry.size // self.n
        if described and described != width:
            raise ConfigError(f"{path}: {described} channel names for {width} channels")
        names = names or [f"ch{k + 1}" for k in range(width)]
        names, same = numbered(names)
        self.remarks += same
        units = self._facts.units(width)
        head = None if known else self._read(0, min(self.n, HEAD)).astype(float)
        self._places, left = emg_of_stream(path, layout, names, units, known, head=head)
        self.remarks += left
        self.channels = tuple(names[k] for k in self._places)
        self.rate = self._rate(width)
        self.unit, self.file_unit, self._scales = rate_and_unit.units(
            path, layout, self.channels, [units[k] for k in self._places]
        )
        self._factor, self._offset = self._stored(width)
        self._missing = MissingValues(path, layout, self.channels, filled(self.entry), *self._facts.valid_range())

    @property
    def masked(self) -> list[str]:
        """Sentences on what `samples` has read as missing so far."""
        return self._missing.remarks

    def samples(self, start: int, stop: int) -> Array:
        """Samples `start` to `stop` (exclusive) of the channels that are EMG, in `unit`, shape (n, n_channels)."""
        out = self._missing.masked(self._read(start, stop)[:, self._places])
        out *= self._factor[self._places]
        out += self._offset[self._places]
        out *= self._scales
        return out

    def own_times(self) -> tuple[Array | None, list[str]]:
        """Times beside the EMG that are in s by their steps, shape (n,), or None; and a sentence on them.

        Delsys has a row of times for each channel, filled up with zeros behind the last sample.
        """
        for name in TIMES:
            entry = self._facts.beside(name)
            if entry is None or entry.text or entry.size not in (self.n, self.entry.size):
                continue
            self._facts.used.add(entry.name)
            values = entry.whole(self._path).astype(float)
            if entry.size != self.n:
                if entry.shape != self.entry.shape:
                    continue
                rows = np.moveaxis(values, self._axis, 0).reshape(self.n, -1)[:, self._places]
                if (rows != rows[:, :1]).any():
                    return None, [f"{entry.name!r} differs between the channels and is not used"]
                values = rows[:, 0]
            times = values.ravel()
            steps = np.diff(times)
            valid = len(times)
            if len(steps) > 1 and steps[-1] == 0 and times[-1] == 0:
                valid = int(np.flatnonzero(times)[-1]) + 1 if times.any() else 0
                times, steps = times[:valid], steps[: max(0, valid - 1)]
            if not len(steps) or not np.isfinite(times).all():
                continue
            if abs(float(np.median(steps)) * self.rate - 1) > STEP_TOLERANCE:
                return None, [
                    f"{entry.name!r} is not used: its steps are not those of {self.rate:g} Hz in s (--time names it)"
                ]
            more = [f"{self.n - valid} samples behind the last time are left out"] if valid < self.n else []
            return times, [f"times are those of {entry.name!r}", *more]
        return None, []

    def unread(self, used: set[str]) -> list[str]:
        """Sentences on the other arrays: those of one value a sample, and all others, the largest first."""
        own = {self.entry.name, *self._parts, *self._facts.used, *used, *(self.entry.group + u for u in used)}
        rest = [e for e in self._entries.values() if e.name not in own]
        labels = [e.name for e in rest if e.size == max(e.shape, default=1) == self.n and e.leaf.lower() not in TIMES]
        others = sorted((e for e in rest if e.name not in labels), key=lambda e: -e.size)
        out = {"as long as the EMG, and not read": labels, "left out": [about(e) for e in others]}
        return [f"{what}: {listed(names)}" for what, names in out.items() if names]

    def _read(self, start: int, stop: int) -> NDArray[Any]:
        """Samples as stored, (n, n_channels)."""
        key = [slice(None)] * len(self.entry.shape)
        key[self._axis] = slice(start, stop)
        part = np.asarray(self.entry.read(tuple(key)))
        return np.moveaxis(part, self._axis, 0).reshape(stop - start, -1)

    def _turned(self, described: int) -> int:
        """The axis of the samples."""
        shape, name = self.entry.shape, self.entry.name
        if len(shape) < 2:
            return 0
        if len(shape) > 2:
            raise unfit(self._path, self.entry)
        evidence = set()
        if shape[0] != shape[1]:
            evidence |= {1 - k for k in (0, 1) if described == shape[k]}
            for beside in (self._layout.label, self._layout.time, *self._layout.targets):
                entry = self._entries.get(beside) or self._facts.beside(beside.lower())
                if beside and entry is not None:
                    evidence |= {k for k in (0, 1) if entry.size == shape[k]}
        if 1 in shape and not evidence:
            evidence = {int(shape[0] == 1)}
        asked = self._layout.transposed
        if len(evidence) > 1 or (asked and evidence == {0}):
            raise ConfigError(
                f"{self._path}: {name!r} of {shape[0]} × {shape[1]} has its samples in rows by the names or labels "
                + ("beside it, not in columns (transposed)" if asked else "beside it, and in columns by others")
            )
        if evidence == {1} and 1 not in shape and not asked:
            self.remarks.append(f"{name!r} of {shape[0]} × {shape[1]} is turned: its rows are the channels")
        axis = 1 if asked else next(iter(evidence), 0)
        if shape[axis] < shape[1 - axis] and not evidence and not asked:
            raise ConfigError(
                f"{self._path}: {name!r} has {shape[0]} samples of {shape[1]} channels: is it the wrong way round? "
                "Then turn it (--transposed, or transposed: true in a recording.yaml beside it)"
            )
        return axis

    def _rate(self, width: int) -> float:
        """Hz, of the channels that are EMG."""
        where, texts, rates = self._facts.rates()
        if len(rates) == width > 1:
            rates = [rates[k] for k in self._places]
        if len(set(rates)) > 1:
            pairs = ", ".join(f"{r:g} Hz" for r in rates[:LISTED])
            raise ConfigError(f"{self._path} has channels of several rates ({pairs}): name those of one (--channels)")
        sound = bool(rates) and SLOWEST <= rates[0] <= FASTEST
        if rates and not sound:
            text = texts[0][:80]
            if not self._layout.rate:
                raise ConfigError(f"{self._path}: its {where} is {text!r}, which is no rate in Hz: give it (--rate)")
            self.remarks.append(f"its {where} is {text!r}, which is no rate in Hz: the rate is as given")
        return rate_and_unit.rate(self._path, self._layout, rates[0] if sound else self._rate_by_times())

    def _rate_by_times(self) -> float:
        """The rate that the times tell, Hz, where nothing else does; 0 where they do not, or where none are named."""
        name = self._layout.time
        there = next((t for t in TIMES if (e := self._facts.beside(t)) is not None and e.size == self.n), "")
        if not (name or self._layout.rate) and there:
            raise ConfigError(
                f"{self._path} does not say its sampling rate, nor the unit of its times {there!r}: give the rate, "
                f"such as --rate 1000, or the times with their unit: --time {there} (in s), --time {there} --time-unit "
                "ms"
            )
        entry = self._entries.get(name) or self._entries.get(self.entry.group + name)
        if self._layout.rate or entry is None or entry.text or entry.size != self.n:
            return 0.0
        times = entry.whole(self._path).astype(float).ravel()[:HEAD]
        self.remarks.append(f"its rate is that of {name!r}")
        return rate_of_times(self._path, name, times, self._layout.time_unit)

    def _stored(self, width: int) -> tuple[Array, Array]:
        """Factor and offset of each channel that lead from what is stored to the unit.

        What the conventions of netCDF and NWB define is applied to any numbers; other words for it only to integers,
        which need it.
        """
        integers = self._read(0, min(1, self.n)).dtype.kind in "iu"
        out: list[Array] = []
        applied = {""}
        for names, usual in ((SCALES, 1.0), (OFFSETS, 0.0)):
            where, values = self._facts.value(names if integers else names[: names.index(STANDARD[usual]) + 1])
            if values is not None and (values.dtype.kind not in NUMBERS or values.size not in (1, width)):
                raise ConfigError(f"{self._path}: its {where} is {values.size} values, one number a channel is needed")
            numbers = np.array([usual]) if values is None else values.astype(float)
            if values is not None:
                self.remarks.append(f"its {where} of {numbers[0]:g}{' …' if numbers.size > 1 else ''} is applied")
            out.append(np.broadcast_to(numbers, (width,)))
            applied.add(where)
        where, values = self._facts.value([PER_CHANNEL])
        if values is not None and values.dtype.kind in NUMBERS and values.size == width:
            self.remarks.append(f"its {where} of {values[0]:g} … is applied")
            out[0], applied = out[0] * values.astype(float), applied | {where}
        loose = () if integers else (SCALES[-1], OFFSETS[-1])
        left = [where for where, values in (self._facts.value([n]) for n in (*GAINS, *loose)) if values is not None]
        left += [
            word for k, v in self.entry.attributes.items()
            if FACTOR.search(word := attribute_word(k)) and word not in {*applied, *left} and numbers_in(v)
        ]  # fmt: skip
        if left:
            self.remarks.append(f"its {', '.join(left)} is not applied: samples are as stored, in the unit it says")
        return out[0], out[1]

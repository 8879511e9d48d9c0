"""Kinds of the columns of a text table: EMG, times, labels and targets, with rate and unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import listed
from myoprosthesis.emg.channel_unit import without_unit, without_units
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.clock_text import ClockText
from myoprosthesis.emg.formats.emg_channels import emg_channels
from myoprosthesis.emg.formats.held_columns import HeldColumn
from myoprosthesis.emg.formats.numerals import check_thousands
from myoprosthesis.emg.formats.row_counters import RowCounter, step_of
from myoprosthesis.emg.formats.table_rows import TableRows
from myoprosthesis.emg.formats.table_times import (
    RATE_ERROR,
    STEP_TOLERANCE,
    check_time_unit,
    even_rate,
    own_time_unit,
    rate_of_times,
    times_by_name,
    usual_step,
)
from myoprosthesis.emg.formats.text_head import is_stamps
from myoprosthesis.emg.recording import spelled
from myoprosthesis.emg.recording_format import RecordingFormat, with_file_defaults

Array = NDArray[np.float64]
WHOLE = ("count", "counts", "adc", "lsb", "bits")
"""Units of what is counted, which has no fraction."""
CHANNEL_COLUMNS = (
    *("channel", "channels", "channel_id", "channel_name", "channel_number", "ch", "chan", "sensor", "sensor_id"),
    *("electrode", "muscle", "variable", "signal", "lead"),
)
"""Names of columns that say of which channel a row is."""
COUNTERS = 64
"""Columns that are not EMG of which it is looked whether they count the rows."""


class TableColumns:
    """Places of the columns that are used, by their kind; raises `ConfigError` where it is unknown.

    `time` and `label` may be None; `counters` count the rows. `stamps` has the place of the times of each EMG column,
    where each has its own; `time` is the first of them then. `clock` reads times that are text. `factors` (n_channels,)
    lead to `unit`.
    """

    def __init__(self, path: Path, layout: RecordingFormat, table: TableRows) -> None:
        self._path, self._table, self._names = path, table, table.names
        self.layout = with_file_defaults(layout, table.head.says)
        self.channel_column: int | None = None
        """One that names the channel of each row, so far always the same one."""
        self._check_wide()
        in_file = [c for c in listed(table.head.says.get("channels", "")) if c in table.names]
        if in_file and not layout.channels:
            self.layout = replace(self.layout, channels=tuple(in_file))
            rest = [n for n in table.names if n not in (*in_file, self.layout.time, self.layout.label)]
            table.remarks += [f"not among its channels, and left out: {', '.join(rest[:20])}"] if rest else []
        self._by_name = None if self.layout.time else times_by_name(self._names, table.head, table.first_cells)
        self.time = self._place(self.layout.time) if self.layout.time else self._named_with_unit()
        self.label = self._place(self.layout.label) if self.layout.label else None
        self.targets = [self._place(t) for t in self.layout.targets]
        self.emg = [self._place(c) for c in self.layout.channels] or self._emg()
        for k in self.emg:
            self._place(self._names[k])  # refuses what is there twice
        self.channels = without_units(self.layout.channels or [self._names[k] for k in self.emg])
        twice = set(self.emg) & {*self.targets, self.label, self.time}
        for name in (self._names[k] for k in self.emg if k in twice):
            raise ConfigError(f"{path}: {name!r} is named as EMG and as something else as well")
        self.stamps = self._stamps()
        self.rate = self._rate()
        self.held = self._held()
        self.time = self.stamps[0] if self.stamps else self._named_without_unit() if self.time is None else self.time
        self.clock = self._clock()
        whole = table.head.says.get("unit", "")
        units = [self._unit(k, whole) for k in self.emg]
        self.unit, self.file_unit, factors = rate_and_unit.units(path, self.layout, self.channels, units)
        self.factors = np.array(factors)
        self.target_unit = rate_and_unit.target_unit(path, self.layout, [table.head.units[k] for k in self.targets])
        self.counters = self._counters()
        if self.file_unit.lower() in WHOLE and not layout.decimal:
            for k in self.emg:
                check_thousands(path, self._names[k], table.first_cells(k))

    def _check_wide(self) -> None:
        """Refuse a table with a row per sample and channel, whose channels a column names."""
        apart = {self.layout.label, self.layout.time, *self.layout.targets, *self.layout.channels}
        for k, name in enumerate(self._names):
            if name.lower() in CHANNEL_COLUMNS and name not in apart:
                cells = list(dict.fromkeys(c for c in self._table.first_cells(k) if c))
                if self._table.head.numeric[k] and not (len(cells) > 1 and "." not in "".join(cells)):
                    continue
                if len(cells) > 1:
                    raise stacked(self._path, name, cells)
                self.channel_column = k

    def _counters(self) -> dict[int, RowCounter]:
        """Columns that are not used otherwise and count the rows, by their places."""
        rest = [k for k in range(self._table.head.width) if k not in self.used and k != self._by_name]
        steps = {k: step_of(self._table.first_values(k)) for k in rest[:COUNTERS] if self._table.head.numeric[k]}
        return {k: RowCounter(self._names[k], step) for k, step in steps.items() if step}

    def _unit(self, place: int, whole: str) -> str:
        """The unit of a column in the file, `whole` being that of all."""
        own = self._table.head.units[place]
        if own and whole and spelled(own) != spelled(whole):
            raise ConfigError(
                f"{self._path} says two units of {self._names[place]!r}, {own} and {whole}: mend the one that is wrong"
            )
        return own or whole

    @property
    def used(self) -> set[int]:
        """Places of all columns that are read."""
        one = {k for k in (self.time, self.label) if k is not None}
        return {*self.emg, *self.targets, *self.stamps, *self.held, *(p for p, _ in self.held.values()), *one}

    def _place(self, name: str) -> int:
        """Place of a column by its name, with or without the unit that ends it."""
        places = [k for k, n in enumerate(self._names) if n == name]
        places = places or [k for k, n in enumerate(self._names) if without_unit(n) == name]
        if not places:
            raise ConfigError(f"{self._path}: {unknown('column', name, self._names)}")
        if len(places) > 1:
            raise ConfigError(f"{self._path}: column names are not unique: {name} is there {len(places)} times")
        return places[0]

    def _emg(self) -> list[int]:
        """The columns that are EMG by their names or units."""
        names, head = self._names, self._table.head
        used = {self.time, self._by_name, self.label, *self.targets}
        rest = [k for k in range(head.width) if k not in used and not is_stamps(names[k]) and not self._is_index(k)]
        numbers = [k for k in rest if head.numeric[k]]
        words = [names[k] for k in rest if not head.numeric[k]]
        if not numbers:
            raise ConfigError(f"{self._path} has no column left for EMG: there are {', '.join(names[:20])}")
        if words and not head.names:
            example = self._table.first_cells(names.index(words[0]))[0]
            raise ConfigError(
                f"{self._path} has no names, and {words[0]!r} holds words, such as {example[:40]!r}: name the EMG "
                f"(--channels) or the labels (--label); there are {', '.join(names[:20])}"
            )
        if words:
            self._table.remarks.append(
                f"words and no numbers, left out: {', '.join(words[:20])} (if these are labels: --label {words[0]})"
            )
        units = [head.units[k] for k in numbers]
        places, remarks = emg_channels(
            self._path, self.layout, [names[k] for k in numbers], units, lambda k: self._table.first_values(numbers[k])
        )
        self._table.remarks += remarks
        return [numbers[k] for k in places]

    def _is_index(self, place: int) -> bool:
        """Whether a column is the row number of a data frame, which has no name."""
        if place or self._names[0] != "Unnamed: 0":
            return False
        cells = self._table.first_cells(0)
        if cells not in ([str(k) for k in range(len(cells))], [str(k + 1) for k in range(len(cells))]):
            return False
        self._table.remarks.append("its first column numbers the rows, and is left out")
        return True

    def _named_with_unit(self) -> int | None:
        """The column of times that is so called and says its unit: time [s], t_ms."""
        place = self._by_name
        if place is None or self._names[place] in (*self.layout.channels, *self.layout.targets, self.layout.label):
            self._by_name = None
            return None
        if unit := own_time_unit(self._names[place], self._table.head.units[place]):
            self.layout = replace(self.layout, time=self._names[place], time_unit=unit)
            self._table.remarks.append(f"times are those of {self._names[place]!r}")
            return place
        return None

    def _named_without_unit(self) -> int | None:
        """The column of times that is only so called, where its steps are those of the rate in s."""
        if (place := self._by_name) is None:
            return None
        name, step = self._names[place], usual_step(self._first_times(place))
        if abs(step * self.rate - 1) > STEP_TOLERANCE:
            self._table.remarks.append(
                f"{name!r} is not used: its steps are not those of {self.rate:g} Hz in s (--time names it)"
            )
            return None
        self.layout = replace(self.layout, time=name)
        self._table.remarks.append(f"times are those of {name!r}")
        return place

    def _stamps(self) -> list[int]:
        """Of each EMG column the column of times before it, in a file whose columns have times of their own."""
        if self.time is not None or not any(is_stamps(n) for n in self._names):
            return []
        out = []
        for k in self.emg:
            before = [p for p in range(k) if is_stamps(self._names[p])]
            if not before:
                raise ConfigError(f"{self._path}: no times stand before column {self._names[k]!r}")
            out.append(before[-1])
        return out

    def _held(self) -> dict[int, tuple[int, HeldColumn]]:
        """Labels and targets with times of their own, by place: where these are, and what holds the values."""
        out: dict[int, tuple[int, HeldColumn]] = {}
        for k in (*self.targets, *([] if self.label is None else [self.label])) if self.stamps else ():
            before = [p for p in range(k) if is_stamps(self._names[p])]
            if not before or before[-1] in self.stamps:
                continue
            own, emg = self._table.first_values(before[-1]), self._table.first_values(self.stamps[0])
            steps = np.diff(own[np.isfinite(own)])
            steps = steps[steps > 0]  # behind its end it may be filled up with zeros
            if len(steps) and not np.array_equal(own, emg):
                step = float(np.median(steps))
                out[k] = before[-1], HeldColumn(self._path, self._names[k], step, 1 / self.rate)
        self._table.remarks += [column.remark for _, column in out.values()]
        return out

    def _rate(self) -> float:
        rates = [self._table.head.rates[k] for k in self.emg]
        if self.stamps:
            rates = [r or even_rate(self._table.first_values(p)) for r, p in zip(rates, self.stamps, strict=True)]
        if max(rates) - min(rates) > RATE_ERROR * max(rates):
            listed = ", ".join(f"{c} {r:g} Hz" for c, r in zip(self.channels, rates, strict=True))
            raise ConfigError(f"{self._path} has EMG at several rates: name channels of one (--channels): {listed}")
        whole = self._stated_rate(rates[0])
        if whole and rates[0] and abs(whole / rates[0] - 1) > RATE_ERROR:
            raise ConfigError(f"{self._path} says two rates, {whole:g} Hz and {rates[0]:g} Hz")
        return rate_and_unit.rate(self._path, self.layout, rates[0] or whole or self._rate_by_times())

    def _stated_rate(self, own: float) -> float:
        """The rate that the head states, Hz; of several the columns' `own`, or the one that a person says."""
        stated, wanted = self._table.head.stated, own or self.layout.rate
        if len(stated) < 2:
            return stated[0] if stated else 0.0
        chosen = [rate for rate in stated if wanted and abs(wanted / rate - 1) <= RATE_ERROR]
        if not chosen:
            listed = ", ".join(f"{rate:g} Hz" for rate in stated)
            raise ConfigError(f"{self._path} states several rates ({listed}): give the one of the EMG (--rate)")
        return chosen[0]

    def _rate_by_times(self) -> float:
        """The rate that the times tell, Hz, where nothing else does; 0 where they do not, or where there are none."""
        place = self._by_name if self.time is None else self.time
        if self.layout.rate or place is None:
            return 0.0
        name, times = self._names[place], self._first_times(place)
        if self.time is None and self._table.head.numeric[place]:
            step = usual_step(times)
            raise ConfigError(
                f"{self._path} does not say its sampling rate, nor the unit of its times {name!r}, which go on by "
                f"{step:.6g} a row: give the rate, such as --rate 1000, or the times with their unit: --time {name} "
                f"(in s), --time {name} --time-unit ms"
            )
        check_time_unit(self._path, name, self.layout.time_unit, self._table.head.units[place])
        rate = rate_of_times(self._path, name, times, self.layout.time_unit)
        self._table.remarks.append(f"its rate is that of {name!r}")
        return rate

    def _first_times(self, place: int) -> Array:
        """Times in the first rows, in the unit of their column, or in s where they are text."""
        clock, cells = self._clock_of(place), self._table.first_cells(place)
        return clock.seconds(self._table.pandas.Series(cells)) if clock else self._table.first_values(place)

    def _clock_of(self, place: int) -> ClockText | None:
        """What reads times that are text; None where they are numbers."""
        if self._table.head.numeric[place]:
            return None
        name, unit = self._names[place], self.layout.time_unit
        if unit != "s":
            raise ConfigError(f"{self._path}: times {name!r} are text, in no unit: leave out --time-unit {unit}")
        return ClockText(self._path, name, self._table.first_cells(place))

    def _clock(self) -> ClockText | None:
        if self.time is None:
            return None
        check_time_unit(self._path, self._names[self.time], self.layout.time_unit, self._table.head.units[self.time])
        if (clock := self._clock_of(self.time)) is None:
            return None
        self._table.remarks += [clock.remark] if clock.remark else []
        return clock


def stacked(path: Path, name: str, channels: Iterable[str]) -> ConfigError:
    """A refusal of a table that has a row per sample and channel."""
    some = ", ".join(list(channels)[:4])
    return ConfigError(
        f"{path}: its column {name!r} says of which channel a row is ({some} …); write a column per channel, such as "
        f"with pandas: df.pivot(index=TIMES, columns={name!r}, values=EMG)"
    )

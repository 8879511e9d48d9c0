"""Recordings as text tables: CSV, TSV and columns between blanks, as many programs write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.clock_text import DAY_S, Turns, since_midnight
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.formats.prompts import Prompts
from myoprosthesis.emg.formats.table_columns import TableColumns, stacked
from myoprosthesis.emg.formats.table_rows import Row, TableRows
from myoprosthesis.emg.formats.text_lines import TextLines
from myoprosthesis.emg.recording import EmgRecording, Span, joined, runs
from myoprosthesis.emg.recording_format import TIME_UNITS, RecordingFormat, uses

Array = NDArray[np.float64]
UNLABELLED = ("", "nan", "<na>", "nat")
"""Cells of a column of labels that hold none, in lower case."""
WHOLE = re.compile(r"^([+-]?\d+)[.]0*$")
"""A code that is written with a fraction of zeros: 1.0 and 1 are one label."""
ROWS = 1 << 15
"""Rows that are parsed at a time when a whole file is wanted."""


@uses("rate", "unit", "channels", "time", "time_unit", "label", "targets", "target_cell", "prompts", "decimal",
      "encoding", "missing")  # fmt: skip
def read_table(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """Rows of a text table as recordings of up to `block` rows each (0: all at once), without holding more of it.

    Delimiter, decimal mark, encoding and names are found from the first lines. Lines above the names may say
    `# rate: 1000` (Hz) and `# unit: uV`, and which columns are the times (s) and the labels: `# time: t`,
    `# label: gesture`. Files of Delsys' programs have times per column; the EMG columns must share theirs.
    """
    parts = _whole_rows(path, layout, block or ROWS)
    if block:
        yield from (_filled(part, layout) for part in parts)
        return
    whole = joined(list(parts))
    for k, name in enumerate(layout.targets if layout.target_cell else ()):
        if np.isnan(whole.targets[:, k]).all():
            raise ConfigError(f"{path}: no cell of {name!r} looks like {layout.target_cell!r}")
    yield _filled(whole, layout)


def _filled(part: EmgRecording, layout: RecordingFormat) -> EmgRecording:
    """Targets of cells that do not look as they should filled in from their neighbours."""
    if not layout.target_cell:
        return part
    targets = part.targets.copy()
    for column in targets.T:
        sound = np.flatnonzero(np.isfinite(column))
        if sound.size:
            column[:] = np.interp(np.arange(len(column)), sound, column[sound])
    return replace(part, targets=targets)


def _whole_rows(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """Parts without the rows at the end in which the cells of all EMG columns are empty: those columns have ended."""
    with TextLines(path, layout.encoding) as lines:
        table = TableRows(path, lines, layout.decimal)
        samples = _Samples(path, TableColumns(path, layout, table), table)
        waiting: list[EmgRecording] = []
        last: EmgRecording | None = None
        end: Row | None = None
        while rows := table.take(block):
            end = rows[-1]
            part, full = samples.recording(rows), len(rows) - table.empty(rows, samples.columns.emg)
            for piece in (*waiting, part.part(0, full)) if full else ():
                if last is not None:
                    yield last
                last = piece
            waiting = ([] if full else waiting) + ([part.part(full, len(part))] if full < len(part) else [])
        if last is None or end is None:
            raise ConfigError(f"{path} has no samples")
        table.check_end(end, samples.columns.used)
        beyond = sum(map(len, waiting))
        ends = [f"its EMG ends {beyond} rows before the table does"] if beyond else []
        ends += samples.unused()
        yield replace(last, remarks=tuple(dict.fromkeys([*last.remarks, *table.remarks, *ends])))


class _Samples:
    """Makes recordings of rows that follow each other."""

    def __init__(self, path: Path, columns: TableColumns, table: TableRows) -> None:
        self._path, self.columns, self._table = path, columns, table
        self._prompts = Prompts(path, columns.layout) if columns.layout.prompts else None
        self._missing = MissingValues(path, columns.layout, columns.channels)
        self._turns = columns.clock.turns if columns.clock else Turns()
        self._count, self._before = 0, ""
        self._channels: set[str] = set()

    def recording(self, rows: list[Row]) -> EmgRecording:
        """The next rows."""
        c, layout = self.columns, self.columns.layout
        texts = [] if c.label is None else [c.label]
        texts += c.targets if layout.target_cell else []
        texts += [c.time] if c.clock and c.time is not None else []
        texts += [*c.counters, *([] if c.channel_column is None else [c.channel_column])]
        frame = self._table.frame(rows, sorted(c.used - set(texts)), texts)
        samples = self._missing.masked(np.stack([frame[k].to_numpy(float) for k in c.emg], axis=1)) * c.factors
        times = self._times(frame, len(rows))
        for place, (stamps, column) in c.held.items():
            frame[place] = column.at(times, frame[stamps].to_numpy(float), frame[place].to_numpy(object))
        self._look_beside(frame, times)
        names, targets, spans = layout.targets, self._targets(frame), self._spans(frame)
        if self._prompts:
            names, (targets, spans) = self._prompts.names, self._prompts.at(times)
        self._count += len(rows)
        return EmgRecording(
            samples, c.channels, c.rate, c.unit, times, c.time is not None, spans, targets, names, str(self._path),
            c.file_unit, target_unit=c.target_unit,
            remarks=(*self._table.remarks, *self._missing.remarks, *self._turns.remarks),
        )  # fmt: skip

    def unused(self) -> list[str]:
        """What at the end is found not to have been used."""
        counted = [remark for counter in self.columns.counters.values() for remark in counter.remarks()]
        return [*self._missing.unused(), *(self._prompts.unused() if self._prompts else []), *counted]

    def _look_beside(self, frame: Any, times: Array) -> None:
        """Follow the columns that count rows, and refuse rows of another channel than those before."""
        c, pandas = self.columns, self._table.pandas
        for place, counter in c.counters.items():
            values = pandas.to_numeric(frame[place], errors="coerce").to_numpy(float)
            counter.add(values, None if c.time is None else times * c.rate)
        if c.channel_column is not None:
            self._channels.update(frame[c.channel_column].dropna().unique())
            if len(self._channels) > 1:
                raise stacked(self._path, self._table.names[c.channel_column], sorted(self._channels))

    def _times(self, frame: Any, n: int) -> Array:
        c = self.columns
        if c.time is None:
            return np.asarray((self._count + np.arange(n)) / c.rate)
        if c.clock:
            return c.clock.seconds(frame[c.time])
        times: Array = frame[c.time].to_numpy(float)
        for channel, place in zip(c.channels, c.stamps, strict=False):
            apart = np.abs(frame[place].to_numpy(float) - times)
            if (apart > 0.5 / c.rate).any():  # NaN, where one of them has ended, is not
                raise ConfigError(
                    f"{self._path}: {c.channels[0]!r} and {channel!r} are sampled at different times: name channels "
                    f"that share theirs (--channels)"
                )
        times = times * TIME_UNITS[c.layout.time_unit]
        return self._turns.straight(times, DAY_S) if since_midnight(times) else times

    def _spans(self, frame: Any) -> tuple[Span, ...]:
        """Spans of equal labels; a cell that is empty or NaN is no label."""
        if self.columns.label is None:
            return ()
        codes, there = self._table.pandas.factorize(frame[self.columns.label].to_numpy(object), use_na_sentinel=False)
        cleaned = [WHOLE.sub(r"\1", c.strip()) if isinstance(c, str) else "" for c in there]
        cleaned = ["" if c.lower() in UNLABELLED else c for c in cleaned]
        labels = np.array(cleaned, object)[codes]
        spans, self._before = runs(labels, self._before), str(labels[-1])
        return spans

    def _targets(self, frame: Any) -> Array:
        """Targets (n, k); NaN where a cell does not look as it should."""
        c = self.columns
        out = np.full((len(frame), len(c.targets)), np.nan)
        pattern = re.compile(c.layout.target_cell)
        for k, place in enumerate(c.targets):
            if c.layout.target_cell:
                cells = frame[place].to_numpy(object)
                sound = np.array([isinstance(cell, str) and bool(pattern.fullmatch(cell.strip())) for cell in cells])
                out[sound, k] = cells[sound].astype(float)
            else:
                out[:, k] = frame[place].to_numpy(float)
        return out

"""Rows of a text table: lines with as many cells as are due, and their columns as numbers and text."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library
from myoprosthesis.emg.formats.numerals import INFINITE, MISSING, is_missing
from myoprosthesis.emg.formats.plotted_lines import unplotted
from myoprosthesis.emg.formats.text_dialect import Head, cells_of
from myoprosthesis.emg.formats.text_head import read_head
from myoprosthesis.emg.formats.text_lines import TextLines

Array = NDArray[np.float64]
HEAD_LINES, HEAD_CHARACTERS = 1000, 1 << 22
"""Amount that is read before it is decided how a table is written."""
EMPTY = [form for word in MISSING for form in (word, word.upper(), word.capitalize())] + ["NaN", "NaT"]


@dataclass(slots=True)
class Row:
    """A line of the file, its number, and whether it was ended."""

    line: str
    number: int
    ended: bool


class TableRows:
    """Reads the head of a table, then its rows, some at a time; raises `ConfigError` for what is no row.

    `names` are those of the head (Unnamed: 0 for an empty one), or ch1, ch2 … `remarks` say how
    the table was read, the last one at its end.
    """

    def __init__(self, path: Path, lines: TextLines, decimal: str = "") -> None:
        self._path, self._lines = path, lines
        self.pandas = library("pandas", "emg", "reading text tables")
        version = [int(part) for part in self.pandas.__version__.split(".")[:2]]
        self._exact = {"float_precision": "round_trip"} if version < [3, 1] else {}  # later ones are exact as they are
        first, characters = list[Row](), 0
        while len(first) < HEAD_LINES and characters < HEAD_CHARACTERS and (line := lines.next()) is not None:
            first.append(Row(line, lines.number, lines.whole))
            characters += len(line)
        self.head: Head = read_head(path, [row.line for row in first], decimal)
        names = self.head.names or [f"ch{k + 1}" for k in range(self.head.width)]
        self.names = [name or f"Unnamed: {k}" for k, name in enumerate(names)]  # as pandas calls them
        self.remarks = [r for r in (lines.remark, *self.head.remarks) if r]
        self._pending = first[self.head.begin :]
        self._first = [row for row in self._pending if self._width(row.line) == self.head.width]

    def first_cells(self, place: int) -> list[str]:
        """Cells of a column in the first rows, as they are written."""
        return [] if self.head.plotted else [cells_of(row.line, self.head.delimiter)[place] for row in self._first]

    def first_values(self, place: int) -> Array:
        """Numbers of a column in the first rows, up to the first cell that is none."""
        if self.head.plotted:
            return np.zeros(0)
        pattern, cells = self.head.numerals.pattern, self.first_cells(place)
        bad = (k for k, c in enumerate(cells) if not (pattern.fullmatch(c) or is_missing(c) or c.lower() in INFINITE))
        rows = self._first[: next(bad, len(cells))]
        return np.asarray(self.frame(rows, [place], [])[place], float) if rows else np.zeros(0)

    def take(self, n: int) -> list[Row]:
        """Up to `n` rows; empty lines are none, and none is left when the list is empty."""
        out = self._regular(n)
        while len(out) < n and (row := self._next()) is not None:
            if not row.line.strip():
                continue
            if self.head.plotted:
                row.line = unplotted(self._path, row.number, row.line, self.names)
            while row.line.count('"') % 2 and (more := self._next()) is not None:
                row = Row(f"{row.line}\n{more.line}", row.number, more.ended)
            width, due = self._width(row.line), self.head.width
            if width == due + 1 and self.head.delimiter and row.line.rstrip().endswith(self.head.delimiter):
                row.line = row.line.rstrip()[:-1]
            elif width < due and not row.ended:
                self.remarks.append("its last line is cut off, and left out")
                break
            elif width != due:
                raise self._fault(row, f"{width} cells, {due} are due: {row.line.strip()[:80]!r}")
            out.append(row)
        return out

    def _regular(self, n: int) -> list[Row]:
        """The next rows, all at once where every one of them is plainly a row; otherwise they wait to be looked at."""
        if self._pending or self.head.plotted:
            return []
        first, lines = self._lines.number + 1, self._lines.take(n)
        rows = [Row(line, number, True) for number, line in enumerate(lines, first)]
        if rows:
            rows[-1].ended = self._lines.whole
        delimiter, due = self.head.delimiter, self.head.width
        if delimiter is None:
            plain = all(len(line.split()) == due for line in lines)
        else:
            plain = all(line.count(delimiter) == due - 1 for line in lines)
        if plain and not any('"' in line for line in lines) and rows and rows[-1].ended:
            return rows
        self._pending = rows
        return []

    def frame(self, rows: list[Row], numbers: list[int], texts: list[int]) -> Any:
        """Columns of numbers and of text of some rows, by their places (a pandas DataFrame)."""
        numerals, text = self.head.numerals, "\n".join(row.line for row in rows)
        options: dict[str, Any] = {
            "header": None, "names": range(self.head.width), "index_col": False, "usecols": sorted([*numbers, *texts]),
            "sep": self.head.delimiter or r"\s+", "skipinitialspace": True, "keep_default_na": False, "engine": "c",
        }  # fmt: skip
        dtype: dict[int, Any] = {**dict.fromkeys(numbers, np.float64), **dict.fromkeys(texts, str)}
        try:
            frame = self.pandas.read_csv(
                io.StringIO(text), dtype=dtype, na_values=dict.fromkeys(numbers, EMPTY), decimal=numerals.decimal,
                thousands=numerals.thousands or None, **options, **self._exact,
            )  # fmt: skip
        except (ValueError, OverflowError) as error:
            self._check_numbers(rows, numbers)
            raise ConfigError(f"{self._path} cannot be read as a table: {error}") from error
        if numerals.thousands:  # marks between other groups than of three digits were read as if they were not there
            self._check_numbers(rows, numbers)
        return frame

    def empty(self, rows: list[Row], places: list[int]) -> int:
        """How many rows at the end have no cell in any of some columns."""
        for count, row in enumerate(reversed(rows)):
            cells = cells_of(row.line, self.head.delimiter)
            if any(cells[k] for k in places):
                return count
        return len(rows)

    def check_end(self, row: Row, used: set[int]) -> None:
        """Refuse a last row with a word where a column that is not `used` began with a number: mean, total, end.

        A last cell that has fewer digits than all others, and no end of its line, may have been cut off.
        """
        if self.head.plotted or not self._first:
            return
        before = [r for r in self._first if r.number < row.number]
        *others, last = (_digits(cells_of(r.line, self.head.delimiter)[-1]) for r in (*before, row))
        if not row.ended and last < min(others, default=0):
            self.remarks.append(f"line {row.number}, the last one, has no end: its last number may have been cut off")
        first, number = cells_of(self._first[0].line, self.head.delimiter), self.head.numerals.pattern
        self._check_numbers([row], [k for k, cell in enumerate(first) if k not in used and number.fullmatch(cell)])

    def _width(self, line: str) -> int:
        delimiter = self.head.delimiter
        if '"' in line:
            return len(cells_of(line, delimiter))
        return len(line.split()) if delimiter is None else line.count(delimiter) + 1

    def _next(self) -> Row | None:
        if self._pending:
            return self._pending.pop(0)
        line = self._lines.next()
        return None if line is None else Row(line, self._lines.number, self._lines.whole)

    def _check_numbers(self, rows: list[Row], numbers: list[int]) -> None:
        pattern = self.head.numerals.pattern
        for row in rows:
            cells = cells_of(row.line, self.head.delimiter)
            for place in numbers:
                cell = cells[place]
                if not (pattern.fullmatch(cell) or is_missing(cell) or cell.lower() in INFINITE):
                    name = self.names[place]
                    raise self._fault(
                        row, f"{cell[:80]!r} in column {name!r} is no number; if these are labels say --label {name}, "
                        f"and --channels names the columns of EMG",
                    )  # fmt: skip

    def _fault(self, row: Row, sentence: str) -> ConfigError:
        return ConfigError(f"{self._path}, line {row.number}: {sentence}")


def _digits(cell: str) -> int:
    """Number of digits behind the point or comma of a number."""
    return len(re.split("[.,]", cell)[-1]) if re.search("[.,]", cell) else 0

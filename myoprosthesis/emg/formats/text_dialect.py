"""How a text table is written: what divides its columns, where its rows begin, and which columns hold numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.numerals import Numerals, is_missing, is_number

MOST_COLUMNS = 4096
DELIMITERS: tuple[str | None, ...] = ("\t", ";", ",", "|", None)
"""In the order in which they are preferred; None: runs of blanks and tabs."""


@dataclass
class Head:
    """How a table is written and what it says of itself, one item per column in the lists.

    `begin`: index of the first row in the lines. `numeric`: whether the column holds numbers in the first rows.
    `names`: empty for a table without. `units` and `rates` (Hz) as the head says them, or empty and 0. `says`: unit,
    times, labels and channels of the whole, `stated` all rates that it states elsewhere, Hz. `plotted`: each value has
    its column's name before it.
    """

    delimiter: str | None = None
    begin: int = 0
    numerals: Numerals = field(default_factory=Numerals)
    numeric: list[bool] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    stated: list[float] = field(default_factory=list)
    plotted: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.numeric)


def is_comment(line: str) -> bool:
    """Whether a line is a comment, in which programs say what they wrote."""
    return line.lstrip().startswith(("#", "%"))


def cells_of(line: str, delimiter: str | None) -> list[str]:
    """Cells of a line, without quotes and outer blanks."""
    if delimiter is None and '"' in line:
        line, delimiter = line.replace("\t", " ").strip(), " "
    if delimiter is None:
        return line.split()
    if '"' not in line:
        return [c.strip() for c in line.split(delimiter)]
    return [c.strip() for c in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]


def find_table(path: Path, lines: Sequence[str], decimal: str) -> Head:
    """Delimiter, first row and columns of numbers: those of the delimiter that makes most cells numbers."""
    best, most = None, 0.0
    for delimiter in DELIMITERS:
        if delimiter == "," == decimal and not any('"' in line for line in lines):
            continue
        head = _divided(lines, delimiter, decimal)
        if head is not None and (head.width > 1 or delimiter is None):
            share = _share(lines, head, decimal)
            if share > most + 1e-9:
                best, most = head, share
    if best is None:
        raise ConfigError(f"{path} has no rows of numbers")
    if not decimal:
        _check_commas(path, lines, best)
    return best


def _divided(lines: Sequence[str], delimiter: str | None, decimal: str) -> Head | None:
    rows = {k: cells_of(line, delimiter) for k, line in enumerate(lines) if line.strip()}
    widths = Counter(len(row) for row in rows.values())
    width = max(widths, key=lambda w: (widths[w], w))
    usual = [row for row in rows.values() if len(row) == width]
    numeric = [2 * sum(is_number(row[k], decimal) for row in usual) >= len(usual) for k in range(width)]

    def is_row(row: list[str]) -> bool:
        """A row may have a bad cell, which is refused when it is read; a line of `key, value` is none."""
        if len(row) != width or (numeric[0] and not is_number(row[0], decimal)):
            return False
        cells = [c for c, n in zip(row, numeric, strict=True) if n]
        words = sum(not is_number(c, decimal) for c in cells)
        return 2 * words <= len(cells) and any(is_number(c, decimal) and not is_missing(c) for c in cells)

    begin = next((k for k, row in rows.items() if is_row(row)), None)
    return None if begin is None else Head(delimiter, begin, numeric=numeric)


def _share(lines: Sequence[str], head: Head, decimal: str) -> float:
    """Share of cells that are numbers in what are rows, plus a bonus where the line above has as many cells."""
    rows = [cells_of(line, head.delimiter) for line in lines[head.begin :] if line.strip()]
    sound = [row for row in rows if len(row) == head.width]
    numbers = sum(is_number(c, decimal) for row in sound for c in row) / (len(rows) * head.width)
    above = [line for line in lines[: head.begin] if line.strip()]
    named = bool(above) and len(names_of(above[-1], head)) == head.width
    if named and head.width == 1 and is_comment(above[-1]):
        named = False  # any sentence is one cell
    return numbers + (0.25 if named else 0.0)


def names_of(line: str, head: Head) -> list[str]:
    """Cells of the line with the names; that of a table of one column has its blanks in the name."""
    alone = head.width == 1 and not any(d in line for d in ("\t", ";", ",", "|"))
    return [line.strip().strip('"')] if alone else cells_of(line, head.delimiter)


def _check_commas(path: Path, lines: Sequence[str], head: Head) -> None:
    """Refuse columns whose numbers were split at decimal commas.

    Columns of whole numbers of which every second looks like the fraction of the one before, and a column without a
    name of numbers with commas.
    """
    first = lines[head.begin].strip()[:40]
    ask = f"{path} may have commas between its columns, or decimal commas, as in {first!r}: say it, --decimal . or ,"
    above = any(line.strip() and not is_comment(line) for line in lines[: head.begin])
    if head.width == 1 and not above and any("," in line for line in lines[head.begin :]):
        raise ConfigError(ask)
    if head.delimiter != "," or above or head.width % 2:
        return
    rows = [cells_of(line, ",") for line in lines[head.begin :] if line.strip()]
    if all(len(row) == head.width for row in rows):
        wholes, fractions = ([c for row in rows for c in row[k::2]] for k in (0, 1))
        signed = any(c.startswith("-") for c in wholes)
        even = len({len(c) for c in fractions}) == 1 and len(fractions[0]) > 1
        zeros = any(re.fullmatch(r"0\d+", c) for c in fractions) or "-0" in wholes
        whole = all(c.isdigit() for c in fractions) and all(re.fullmatch(r"[+-]?\d+", c) for c in wholes)
        if whole and (zeros or (signed and even)):
            raise ConfigError(ask)

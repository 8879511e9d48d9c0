"""Parts of a page: text, tables and drawings under a title."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.files.csv_text import csv_text

Columns = Mapping[str, Any]
"""Sequences or arrays of one length, by name."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure, what it shows, and the numbers in it."""

    name: str
    """Stem of its files."""
    figure: Any
    caption: str
    """HTML."""
    alt: str
    """One plain line for those who cannot see it."""
    columns: Columns
    """Columns of its CSV, all of one length; more than one table makes `Drawing.more`."""
    more: Mapping[str, Columns] = field(default_factory=dict)
    """Further tables, by a word that is added to the stem."""


@dataclass(frozen=True)
class SectionTable:
    """Cells are HTML."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numbers: bool = True
    """All columns but the first are numbers, set to the right."""


@dataclass(frozen=True)
class Text:
    """A paragraph, HTML."""

    html: str


@dataclass(frozen=True)
class Omitted:
    """One line that says what is left out, and why."""

    text: str


Part = Drawing | SectionTable | Text | Omitted


@dataclass(frozen=True)
class Section:
    """A title and what stands below it."""

    key: str
    title: str
    parts: tuple[Part, ...]


def number(value: float | None, digits: int = 2) -> str:
    """As people read it; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def share(value: float | None) -> str:
    """In per cent."""
    return "–" if value is None or not math.isfinite(value) else f"{number(100 * value, 0)} %"


def bounded(interval: Interval | None, digits: int = 2, percent: bool = False) -> str:
    """Value and bounds, as `3.20 [2.90, 3.55]`."""
    if interval is None:
        return "–"
    scale, end = (100, "\u202f%") if percent else (1, "")
    digits = 0 if percent else digits
    value = f"{number(interval.value * scale, digits)}{end}"
    if not math.isfinite(interval.low):
        return value
    return (f'{value} <span class="bounds">[{number(interval.low * scale, digits)}, '
            f"{number(interval.high * scale, digits)}]</span>")  # fmt: skip


def columns_text(columns: Columns) -> str:
    """Columns as CSV with a header; NaN as an empty cell."""
    return csv_text(columns, *([_cell(x) for x in row] for row in zip(*columns.values(), strict=True)))


def _cell(x: Any) -> Any:
    if isinstance(x, str):
        return x
    if isinstance(x, (bool, int)):
        return x
    value = float(x)
    if not math.isfinite(value):
        return ""
    return f"{value:.9g}"


def code(text: Any) -> str:
    """Text as it is typed."""
    return f"<code>{escape(str(text))}</code>"

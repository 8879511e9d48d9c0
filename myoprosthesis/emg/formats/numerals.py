"""How numbers are written in a table: decimal points or commas, and marks between thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from myoprosthesis.core.errors import ConfigError

MISSING = ("", "nan", "-nan", "na", "n/a", "#n/a", "null", "<na>", "nat")
"""Cells that hold no number, in lower case."""
INFINITE = ("inf", "+inf", "-inf", "infinity", "-infinity")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)
WITH_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.I)
SEPARATORS = ".,' \u00a0\u202f"


@dataclass(frozen=True)
class Numerals:
    """`decimal` stands before the fraction, `thousands` between groups of three digits (empty: nothing)."""

    decimal: str = "."
    thousands: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Regular expression of a number."""
        point, group = re.escape(self.decimal), re.escape(self.thousands)
        whole = rf"(\d{{1,3}}({group}\d{{3}})+|\d+)" if self.thousands else r"\d+"
        return re.compile(rf"[+-]?({whole}{point}?\d*|{point}\d+)(e[+-]?\d+)?", re.I)


def is_number(cell: str, decimal: str = "") -> bool:
    """Whether a cell may hold a number, or none; `decimal` is the decimal mark where it is known."""
    text = cell.strip()
    if NUMBER.fullmatch(text) or text.lower() in MISSING or text.lower() in INFINITE:
        return True
    if decimal != "." and WITH_COMMA.fullmatch(text):
        return True
    return bool(_grouped(text))


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in MISSING


def _grouped(text: str) -> re.Match[str] | None:
    """A number with marks between its thousands."""
    return re.fullmatch(r"[+-]?\d{1,3}(?:(?P<mark>[.,' \u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?P<rest>[.,]\d+)?", text)


def check_dots(path: Path, cells: Iterable[str]) -> None:
    """Refuse a column in which dots may be between thousands: 1.234 beside 999, no other number with a dot."""
    dotted = {c for c in cells if "." in c}
    whole = [c for c in cells if re.fullmatch(r"[+-]?\d+", c)]
    grouped = all(re.fullmatch(r"[+-]?[1-9]\d{0,2}[.]\d{3}", c) for c in dotted)
    if dotted and whole and grouped and all(len(c.lstrip("+-")) <= 3 for c in whole):
        raise ConfigError(
            f"{path} has numbers such as {min(dotted)} beside {whole[0]}, in which the dot may stand before a fraction "
            f"or between thousands: say it, --decimal . or --decimal ,"
        )


def check_thousands(path: Path, name: str, cells: Iterable[str]) -> None:
    """Refuse a column of counts in which every number looks like thousands: 32.768."""
    there = [c for c in cells if not is_missing(c)]
    if there and all(re.fullmatch(r"[+-]?[1-9]\d{0,2}[.]\d{3}", c) for c in there):
        raise ConfigError(
            f"{path}: {name!r} has counts such as {there[0]}, in which the dot may stand before a fraction or between "
            "thousands: say it, --decimal . or --decimal ,"
        )


def find_numerals(path: Path, cells: Iterable[str], decimal: str = "") -> Numerals:
    """How the numbers in `cells` are written; `decimal` says it where that is known. Raises `ConfigError`."""
    cells = list(cells)
    marked = [c.strip() for c in cells if "," in c or c.count(".") > 1 or any(s in c.strip() for s in SEPARATORS[2:])]
    groups: set[str] = set()
    grouped, fractions, open_to_both = 0, set[str](), 0
    for cell in marked:
        match = _grouped(cell)
        if match and (match["rest"] or cell.count(match["mark"]) > 1 or match["mark"] in SEPARATORS[2:]):
            groups.add(match["mark"])
            grouped += 1
            if match["rest"]:
                fractions.add(match["rest"][0])
        elif match and match["mark"] == "," and not re.match(r"[+-]?0", cell):
            open_to_both += 1
        elif "," in cell:
            fractions.add(",")
    if decimal == "," and any("." in cell for cell in cells):
        groups.add(".")
    if decimal:
        fractions = {decimal}
    elif not fractions and open_to_both and not groups:
        if any(NUMBER.fullmatch(c.strip()) and "." in c for c in cells):
            groups.add(",")
        else:
            raise ConfigError(
                f"{path} has numbers such as {marked[0]}, in which the comma may stand before a fraction or between "
                f"thousands: say it, --decimal , or --decimal ."
            )
    if len(fractions) > 1 or len(groups) > 1 or (fractions and fractions == groups):
        raise ConfigError(f"{path} writes numbers in several ways, such as {', '.join(marked[:3])}")
    point = next(iter(fractions), "," if "." in groups else ".")
    group = next(iter(groups), "")
    if not group and open_to_both and point == ".":
        group = ","
    return Numerals(point, group)

"""Sample times that are written as text: dates with a time of day, or a time of day alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
STAMP = re.compile(
    r"\s*(?:(?P<date>\d{1,4}[-./]\d{1,2}[-./]\d{1,4})[T ]\s*)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,:](?P<fraction>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?\s*"
)
DAY_S = 86400.0


class ClockText:
    """Reads stamps as s since 1970 (UTC unless they say a zone), or since midnight without a date.

    `remark` says in which order a date is read where it can be read in two. Raises `ConfigError`.
    """

    def __init__(self, path: Path, name: str, cells: Sequence[str]) -> None:
        """`cells` are the first ones of the column."""
        self._path, self._name, self.remark = path, name, ""
        dates = {m["date"] for m in map(STAMP.fullmatch, cells) if m and m["date"]}
        self._order = self._date_order(dates)
        self._days: dict[str, float] = {"": 0.0}

    def seconds(self, cells: Any) -> Array:
        """Times (n,) in s of a column of text (pandas)."""
        parts = cells.str.extract(STAMP)
        bad = parts["hour"].isna()
        if bad.any():
            cell = cells[bad].iloc[0]
            raise ConfigError(
                f"{self._path}: {cell!r} in column {self._name!r} is no time such as 2024-01-31 09:30:00.125"
            )
        hour = parts["hour"].astype(float)
        half = parts["half"].fillna("").str.lower()
        hour = hour.where(half == "", hour % 12) + 12.0 * (half == "pm")
        fraction = ("0." + parts["fraction"].fillna("0")).astype(float)
        within = 3600 * hour + 60 * parts["minute"].astype(float) + parts["second"].fillna("0").astype(float) + fraction
        zones, dates = parts["zone"].fillna(""), parts["date"].fillna("")
        days = dates.map({d: self._day(d) for d in dates.unique()})
        offset = zones.map({z: _zone(z) for z in zones.unique()})
        return np.asarray(days + within - offset, float)

    def _date_order(self, dates: set[str]) -> str:
        """Order of year, month and day: ymd, dmy or mdy."""
        parts = [[int(p) for p in re.split(r"[-./]", d)] for d in dates]
        if not parts or all(len(re.split(r"[-./]", d)[0]) == 4 for d in dates):
            return "ymd"
        if any(p[0] > 12 for p in parts) or all("." in d for d in dates):
            return "dmy"
        if any(p[1] > 12 for p in parts):
            return "mdy"
        self.remark = f"dates such as {min(dates)} are read as day, month, year"
        return "dmy"

    def _day(self, date: str) -> float:
        """Seconds from 1970 to the beginning of a day."""
        if date not in self._days:
            values = dict(zip(self._order, re.split(r"[-./]", date), strict=True))
            try:
                day = np.datetime64(f"{int(values['y']):04d}-{int(values['m']):02d}-{int(values['d']):02d}", "D")
            except ValueError as error:
                raise ConfigError(f"{self._path}: {date!r} in {self._name!r} is no date ({self._order})") from error
            self._days[date] = float(day.astype(np.int64)) * DAY_S
        return self._days[date]


def _zone(text: str) -> float:
    """Seconds that a zone is ahead of UTC."""
    if text in ("", "Z"):
        return 0.0
    digits = text[1:].replace(":", "")
    return (60 * int(digits[:2]) + int(digits[2:])) * (-60.0 if text[0] == "-" else 60.0)

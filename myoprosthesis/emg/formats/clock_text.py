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
    r"^\s*(?:(?:(?P<date>\d{1,4}[-./]\d{1,2}[-./]\d{1,4})[T ]\s*)?(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)"
    r"(?::(?P<second>[0-5]\d|60)(?:[.,:](?P<fraction>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?\s*"
    r"(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?|(?P<minutes>[0-5]?\d):(?P<seconds>[0-5]\d[.,]\d{1,9}))\s*$"
)
"""A date perhaps and a time of day, or minutes and seconds with a fraction, as spreadsheets show them."""
HOUR_S, DAY_S = 3600.0, 86400.0
SLACK_S = 60.0
"""A step back of a whole turn of a clock, to within this, is where the clock begins again."""


def is_clock(cells: Sequence[str]) -> bool:
    """Whether every cell is a time of a clock."""
    return bool(cells) and all(map(STAMP.fullmatch, cells))


class Turns:
    """Makes times that begin again, such as at midnight, go on: one turn of the clock is added each time.

    `remarks` says so once it was done.
    """

    def __init__(self) -> None:
        self._last, self._added = np.nan, 0.0
        self.remarks: tuple[str, ...] = ()

    def straight(self, times: Array, turn: float) -> Array:
        """The next times (n,), s, of a clock that begins again after `turn` s."""
        steps = np.diff(times, prepend=self._last)
        turns = (steps < SLACK_S - turn).astype(float) - (steps > turn - SLACK_S)
        added = self._added + turn * np.cumsum(turns)
        if len(times):
            self._last, self._added = float(times[-1]), float(added[-1])
        if turns.any():
            name = {HOUR_S: "the full hour", DAY_S: "midnight"}.get(turn, "one o'clock")
            self.remarks = (f"its times begin again at {name}: {turn / HOUR_S:g} h are added from there on",)
        return times + added


def since_midnight(times: Array) -> bool:
    """Whether times (n,), s, may be those of a day."""
    with np.errstate(invalid="ignore"):
        return not ((times < 0) | (times >= DAY_S)).any()


class ClockText:
    """Reads stamps as s since 1970 (UTC unless they say a zone), or since midnight or the hour without a date.

    Times without a date that begin again, at midnight, go on. `remark` says in which order a date is read where it can
    be read in two. Raises `ConfigError`.
    """

    def __init__(self, path: Path, name: str, cells: Sequence[str]) -> None:
        """`cells` are the first ones of the column."""
        self._path, self._name, self.remark = path, name, ""
        dates = {m["date"] for m in map(STAMP.fullmatch, cells) if m and m["date"]}
        self._order = self._date_order(dates)
        self._days: dict[str, float] = {"": 0.0}
        self.turns = Turns()
        self._whole_day = False

    def seconds(self, cells: Any) -> Array:
        """Times (n,) in s of a column of text (pandas)."""
        parts = cells.str.extract(STAMP)
        short = parts["minutes"].notna()
        bad = parts["hour"].isna() & ~short
        if bad.any() or short.nunique() > 1:
            cell = cells[bad].iloc[0] if bad.any() else cells[short].iloc[0]
            raise ConfigError(
                f"{self._path}: {cell!r} in column {self._name!r} is no time such as 2024-01-31 09:30:00.125"
                + ("" if bad.any() else ", as the others are")
            )
        if short.any():
            within = 60 * parts["minutes"].astype(float) + parts["seconds"].str.replace(",", ".").astype(float)
            return self.turns.straight(np.asarray(within, float), HOUR_S)
        hour = parts["hour"].astype(float)
        half = parts["half"].fillna("").str.lower()
        self._whole_day |= bool(((hour == 0) | (hour > 12) | (half != "")).any())
        hour = hour.where(half == "", hour % 12) + 12.0 * (half == "pm")
        fraction = ("0." + parts["fraction"].fillna("0")).astype(float)
        within = 3600 * hour + 60 * parts["minute"].astype(float) + parts["second"].fillna("0").astype(float) + fraction
        zones, dates = parts["zone"].fillna(""), parts["date"].fillna("")
        if not dates.any():
            within = self.turns.straight(np.asarray(within, float), DAY_S if self._whole_day else DAY_S / 2)
        days = dates.map({d: self._day(d) for d in dates.unique()})
        offset = zones.map({z: _zone(z) for z in zones.unique()})
        return np.asarray(days + within - offset, float)

    def _date_order(self, dates: set[str]) -> str:
        """Order of year, month and day: ymd, dmy or mdy."""
        written = [re.split(r"[-./]", d) for d in dates]
        parts = [[int(p) for p in cells] for cells in written]
        if not parts or all(len(cells[0]) == 4 for cells in written):
            return "ymd"
        certain, order = True, "dmy"
        if not (any(p[0] > 12 for p in parts) or all("." in d for d in dates)):
            order, certain = ("mdy", True) if any(p[1] > 12 for p in parts) else ("dmy", False)
        if not certain or any(len(cells[2]) <= 2 for cells in written):
            words = {"d": "day", "m": "month", "y": "year"}
            self.remark = f"dates such as {min(dates)} are read as {', '.join(words[c] for c in order)}"
        return order

    def _day(self, date: str) -> float:
        """Seconds from 1970 to the beginning of a day."""
        if date not in self._days:
            values = dict(zip(self._order, re.split(r"[-./]", date), strict=True))
            if len(values["y"]) <= 2:  # as POSIX reads %y
                values["y"] = str(int(values["y"]) + (2000 if int(values["y"]) < 69 else 1900))
            try:
                day = np.datetime64(f"{int(values['y']):04d}-{int(values['m']):02d}-{int(values['d']):02d}", "D")
            except ValueError as error:
                raise ConfigError(f"{self._path}: {date!r} in {self._name!r} is no date ({self._order})") from error
            self._days[date] = float(day.astype(np.int64)) * DAY_S
        return self._days[date]


def _zone(text: str) -> float:
    """Seconds that a zone is ahead of UTC."""
    if text in ("", "Z", "UTC", "GMT"):
        return 0.0
    digits = text[1:].replace(":", "")
    return (60 * int(digits[:2]) + int(digits[2:])) * (-60.0 if text[0] == "-" else 60.0)

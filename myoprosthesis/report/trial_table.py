"""The table of a session's trials, `trials.csv`: one row per finished trial."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError

NAME, LOST, PLACE = "trials.csv", "lost", "place"
NORMAL, CATCH, CHANNEL = "normal", "catch", "channel"
KINDS = (NORMAL, CATCH, CHANNEL)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.str_]


@dataclass(frozen=True)
class Place:
    """Where a target is."""

    target: int
    """Its number in the table."""
    angle: float
    """rad, from the start, counter-clockwise from x."""
    distance: float
    """m, from the start."""
    several: bool
    """Whether one number may be that of several places."""

    def __str__(self) -> str:
        far = f", {1e3 * self.distance:.0f} mm" if self.several else ""
        return f"target {self.target}, {np.rad2deg(self.angle % (2 * np.pi)):.0f}°{far}"


def place_columns(places: Sequence[Place]) -> dict[str, list[Any]]:
    """Columns of a table by place."""
    degrees = [float(np.rad2deg(p.angle)) for p in places]
    return {
        "target": [p.target for p in places], "degrees": degrees, "distance_mm": [1e3 * p.distance for p in places],
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrialTable:
    """Columns of shape (n_trials,), in the order in which the trials were made; NaN where a cell is empty."""

    trial: Ints
    block: Ints
    block_name: Texts
    kind: Texts
    """`normal`, `catch` (the field off by surprise) or `channel` (the movement held to its line)."""
    target: Ints
    label: Texts
    start_x: Floats
    start_y: Floats
    target_x: Floats
    target_y: Floats
    go_s: Floats
    perturbation: Texts
    gain: Floats
    """N·s/m, of the curl field of the block, clockwise positive."""
    policy: Texts
    policy_sha256: Texts
    success: Floats
    """1, 0 or NaN."""
    endpoint_error_mm: Floats
    lateral_deviation_mm: Floats
    """Signed, at its largest, right of the motion positive."""
    lateral_at_peak_speed_mm: Floats
    peak_speed: Floats
    """m/s."""
    channel_slope: Floats
    """Of the force on the channel's wall on the ideal one: 1 is all of the field."""
    channel_force_N: Floats
    estimate_gain: Floats
    """N·s/m, the learner's estimate before the trial."""
    loss: Floats
    samples: Ints
    place: Ints
    """The number of the target, but where blocks give one number to several places: one for each place."""

    def __len__(self) -> int:
        return len(self.trial)

    def where(self, mask: NDArray[Any]) -> TrialTable:
        """The rows of a mask or of indices."""
        return TrialTable(*(getattr(self, f.name)[mask] for f in fields(self)))

    def of(self, kind: str) -> TrialTable:
        """The rows of one kind."""
        return self.where(self.kind == kind)

    @property
    def angle(self) -> Floats:
        """Direction of the movement, rad, counter-clockwise from x."""
        return np.arctan2(self.target_y - self.start_y, self.target_x - self.start_x)

    @property
    def places(self) -> dict[int, Place]:
        """The target at each place, by the number of the place."""
        distance = np.hypot(self.target_x - self.start_x, self.target_y - self.start_y)
        several = bool((self.place != self.target).any())
        rows = zip(self.place.tolist(), self.target.tolist(), self.angle.tolist(), distance.tolist(), strict=True)
        return {place: Place(target, angle, far, several) for place, target, angle, far in rows}


@dataclass(frozen=True, eq=False)
class TableReading:
    """A table, the hash of its file, and what was wrong with it."""

    table: TrialTable
    sha256: str
    faults: tuple[str, ...] = ()


def read(file: Path) -> TableReading:
    """The table in `file`. A last row that was cut short is left out and reported; any other fault is refused."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file.parent} is no folder of a session: {file.name} cannot be read "
                          f"({error.strerror})") from error  # fmt: skip
    faults = []
    whole, newline, rest = data.rpartition(b"\n")
    if rest.strip():
        faults.append(f"{file.name} ends in the middle of a row, of which nothing is used: {_short(rest)}")
    try:
        text = (whole + newline).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is no table of trials: {error.reason} at byte {error.start}") from error
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not rows:
        raise ConfigError(f"{file} has no header: it is empty, or was cut off before its first row")
    kept, lost = _without_lost(rows[0], rows[1:])
    table = _table(file, rows[0], kept)
    if not len(table):
        what = f"no trial but lost ones ({len(lost)})" if lost else "no trial: no trial of this session was finished"
        raise ConfigError(f"{file} has a header and {what}")
    if lost:
        few = "; ".join(f"{trial}: {why}" for trial, why in lost[:8]) + ("; …" if len(lost) > 8 else "")
        faults.append(f"{len(lost)} lost trial{'s are' * (len(lost) > 1) or ' is'} in no figure ({few}).")
    return TableReading(table, hashlib.sha256(data).hexdigest(), tuple(faults))


def _without_lost(header: list[str], rows: list[list[str]]) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """The rows of trials that count, and number and reason of those that do not; older tables have no such column."""
    if LOST not in header:
        return rows, []
    at, number = header.index(LOST), header.index("trial") if "trial" in header else 0
    lost = [len(row) == len(header) and bool(row[at]) for row in rows]
    kept = [row for row, out in zip(rows, lost, strict=True) if not out]
    return kept, [(row[number], row[at]) for row, out in zip(rows, lost, strict=True) if out]


def _table(file: Path, header: list[str], rows: list[list[str]]) -> TrialTable:
    read_from = [f for f in fields(TrialTable) if f.name != PLACE]
    names = [f.name for f in read_from]
    lacking = [n for n in names if n not in header]
    if lacking:
        raise ConfigError(f"{file} lacks the column{'s' * (len(lacking) > 1)} {', '.join(lacking)}: it has "
                          f"{', '.join(header)[:300]}")  # fmt: skip
    place = [header.index(n) for n in names]
    columns: list[list[Any]] = [[] for _ in names]
    readers = [_READERS[str(f.type)] for f in read_from]
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise ConfigError(f"{file}, row {number}: {len(row)} cells for {len(header)} columns")
        for column, reader, at in zip(columns, readers, place, strict=True):
            try:
                column.append(reader(row[at]))
            except MyoError:
                raise
            except ValueError:
                raise ConfigError(f"{file}, row {number}: {header[at]} is {row[at]!r}, not a number") from None
    kinds: dict[str, Any] = {"Ints": np.int64, "Floats": np.float64, "Texts": np.str_}
    arrays: list[Any] = [np.array(c, kinds[str(f.type)]) for c, f in zip(columns, read_from, strict=True)]
    by_name: dict[str, Any] = dict(zip(names, arrays, strict=True))
    table = TrialTable(**by_name, place=by_name["target"])
    _check(file, table)
    return replace(table, place=_by_place(table))


def _by_place(table: TrialTable) -> Ints:
    """A number for each place of a target (to 0.1 mm from the start), where the blocks number several places alike.

    Targets that are drawn at random, each once, keep theirs.
    """
    x, y = table.target_x - table.start_x, table.target_y - table.start_y
    places, which = np.unique(np.round(1e4 * np.column_stack([x, y])), axis=0, return_inverse=True)
    pairs = np.unique(np.column_stack([table.target, which.ravel()]), axis=0)
    if len(pairs) == len(set(table.target.tolist())) or 2 * len(places) > len(table):
        return table.target
    first = list(dict.fromkeys(which.ravel().tolist()))
    return np.array([first.index(k) for k in which.ravel().tolist()], np.int64)


def _check(file: Path, table: TrialTable) -> None:
    strange = sorted(set(table.kind.tolist()) - set(KINDS))
    if strange:
        raise ConfigError(f"{file}: a trial of kind {strange[0]!r}, known are {', '.join(KINDS)}")
    back = np.flatnonzero(np.diff(table.trial) <= 0)
    if len(back):
        i = int(back[0])
        raise ConfigError(f"{file}: trial {table.trial[i + 1]} stands after trial {table.trial[i]}; "
                          "every trial has one row, in the order in which they were made")  # fmt: skip


def _integer(cell: str) -> int:
    return int(cell) if cell.strip() else -1


def _number(cell: str) -> float:
    cell = cell.strip()
    if cell.lower() in ("true", "false"):
        return float(cell.lower() == "true")
    return float(cell) if cell else math.nan


_READERS: dict[str, Callable[[str], Any]] = {"Ints": _integer, "Floats": _number, "Texts": str}


def _short(data: bytes) -> str:
    text = data.decode("utf-8", "replace").strip()
    return f"{text[:60]}…" if len(text) > 60 else text

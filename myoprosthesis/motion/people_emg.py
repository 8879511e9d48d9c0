"""EMG of people over the cycle of their walk, to be compared with muscles of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import brief
from myoprosthesis.files.r_data import NamedTable, read_r
from myoprosthesis.motion.cycle_table import POINTS, read_cycle

Array = NDArray[np.float64]
STANCE = 0.62
"""Share of the cycle in which the foot is on the floor; recordings that have stance and swing apart are put together
so."""
MUSCLES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "SOL": ("soleus", ("SOL", "SO", "soleus")),
    "MG": ("gasmed", ("MG", "GM", "gasmed", "gastrocnemius medialis")),
    "LG": ("gaslat", ("LG", "GL", "gaslat", "gastrocnemius lateralis")),
    "TA": ("tibant", ("TA", "tibant", "tibialis anterior")),
    "SM": ("semimem", ("SM", "ST", "semimem", "semitendinosus", "semimembranosus")),
    "BF": ("bfsh", ("BF", "bfsh", "biceps femoris")),
    "VL": ("vaslat", ("VL", "vaslat", "vastus lateralis")),
    "RF": ("recfem", ("RF", "recfem", "rectus femoris")),
    "VM": ("vasmed", ("VM", "vasmed", "vastus medialis")),
}
"""The nine muscles of KINESIS (arXiv 2503.14637): the muscle of the MyoSim legs, without its side, and names in
recordings. The short head of the biceps stands for the electrode on both, as there."""
LONG_HEAD = "bflh"
_BY_NAME = {name.casefold(): muscle for muscle, (_, names) in MUSCLES.items() for name in names}


@dataclass(frozen=True, eq=False)
class PeopleEmg:
    """Envelopes of `people` (names) over the cycle from a foot's touch-down.

    `curves` (n_people, 100, 9) are NaN where a muscle was not measured; `source` says where they are from."""

    people: tuple[str, ...]
    curves: Array
    source: str


def read_people(folder: Path) -> PeopleEmg:
    """The people in a folder; raises `ConfigError` with what would work.

    An .RData file of the R package musclesyneRgies (Santuz 2022) has people with envelopes `V`, stance and swing of
    equally many points each. Beside or without it: a .csv file for each person, with a column for each muscle, by the
    names in `MUSCLES`, and rows at equal steps over the cycle from touch-down to touch-down."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise ConfigError(f"--data {folder}: there is no such folder; one with .RData or .csv files is needed")
    people: dict[str, Array] = {}
    for file in sorted(folder.iterdir()):
        kind = file.suffix.lower()
        made = _from_r(file) if kind in (".rdata", ".rda", ".rds") else _from_csv(file) if kind == ".csv" else {}
        if twice := set(people) & set(made):
            raise ConfigError(f"{folder} has {brief(min(twice))} in two files: keep one")
        people |= made
    if not people:
        raise ConfigError(
            f"{folder} has no EMG of people over the cycle of a walk: an .RData file of musclesyneRgies, or a .csv for "
            f"each person with columns such as {', '.join(MUSCLES)}"
        )
    return PeopleEmg(tuple(people), np.array(list(people.values())), str(folder))


def _from_r(file: Path) -> dict[str, Array]:
    """People of the synergies in a workspace; none where it has something else."""
    out: dict[str, Array] = {}
    for table in _tables(read_r(file)):
        for person, entry in table.items():
            envelopes = entry.get("V") if isinstance(entry, dict) else None
            if isinstance(envelopes, NamedTable) and envelopes.values.shape[1] % 2 == 0:
                half = envelopes.values.shape[1] // 2
                out[person] = _by_muscle(file, envelopes.rows, stance_and_swing(envelopes.values.T, half))
    return out


def _tables(data: object) -> list[dict[str, object]]:
    """The lists in a workspace that may have people."""
    if not isinstance(data, dict):
        return []
    return [data, *(value for value in data.values() if isinstance(value, dict))]


def _from_csv(file: Path) -> dict[str, Array]:
    names, values = read_cycle(file, "the EMG of a person")
    return {file.stem: _by_muscle(file, names, values)}


def stance_and_swing(values: Array, stance: int) -> Array:
    """(100, n) over the cycle, of values (n_points, n) whose first `stance` rows are stance and whose others swing."""
    swing = len(values) - stance
    ends = np.concatenate(
        [STANCE * np.arange(stance) / stance, STANCE + (1.0 - STANCE) * np.arange(swing) / swing, [1.0]]
    )
    closed = np.concatenate([values, values[:1]])
    grid = np.arange(POINTS) / POINTS
    return np.stack([np.interp(grid, ends, column) for column in closed.T], 1)


def _by_muscle(file: Path, names: list[str] | tuple[str, ...], values: Array) -> Array:
    """(100, 9) of columns (100, n) with names, NaN for a muscle that is missing."""
    columns = {_BY_NAME[n.casefold()]: k for k, n in reversed(list(enumerate(names))) if n.casefold() in _BY_NAME}
    if len(columns) < 3:
        raise ConfigError(
            f"{file} has {len(columns)} of the nine muscles ({', '.join(map(str, names))}): three are needed, by names "
            f"such as {', '.join(MUSCLES)}"
        )
    lacking = np.full(len(values), np.nan)
    return np.stack([values[:, columns[m]] if m in columns else lacking for m in MUSCLES], 1)

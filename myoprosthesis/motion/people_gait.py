"""How people walk: angles and moments of joints and the reaction of the ground over the cycle of a gait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion.cycle_table import POINTS, read_cycle

Array = NDArray[np.float64]
JOINTS: Mapping[str, str] = {
    "hip_flexion": "hip, flexion", "hip_adduction": "hip, adduction", "knee_angle": "knee, flexion",
    "ankle_angle": "ankle, dorsiflexion",
}  # fmt: skip
"""Joints of a leg by OpenSim's names, and the direction in which angles and internal moments are above 0."""
GROUND: Mapping[str, str] = {
    "ground_forward": "forward", "ground_vertical": "upward", "ground_lateral": "to the outside of the foot",
}  # fmt: skip
"""Parts of the force of the ground on a foot, and where to they are above 0."""
DEGREES, MOMENT, WEIGHT = "deg", "N m/kg", "BW"
SIGNALS: Mapping[str, str] = {
    **dict.fromkeys(JOINTS, DEGREES), **{f"{joint}_moment": MOMENT for joint in JOINTS},
    **dict.fromkeys(GROUND, WEIGHT),
}  # fmt: skip
"""What is compared, and its unit; BW is the weight of the body."""
NAMES = tuple(SIGNALS)


def label(signal: str) -> str:
    """A signal in words."""
    return JOINTS.get(signal.removesuffix("_moment")) or GROUND[signal]


@dataclass(frozen=True)
class PeopleGait:
    """Cycles (n_cycles, 100, 11) of `NAMES` from a foot's touch-down, one of each name in `people`.

    NaN where a signal was not measured; `source` says where they are from."""

    people: tuple[str, ...]
    curves: Array
    source: str


def read_gait(folder: Path) -> PeopleGait:
    """The people, or the trials of one, in a folder: a .csv file for each.

    Columns are by the names in `SIGNALS`, each with its unit, such as `knee_angle [deg]`, and rows at equal steps from
    touch-down to touch-down; columns with other names are not read. Raises `ConfigError` with what would work."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise ConfigError(f"--data {folder}: there is no such folder; one with a .csv for each person is needed")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".csv")
    if not files:
        columns = ", ".join(f"{name} [{unit}]" for name, unit in SIGNALS.items())
        raise ConfigError(f"{folder} has no .csv of people over the cycle of a walk, with columns such as {columns}")
    curves = [_signals(file, *read_cycle(file, "the walk of a person")) for file in files]
    return PeopleGait(tuple(file.stem for file in files), np.array(curves), str(folder))


def _signals(file: Path, names: list[str], values: Array) -> Array:
    """(100, 11) of columns (100, n) with names, NaN for a signal that is missing."""
    columns: dict[str, int] = {}
    for k, name in enumerate(names):
        signal, _, rest = name.partition("[")
        unit, signal = rest.rstrip("] "), signal.strip()
        if signal not in SIGNALS:
            continue
        if unit != SIGNALS[signal]:
            problem = f"is in {unit!r}" if unit else "does not say its unit"
            raise ConfigError(f"{file}: {signal} {problem}; '{signal} [{SIGNALS[signal]}]' is needed")
        if signal in columns:
            raise ConfigError(f"{file} has {signal} twice: keep one")
        columns[signal] = k
    if not columns:
        raise ConfigError(f"{file} has none of {', '.join(SIGNALS)}: its columns are {', '.join(names[:20])}")
    lacking = np.full(POINTS, np.nan)
    return np.stack([values[:, columns[name]] if name in columns else lacking for name in NAMES], 1)

"""Cycles of a walk: the nine muscles that are held against people's EMG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.motion.people_emg import LONG_HEAD, MUSCLES
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.report import walk_trials
from myoprosthesis.report.walk_trials import SIDE, WalkTrial

Array = NDArray[np.float64]
COLUMNS = (*(f"{name}_{SIDE}" for name, _ in MUSCLES.values()), f"{LONG_HEAD}_{SIDE}")
"""The nine muscles, and the long head of the biceps."""
ACTIVATIONS = tuple((f"{muscle}/activation", "position") for muscle in COLUMNS)


@dataclass(frozen=True, eq=False)
class GaitCycles:
    """Cycles (n_cycles, 100, 10) of `COLUMNS`, of `lengths` (n_cycles,) s, out of trials that no fall has spoiled."""

    name: str
    excitation: Array | None
    activation: Array
    lengths: Array
    trials: int
    """That came to their end, of all that were there."""
    all_trials: int
    left_out: int
    """Cycles of these whose length is not typical."""


def of_trials(name: str, trials: Sequence[WalkTrial]) -> GaitCycles:
    """The cycles of those trials that came to their end, whose states are `ACTIVATIONS`; see `walk_trials.cycles`."""
    made = walk_trials.cycles(name, trials)
    excited = all(trial.excitation is not None for trial, _, _ in made.spans)
    return GaitCycles(
        name, made.curves(lambda trial: np.asarray(trial.excitation)) if excited else None,
        made.curves(lambda trial: trial.states), made.lengths, made.trials, made.all_trials, made.left_out,
    )  # fmt: skip


def recorded(path: Path) -> GaitCycles:
    """Of the trials in a recording; raises `RecordingError` or `DataError` where there are none."""
    return of_trials(path.name, walk_trials.recorded(path, ACTIVATIONS, COLUMNS))


def played(
    policy: OnnxPolicy, name: str, trials: int, options: Mapping[str, Any], seed: int, threads: int,
    progress: Callable[[float], object],
) -> GaitCycles:  # fmt: skip
    """Of trials of a policy in the environment, which are those of a stack in lockstep; see `of_trials`."""
    return of_trials(
        name, walk_trials.played(policy, name, trials, options, seed, threads, progress, ACTIVATIONS, COLUMNS)
    )

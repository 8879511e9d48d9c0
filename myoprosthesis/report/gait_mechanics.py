"""Cycles of a walk as biomechanics sees them: angles and moments of the left leg's joints, force of the ground."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.errors import DataError
from myoprosthesis.core.leg_names import SIDES
from myoprosthesis.core.options import build
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.motion.leg_forces import LegForces
from myoprosthesis.motion.people_gait import JOINTS
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.recording.bag import Bag
from myoprosthesis.report import walk_trials
from myoprosthesis.report.walk_trials import SIDE, WalkTrial
from myoprosthesis.tasks.walk import PERIOD_S, Walk

Array = NDArray[np.float64]
LEGS = "myolegs"
OF_A_LEG = tuple(f"{joint}_{SIDE}" for joint in JOINTS)
STRIDE_S = 1.0
"""Where one goes is seen over this time: within a stride the pelvis sways."""
AS_STATED = 0.01
"""By how much, as a share, forces of muscles may differ from those that a recording states."""


@dataclass(frozen=True, eq=False)
class MechanicsCycles:
    """Cycles (n_cycles, 100, 11) of `people_gait.NAMES`, of `lengths` (n_cycles,) s and at `speeds` (n_cycles,) m/s."""

    name: str
    values: Array
    lengths: Array
    speeds: Array
    trials: int
    """That came to their end, of all that were there."""
    all_trials: int
    left_out: int


class _Mechanics:
    """The signals of trials, by the physics of the legs in the task `walk`."""

    def __init__(self) -> None:
        options = {**Walk.effector_options, "dt": PERIOD_S}
        body = registry.factory("effectors", LEGS)(build(registry.options("effectors", LEGS), options, LEGS))
        assert isinstance(body, MujocoBody)
        self.muscles = body.spec.muscles
        self._forces = LegForces(body, OF_A_LEG)
        self.columns = self._forces.columns
        self._mass = float(body.model.body_mass.sum())
        self._weight = self._mass * float(np.linalg.norm(body.model.opt.gravity))

    def of(self, trial: WalkTrial) -> Array:
        """(n, 11): angles in deg, moments in N m/kg, the ground's force in weights of the body; see `SIGNALS`."""
        states = trial.states[:, : len(self.columns)]
        forces = self._forces.of(states)
        place = self._place(states)
        ahead = np.stack([_later(trial.time_s, p, 0.5) - _later(trial.time_s, p, -0.5) for p in place.T], 1)
        ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
        left = np.stack([-ahead[:, 1], ahead[:, 0]], 1)
        foot = forces.ground[:, SIDES.index(SIDE)]
        level = [np.einsum("ti,ti->t", foot[:, :2], way) for way in (ahead, left)]
        angles = np.degrees(states[:, [self.columns.index((joint, "position")) for joint in OF_A_LEG]])
        ground = np.stack([level[0], foot[:, 2], level[1]], 1) / self._weight
        return np.concatenate([angles, forces.moments / self._mass, ground], axis=1)

    def _place(self, states: Array) -> Array:
        """(n, 2) m, of the pelvis on the floor."""
        return states[:, [self.columns.index((f"root/{axis}", "position")) for axis in "xy"]]

    def cycles(self, name: str, trials: Sequence[WalkTrial]) -> MechanicsCycles:
        made = walk_trials.cycles(name, trials)
        way = [
            np.linalg.norm([np.interp(b, t.time_s, p) - np.interp(a, t.time_s, p) for p in self._place(t.states).T])
            for t, a, b in made.spans
        ]
        return MechanicsCycles(
            name, made.curves(self.of), made.lengths, np.array(way) / made.lengths, made.trials, made.all_trials,
            made.left_out,
        )  # fmt: skip

    def check(self, path: Path, trials: Sequence[WalkTrial]) -> None:
        """Raise `DataError` where muscles pull otherwise than their states say."""
        n = len(self.columns)
        for trial in trials:
            some = trial.states[:: max(len(trial.states) // 20, 1)]
            stated, own = some[:, n:], self._forces.of(some[:, :n]).muscles
            if np.abs(stated - own).max() > AS_STATED * np.abs(stated).max():
                raise DataError(
                    f"{path}: in trial {trial.trial} muscles pull otherwise than their activations and lengths say, as "
                    "weakened ones do; moments and the force of the ground are told of walks without perturbations"
                )


def _later(time_s: Array, values: Array, strides: float) -> Array:
    """The values so much later."""
    return np.interp(time_s + strides * STRIDE_S, time_s, values)


def recorded(path: Path) -> MechanicsCycles:
    """Of the trials in a recording; raises `RecordingError` or `DataError` where there are none, or something acted."""
    bag = Bag(path)
    topic = bag.topic("state").name[: -len("state")] + "perturbation"
    plans = [PerturbationPlan.from_json(text) for _, text in bag.texts(topic)] if bag.has(topic) else []
    acting = sorted({plan.name for plan in plans if plan.entries})
    if acting:
        raise DataError(
            f"{path} is of a walk under {', '.join(acting)}: moments and the force of the ground are told of walks "
            "without perturbations"
        )
    mechanics = _Mechanics()
    trials = walk_trials.recorded(path, (*mechanics.columns, *((muscle, "effort") for muscle in mechanics.muscles)))
    mechanics.check(path, trials)
    return mechanics.cycles(path.name, trials)


def played(
    policy: OnnxPolicy, name: str, trials: int, options: Mapping[str, Any], seed: int, threads: int,
    progress: Callable[[float], object],
) -> MechanicsCycles:  # fmt: skip
    """Of trials of a policy in the environment, which are those of a stack in lockstep."""
    mechanics = _Mechanics()
    made = walk_trials.played(policy, name, trials, options, seed, threads, progress, mechanics.columns)
    return mechanics.cycles(name, made)

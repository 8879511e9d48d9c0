"""A policy as its report sees it: trials that it played, and what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import synergies
from myoprosthesis.analysis.action_space import ActionSpace, action_space
from myoprosthesis.analysis.synergies import Subspace
from myoprosthesis.core import registry
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import DataError, Refused
from myoprosthesis.core.extras import library
from myoprosthesis.core.trial_record import TrialResult
from myoprosthesis.policies.onnx_policy import OnnxPolicy

Array = NDArray[np.float64]
DIRECTION = "direction"
OPPOSITE = {"ccw": "cw", "cw": "ccw"}
VARIED = {"baoding": {"ball_noise": 1e-3}}
"""Options of tasks whose trials all begin alike, by which they do not: a millimetre at the balls."""
STEP = 5
"""Components between two points of the inactivation curve."""
Progress = Callable[[float], object]


@dataclass(frozen=True, eq=False)
class DirectionTrials:
    """Trials of one direction: arrays (n_periods, n) for each of them."""

    direction: str
    results: Sequence[TrialResult]
    angles: Sequence[Array]
    """rad, of the joints."""
    velocities: Sequence[Array]
    """rad/s, of the joints."""
    activations: Sequence[Array]
    hidden: Sequence[Array]
    commands: Sequence[Array]

    @property
    def scores(self) -> Array:
        """(n_trials,)."""
        return np.array([float(result.figures["score"] or 0.0) for result in self.results])


@dataclass(frozen=True, eq=False)
class PlayedPolicy:
    """Everything the sections draw from."""

    name: str
    contract: Contract
    dt: float
    task: str
    options: Mapping[str, Any]
    own: DirectionTrials
    opposite: DirectionTrials | None
    """Of the other direction, by this policy or the one that was named for it; None where there is none."""
    opposite_name: str
    space: ActionSpace
    subspace: Subspace
    """Of the actions."""
    kept: Sequence[int]
    """Numbers of components that were left in the inactivation."""
    inactivated: Array
    """(n_kept, n_trials) scores, of trials on which the components were not fitted."""
    seed: int

    @property
    def actions(self) -> list[Array]:
        """Of each own trial (n_periods, n_command), before they were squashed."""
        return [self.space.action(commands) for commands in self.own.commands]


def play(
    policy: OnnxPolicy,
    name: str,
    trials: int,
    options: Mapping[str, Any],
    opposite: OnnxPolicy | None = None,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = lambda share: None,
) -> PlayedPolicy:
    """Play `trials` trials of each direction, and as many with actions projected on their first components.

    Raises:
        Refused: The policy's effector has no task with a score and directions.
        DataError: Nothing can be analysed, since no trial lasts or no action varies.
    """
    library("gymnasium", "train", "playing many trials at once")
    from myoprosthesis.envs import played_trials

    contract = policy.contract
    task = played_trials.task_of(contract)
    if DIRECTION not in {f.name for f in fields(registry.options("tasks", task))}:
        raise Refused(f"task {task!r} has no directions: this report is of policies that turn something")
    wanted = {**VARIED.get(task, {}), **contract.task_options, **options, "seed": seed}
    default = registry.options("tasks", task)()
    direction = str(wanted.get(DIRECTION, contract.task_options.get(DIRECTION, getattr(default, DIRECTION))))
    spec: EffectorSpec = registry.factory("effectors", contract.effector)(
        registry.options("effectors", contract.effector)()
    ).spec
    other = OPPOSITE.get(direction, "")
    parts = 3.0 if other else 2.0

    def recorded(player: OnnxPolicy, way: str, done: float) -> DirectionTrials:
        from myoprosthesis.envs.played_series import PlayedSeries

        activation = tuple((f"{m}/activation", "position") for m in spec.muscles)
        angles, velocities = (tuple((j, field) for j in spec.joints) for field in ("position", "velocity"))
        series = PlayedSeries([*angles, *velocities, *activation])
        results = played_trials.played(
            player, range(trials), task, {**wanted, DIRECTION: way}, threads,
            lambda share: progress((done + share) / parts), series=series,
        )  # fmt: skip
        states = (series.states(*angles), series.states(*velocities), series.states(*activation))
        return DirectionTrials(way, results, *states, series.hidden(), series.commands())

    own = recorded(policy, direction, 0.0)
    against = recorded(opposite or policy, other, 1.0) if other else None
    commands = np.concatenate(own.commands)
    if len(commands) <= commands.shape[1]:
        raise DataError(f"{name}: {len(commands)} periods in {trials} trials are too few to be analysed")
    space = action_space(commands, *spec.command.bounds())
    subspace = synergies.subspace(space.action(commands))
    n = commands.shape[1]
    kept = sorted({*range(STEP, n, STEP), n}) if n > STEP else list(range(1, n + 1))
    maps = [subspace.keep(k) for k in kept]
    matrices, offsets = (np.repeat(np.array(part), trials, axis=0) for part in zip(*maps, strict=True))

    def projected(commands: Array) -> Array:
        return space.command(np.einsum("ti,tij->tj", space.action(commands), matrices) + offsets)

    results = played_trials.played(
        policy, [*range(trials, 2 * trials)] * len(kept), task, {**wanted, DIRECTION: direction}, threads,
        lambda share: progress((parts - 1 + share) / parts), change=projected,
    )  # fmt: skip
    scores = np.array([float(result.figures["score"] or 0.0) for result in results]).reshape(len(kept), trials)
    against_name = "" if against is None else (opposite.contract.name if opposite else name)
    shown = {key: value for key, value in wanted.items() if key != "seed"}
    return PlayedPolicy(
        name, contract, contract.dt, task, shown, own, against, against_name, space, subspace, kept, scores, seed
    )

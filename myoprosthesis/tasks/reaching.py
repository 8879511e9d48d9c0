"""What all reaching tasks share: their options, the plan of one reach, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.kinematics import END_S, endpoint_error, has_lateral, lateral_deviation, peak_speed
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord, TrialResult
from myoprosthesis.tasks.episodic import Moments

Array = NDArray[np.float64]

_CATCH = 0x676F
"""Keeps these random numbers apart from those of the targets."""


@dataclass(frozen=True)
class ReachOptions:
    """Options common to reaching tasks."""

    home: tuple[float, ...] = option((), "start of the movements; empty: the effector's start", "m", -10.0, 10.0)
    distance: float = option(0.1, "from start to target", "m", 0.0, 2.0)
    trial_s: float = option(1.0, "length of a trial", "s", 0.05, 3600.0)
    go_s: float = option(
        0.2, "go signal after the trial's start; the target is seen from the start on", "s", 0.0, 3600.0
    )
    catch_rate: float = option(
        0.0, "share of trials in which the go signal never comes, and the target is the start", "1", 0.0, 1.0
    )
    radius: float = option(
        0.01, "a trial is a success when the endpoint ends this near: mean of its last 0.1 s", "m", 1e-4, 1.0
    )
    between: str = option("reset", "how the next trial gets to its start", choices=("reset", "return"))
    seed: int = option(0, "seed of the order of targets", "", 0)

    def __post_init__(self) -> None:
        if len(self.home) not in (0, 2, 3):
            raise ConfigError(f"home has {len(self.home)} coordinates; there are three, or two in a plane")
        if self.go_s >= self.trial_s:
            raise ConfigError(f"the go signal at {self.go_s} s comes after the trial's {self.trial_s} s")


LOOKED_AT = 400
"""Trials of which the targets are looked at before the first: every one of a centre-out task."""
Movement = Callable[[int], tuple[float, float, str]]
"""Direction (rad), distance (m) and label of the movement of a number."""
T = TypeVar("T", bound=Any)


class ReachingTask:
    """A task of reaches with one endpoint: all but `plan`. Its options have `home`, `between` and `radius`."""

    channels: ClassVar[Mapping[str, str]] = TASK_UNITS
    weights: ClassVar[Mapping[str, float]] = {"solved": 1.0, "near": 1.0, "distance": -1.0, "early": -1.0}
    options: Any

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        return endpoint_of(spec)

    def for_effector(self, spec: EffectorSpec) -> Any:
        """See `Task.for_effector`: the start of movements, and a way back where the effector cannot be reset."""
        made: Any = type(self)(fitted(self.options, spec))  # type: ignore[call-arg]
        check_reach(spec, (made.plan(trial, 0).target for trial in range(LOOKED_AT)))
        return made

    def rewards(self, now: Moments) -> Mapping[str, Array]:
        """See `EpisodicTask.rewards`.

        With the distance d from the target, `near` is exp(−(d / 2 cm)²) and `distance` d in tenths of a metre after the
        go signal; `early` is in tenths of a metre how far it is from the start before that."""
        gone, distance = now.goal("go")[:, 0], self._distance(now)
        home = np.array((*self.options.home, 0.0, 0.0, 0.0)[:3])
        return {
            "solved": self.solved(now),
            "near": gone * np.exp(-np.square(distance / 0.02)),
            "distance": gone * distance / 0.1,
            "early": (1.0 - gone) * np.linalg.norm(now.columns(*ENDPOINT) - home, axis=1) / 0.1,
        }

    def solved(self, now: Moments) -> Array:
        """See `EpisodicTask.solved`: after the go signal, within `radius` of the target."""
        return np.asarray(now.goal("go")[:, 0] * (self._distance(now) <= self.options.radius))

    def failed(self, now: Moments) -> NDArray[np.bool_]:
        """See `EpisodicTask.failed`: never before its time."""
        return np.zeros(len(now.goal("go")), bool)

    @staticmethod
    def _distance(now: Moments) -> Array:
        """(n_moments,) m, of the endpoint from the target."""
        apart = now.columns(*ENDPOINT) - now.goal("target/x", "target/y", "target/z")
        return np.asarray(np.linalg.norm(apart, axis=1))

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`."""
        return judge(record, self.options.radius)

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`: never before its time."""
        return False


def check_reach(spec: EffectorSpec, targets: Iterable[Sequence[float]]) -> None:
    """Raise `Refused` where one of some targets (x, y, z), m, is farther away than the effector's endpoint comes."""
    if not spec.reach:
        return
    *centre, most = spec.reach
    for target in targets:
        away = float(np.linalg.norm(np.subtract(target, centre)))
        if away > most * (1 + 1e-9):
            place, origin = (f"({', '.join(f'{x:.4g}' for x in point)})" for point in (target, centre))
            raise Refused(
                f"the target {place} is out of reach of effector {spec.name!r}: it is {away:.4g} m from {origin}, from "
                f"where the endpoint comes {most:.4g} m at most; a smaller distance, or another home, would work"
            )


def endpoint_of(spec: EffectorSpec) -> Sequence[str]:
    """The channels of an effector's endpoint; raises `Refused` where there is none."""
    if not spec.endpoint:
        raise Refused(f"it reaches, and effector {spec.name!r} has no endpoint to reach with")
    return ENDPOINT


def fitted(options: T, spec: EffectorSpec) -> T:
    """Options adapted to an effector, where they have `home` and `between`.

    An empty `home` becomes the effector's own start, and `between` becomes `return` where it cannot be reset.
    """
    values: dict[str, Any] = {}
    home = tuple(getattr(options, "home", ()))
    if (
        home
        and spec.resettable
        and spec.home
        and not np.allclose(np.subtract((*home, 0.0, 0.0)[:3], spec.home), 0.0, atol=1e-4)
    ):
        here, there = (f"({', '.join(f'{x:.4g}' for x in place)})" for place in (spec.home, home))
        raise ConfigError(f"effector {spec.name!r} begins at {here}, and home is {there}: leave it out")
    if not getattr(options, "home", True):
        values["home"] = spec.home
    if getattr(options, "between", "") == "reset" and not spec.resettable:
        values["between"] = "return"
    return replace(options, **values)


def judge(record: TrialRecord, radius: float | None) -> TrialResult:
    """The figures of a reach; a success when the endpoint ends within `radius` (m) of the target.

    Where start and target are one place, or their line leaves the x-y plane, there is no lateral deviation.
    """
    plan = record.plan
    error = endpoint_error(record.last(END_S).position, plan.target, record.dt, END_S)
    figures = {
        "endpoint_error_mm": error * 1e3,
        "peak_speed": peak_speed(record.velocity),
    }
    if has_lateral(plan.start, plan.target):
        figures["lateral_deviation_mm"] = lateral_deviation(record.position, plan.start, plan.target) * 1e3
    return TrialResult(None if radius is None else bool(error <= radius), figures)


def plan(o: ReachOptions, trial: int, from_ns: int, goal: Movement) -> TrialPlan:
    """The trial that reaches the `goal` (angle in rad, distance in m, label) of its movement.

    With `between: return` every second trial goes back, is not scored and never a catch trial.
    """
    movement, back = divmod(trial, 2) if o.between == "return" else (trial, 0)
    angle, distance, label = goal(movement)
    home = tuple(o.home) + (0.0,) * (3 - len(o.home))
    caught = np.random.default_rng((o.seed, movement, _CATCH)).random() < o.catch_rate
    reach = np.zeros(3) if caught else distance * np.array([np.cos(angle), np.sin(angle), 0.0])
    target = tuple(float(x) for x in home + reach)
    times = (trial, from_ns, from_ns + ns(o.trial_s))
    go_ns = from_ns + ns(o.go_s)
    if back:
        return TrialPlan(*times, target, home, go_ns, reset=False, scored=False, label="return")
    reset = o.between == "reset" or trial == 0
    return TrialPlan(*times, home, target, None if caught else go_ns, reset=reset, label=label)

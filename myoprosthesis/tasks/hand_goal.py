"""What the tasks of the muscle hand share: from one reachable posture to another one, and how near it comes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.goal import ConstantGoal
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.core.trial_target import TrialTarget
from myoprosthesis.tasks.episodic import Moments
from myoprosthesis.tasks.reachable_postures import JOINTS, SETS, TIPS, reachable_postures

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HandGoalOptions:
    """Options of the tasks of the muscle hand."""

    trial_s: float = option(2.0, "length of a trial", "s", 0.1, 3600.0)
    settle_s: float = option(1.0, "time after the start in which errors are not judged", "s", 0.0, 3600.0)
    start: str = option(
        "posture", "where a trial begins: in another reachable posture, or at the effector's own start",
        choices=("posture", "home"),
    )  # fmt: skip
    postures: str = option("test", "out of which goals and starts are drawn: `test` are not in training", choices=SETS)
    seed: int = option(0, "seed of what is drawn", "", 0)

    def __post_init__(self) -> None:
        if self.settle_s >= self.trial_s:
            raise ConfigError(f"settle_s, {self.settle_s:g} s, leaves nothing of a trial of {self.trial_s:g} s")


class HandGoal(ABC):
    """Bring the hand from one reachable posture to a goal of another one, and keep it there."""

    channels: ClassVar[Mapping[str, str]] = TASK_UNITS
    measured: ClassVar[tuple[str, ...]]
    """Channels of the state that are to come to the goal's, `target/<channel>`."""
    targets: ClassVar[tuple[TrialTarget, ...]] = ()
    """See `TrialPlan.targets`."""
    unit: ClassVar[tuple[str, float]]
    """Of the figures, and how much of it an SI unit is."""
    parts: ClassVar[tuple[str, ...]]
    """What has an error of its own, such as a joint."""
    observed_sites: ClassVar[tuple[str, ...]] = ()
    """Sites of the body that are to be in the state, beside its endpoint."""
    weights: ClassVar[Mapping[str, float]] = {"solved": 1.0, "near": 3.0, "distance": -1.0, "activation": -0.05}
    options: Any

    def __init__(self, options: Any, dt: float = 0.0, spec: EffectorSpec | None = None) -> None:
        """`dt` (s) is the period of the effector, `spec` what it is."""
        self.options, self._dt = options, dt
        self._home = spec.home if spec is not None else ()
        self._activations = tuple(f"{m}/activation" for m in spec.muscles) if spec is not None else ()

    @property
    @abstractmethod
    def tolerance(self) -> float:
        """Mean error at which the goal is reached, in SI units."""

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        missing = [name for name in (*JOINTS, *self.measured) if name not in spec.channels]
        if missing:
            raise Refused(
                f"it moves the muscle hand, and effector {spec.name!r} does not have {', '.join(missing[:3])}"
                f"{' …' if len(missing) > 3 else ''}: myohand has them, its fingertips with the option "
                f"observed_sites=[{','.join(TIPS)}]"
            )
        return (*self.measured, *(f"{m}/activation" for m in spec.muscles))

    def for_effector(self, spec: EffectorSpec) -> Any:
        """See `Task.for_effector`."""
        return type(self)(self.options, spec.dt, spec)

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        o = self.options
        postures = reachable_postures(o.postures)
        begin, end = np.random.default_rng((o.seed, trial)).choice(len(postures), 2, replace=False)
        index = slice(3, 6)  # the tip of the index finger is the endpoint of the hand
        goal = {f"target/{name}": float(x) for name, x in zip(self.measured, self._rows(postures)[end], strict=True)}
        home = o.start == "home"
        start = tuple(map(float, self._home or (0.0, 0.0, 0.0) if home else postures.places[begin, index]))
        initial = {} if home else dict(zip(JOINTS, map(float, postures.joints[begin]), strict=True))
        times = (trial, from_ns, from_ns + ns(o.trial_s) + ns(self._dt))  # the start, and the end of each period
        return TrialPlan(
            *times, start, tuple(map(float, postures.places[end, index])), from_ns, label=f"posture {end}",
            goals=(ConstantGoal(goal),), initial=initial, targets=self.targets,
        )  # fmt: skip

    def rewards(self, now: Moments) -> Mapping[str, Array]:
        """See `EpisodicTask.rewards`.

        `near` is the mean over all parts of exp(−(error / 2 tolerances)²), `distance` their mean error in tolerances
        over 10, `activation` the sum of squares."""
        error = self.errors(now)
        activation = now.columns(*self._activations) if self._activations else np.zeros((len(error), 1))
        return {
            "solved": self.solved(now),
            "near": np.exp(-np.square(error / (2.0 * self.tolerance))).mean(axis=1),
            "distance": error.mean(axis=1) / (10.0 * self.tolerance),
            "activation": np.square(activation).sum(axis=1),
        }

    def solved(self, now: Moments) -> Array:
        """See `EpisodicTask.solved`: the mean error of all parts is within the tolerance."""
        return np.asarray(self.errors(now).mean(axis=1) <= self.tolerance, float)

    def failed(self, now: Moments) -> NDArray[np.bool_]:
        """See `EpisodicTask.failed`: never before its time."""
        return np.zeros(len(self.errors(now)), bool)

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`.

        `score` is the share of the trial's periods in which the mean error of all parts was within the tolerance, those
        on the way to the goal included. Median, 95th percentile and the mean of each part are of the errors after
        `settle_s`. A trial is a success when it ends within the tolerance.
        """
        since = record.time_ns - record.plan.from_ns
        unit, factor = self.unit
        solved, error = self.solved(record), self.errors(record) * factor
        settled = error[since >= self.options.settle_s * NS]
        steps = max(1, round(self.options.trial_s / record.dt))
        figures: dict[str, float | int | str | bool | None] = {
            "score": float(solved[since > 0].sum() / steps),
            f"median_error_{unit}": float(np.median(settled)) if settled.size else None,
            f"p95_error_{unit}": float(np.percentile(settled, 95)) if settled.size else None,
        }
        means = settled.mean(axis=0) if settled.size else np.full(len(self.parts), np.nan)
        figures |= {
            f"{part}_error_{unit}": float(x) if np.isfinite(x) else None
            for part, x in zip(self.parts, means, strict=True)
        }
        return TrialResult(bool(solved.size and solved[-1]), figures)

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`: never before its time."""
        return False

    @abstractmethod
    def errors(self, now: Moments) -> Array:
        """(n_moments, n_parts) how far each part is from its goal, in SI units."""

    @staticmethod
    @abstractmethod
    def _rows(postures: Any) -> Array:
        """The goals of a table of postures, (n, n_measured)."""

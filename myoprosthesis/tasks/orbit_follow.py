"""Following a target that goes round an ellipse."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.goal import OrbitGoal
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.tasks.reaching import LOOKED_AT, check_reach, endpoint_of


@dataclass(frozen=True)
class OrbitFollowOptions:
    """Options of following a moving target."""

    centre: tuple[float, ...] = option((), "centre of the ellipse; empty: the effector's start", "m", -10.0, 10.0)
    radii: tuple[float, ...] = option((0.06, 0.06), "half axes of the ellipse along x and y", "m", 0.0, 2.0)
    period_s: float = option(8.0, "time for one turn", "s", 0.1, 3600.0)
    direction: str = option("both", "counter-clockwise, clockwise, or drawn", choices=("ccw", "cw", "both"))
    trial_s: float = option(4.0, "length of a trial", "s", 0.1, 3600.0)
    go_s: float = option(0.2, "go signal after the trial's start", "s", 0.0, 3600.0)
    settle_s: float = option(0.6, "time after the go signal that is not judged", "s", 0.0, 3600.0)
    tolerance: float = option(0.03, "as near as this the target is followed", "m", 1e-4, 1.0)
    seed: int = option(0, "seed of where the target begins, and of its direction", "", 0)

    def __post_init__(self) -> None:
        if len(self.centre) > 3:
            raise ConfigError(f"centre has {len(self.centre)} coordinates; there are three")
        if len(self.radii) != 2:
            raise ConfigError(f"radii has {len(self.radii)} numbers; two are needed, along x and y")
        if self.go_s + self.settle_s >= self.trial_s:
            raise ConfigError(f"{self.go_s} s to go and {self.settle_s} s to settle leave nothing of {self.trial_s} s")


class OrbitFollow:
    """Keep the endpoint on a target that goes round: from a place of the ellipse that is drawn for each trial."""

    channels: ClassVar[Mapping[str, str]] = {**TASK_UNITS, "target/phase": "rad"}

    def __init__(self, options: OrbitFollowOptions, reset: bool = True) -> None:
        """`reset`: whether the body is put to its start for each trial."""
        self.options, self._reset = options, reset

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        return endpoint_of(spec)

    def for_effector(self, spec: EffectorSpec) -> OrbitFollow:
        """See `Task.for_effector`: about the effector's start, and without resets where it has none."""
        made = OrbitFollow(replace(self.options, centre=self.options.centre or spec.home), spec.resettable)
        check_reach(spec, (made.plan(trial, 0).target for trial in range(LOOKED_AT)))
        return made

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        o = self.options
        rng = np.random.default_rng((o.seed, trial))
        phase, drawn = float(rng.uniform(0.0, 2.0 * math.pi)), bool(rng.random() < 0.5)
        clockwise = {"ccw": False, "cw": True, "both": drawn}[o.direction]
        x, y, z = (*map(float, o.centre), 0.0, 0.0, 0.0)[:3]
        along_x, along_y = map(float, o.radii)
        goal = OrbitGoal((x, y, z), (along_x, along_y), -o.period_s if clockwise else o.period_s, phase)
        begin = goal.at(0.0)
        target = tuple(begin[f"target/{axis}"][0] for axis in "xyz")
        times = (trial, from_ns, from_ns + ns(o.trial_s))
        label = "clockwise" if clockwise else "counter-clockwise"
        return TrialPlan(*times, (x, y, z), target, from_ns + ns(o.go_s), self._reset, label=label, goals=(goal,))

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`: mean distance from the target after it has settled, and `score`.

        `score` is the share of that time in which the distance was within `tolerance`; a trial is a success when the
        mean distance is.
        """
        o, plan = self.options, record.plan
        distance = np.linalg.norm(record.position - record.goal("target/x", "target/y", "target/z"), axis=1)
        judged = distance[record.time_ns >= plan.from_ns + (o.go_s + o.settle_s) * NS]
        if not judged.size:
            return TrialResult(False, {"mean_distance_mm": None, "score": None})
        mean = float(judged.mean())
        figures = {"mean_distance_mm": mean * 1e3, "score": float((judged <= o.tolerance).mean())}
        return TrialResult(mean <= o.tolerance, figures)

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`: never before its time."""
        return False

"""Walking to a place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.tasks.walk import Walk, WalkOptions
from myoprosthesis.tasks.walk_channels import BESIDE

_GOAL = 0x676F616C
"""Keeps the draw of places apart from that of the walk."""
BEGINS_S, BEYOND_S = 0.1, 1.0
"""From the start of a trial until the way leads to the place, and from there until the trial ends."""


@dataclass(frozen=True)
class GoalWalkOptions(WalkOptions):
    """Options of walking to a place."""

    goal: tuple[float, float] = option((-2.0, 2.0), "x and y of the place, from the start", "m", -100.0, 100.0)
    goal_speed: float = option(1.25, "speed on the way there", "m/s", 0.1, 6.0)
    reached_m: float = option(0.1, "distance of the pelvis from the place at which it is reached", "m", 1e-3, 10.0)
    trial_s: float = option(60.0, "at most; a trial ends 1 s after the way has come to the place", "s", 0.1, 3600.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.goal) != 2 or self.goal[0] > self.goal[1]:
            raise ConfigError(f"goal is a range of two numbers, such as goal=[-2, 2], got {list(self.goal)}")


class GoalWalk(Walk):
    """Walk to a place that is drawn, wherever it is: the way turns, and its last metres are straight."""

    options: GoalWalkOptions

    def __init__(
        self,
        options: GoalWalkOptions,
        dt: float = 0.0,
        spec: EffectorSpec | None = None,
        asked: tuple[float, float] | None = None,
    ) -> None:
        """See `Walk`."""
        super().__init__(options, dt, spec, asked)

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        o, plan = self.options, super().plan(trial, from_ns)
        x, y = np.random.default_rng((o.seed, trial, _GOAL)).uniform(*o.goal, 2)
        start = plan.start
        return self._towards(replace(plan, target=(start[0] + float(x), start[1] + float(y), 0.0)), ns(BEGINS_S))

    def redirected(self, plan: TrialPlan, now_ns: int) -> TrialPlan:
        """See `SteerableTask.redirected`: to the same place."""
        return self._towards(plan, now_ns - plan.from_ns)

    def _towards(self, plan: TrialPlan, after_ns: int) -> TrialPlan:
        o = self.options
        course = self._course(plan, plan.from_ns + after_ns)
        course.add(WayStep(to=(plan.target[0], plan.target[1]), speed=o.goal_speed), False)
        seconds, period = min(course.at_s + BEYOND_S, o.trial_s), ns(self._dt) or 1
        until = plan.from_ns + -(-ns(seconds) // period) * period + period  # whole periods, as a walk has
        label = f"{plan.label.partition(' → ')[0]} → ({plan.target[0]:.2f}, {plan.target[1]:.2f}) m"
        return replace(plan, goals=course.goals, until_ns=until, label=label)

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`: as a walk, and how near it came to the place (`closest_mm`) before it failed."""
        result = super().judge(record)
        held = ~np.logical_or.accumulate(self.failed(record))
        away = np.linalg.norm(record.columns(*BESIDE[:2]) - np.array(record.plan.target[:2]), axis=1)[held]
        closest = float(away.min()) if away.size else math.inf
        reached = closest <= self.options.reached_m
        own: Mapping[str, float | bool | None] = {
            "reached": reached,
            "closest_mm": 1e3 * closest if math.isfinite(closest) else None,
        }
        return TrialResult(reached, {**result.figures, **own})

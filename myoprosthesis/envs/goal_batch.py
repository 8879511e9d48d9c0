"""The goals of many trials, evaluated at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.goal import ConstantGoal, OrbitGoal, orbit
from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]


class GoalBatch:
    """The goal of `num` simulations by channel: position and velocity, (num, n_channels) each."""

    def __init__(self, num: int, channels: Sequence[str]) -> None:
        self.channels = {channel: k for k, channel in enumerate(channels)}
        self._places = tuple(dict.fromkeys(c.rpartition("/")[0] for c in channels if c.endswith("/phase")))
        p = len(self._places)
        self._orbit = np.zeros((num, p), bool)
        self._numbers = np.ones((num, p, 7))  # centre, radii, period, phase
        self._constant = np.zeros((num, 2, len(channels)))
        self._at = np.array(
            [[self.channels[f"{place}/{a}"] for a in ("x", "y", "z", "phase")] for place in self._places]
        )
        self._plans: list[TrialPlan | None] = [None] * num
        self._moving = np.zeros(num, bool)

    def put(self, i: int, plan: TrialPlan) -> None:
        """The plan of simulation `i`, from its start on."""
        self._plans[i] = plan
        self._orbit[i] = False
        others = []
        for goal in plan.goals:
            if isinstance(goal, OrbitGoal) and goal.place in self._places:
                p = self._places.index(goal.place)
                self._orbit[i, p] = True
                self._numbers[i, p] = (*goal.centre, *goal.radii, goal.period_s, goal.phase)
            elif not isinstance(goal, ConstantGoal):
                others.append(goal)
        self._constant[i] = plan.goal_table(list(self.channels), plan.from_ns)[:2]
        self._moving[i] = bool(others) or (plan.go_ns is not None and plan.go_ns > plan.from_ns)

    def at(self, seconds: Array) -> tuple[Array, Array]:
        """Position and velocity `seconds` (num,) after each trial's start; `(num, n_channels)` both."""
        out = self._constant.copy()
        if self._places:
            numbers = self._numbers
            values = orbit(
                np.moveaxis(numbers[..., :3], -1, 0), np.moveaxis(numbers[..., 3:5], -1, 0), numbers[..., 5],
                numbers[..., 6], seconds[:, None],
            )  # fmt: skip
            moving = np.stack([np.stack(pair, -1) for pair in values], -1)  # (num, place, 2, 4)
            for p, columns in enumerate(self._at):
                rows = np.flatnonzero(self._orbit[:, p])
                out[rows[:, None], :, columns] = np.swapaxes(moving[rows, p], -1, -2)
        for i in np.flatnonzero(self._moving):
            plan = self._plans[i]
            assert plan is not None
            now_ns = plan.from_ns + round(float(seconds[i]) * 1e9)
            out[i] = plan.goal_table(list(self.channels), now_ns)[:2]
        return out[:, 0], out[:, 1]

"""The goals of many trials, evaluated at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import motion_clip
from myoprosthesis.core.goal import ClipGoal, CommandGoal, ConstantGoal, OrbitGoal, commanded, orbit, played
from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]
WAY = ("command/speed", "command/heading", "command/x", "command/y")


class GoalBatch:
    """The goal of `num` simulations by channel: position and velocity, (num, n_channels) each."""

    def __init__(self, num: int, channels: Sequence[str]) -> None:
        self.channels = {channel: k for k, channel in enumerate(channels)}
        self._places = tuple(
            dict.fromkeys(
                c.rpartition("/")[0] for c in channels if c.endswith("/phase") and not c.startswith("reference/")
            )
        )
        p = len(self._places)
        self._orbit = np.zeros((num, p), bool)
        self._numbers = np.ones((num, p, 7))  # centre, radii, period, phase
        self._constant = np.zeros((num, 2, len(channels)))
        self._at = np.array(
            [[self.channels[f"{place}/{a}"] for a in ("x", "y", "z", "phase")] for place in self._places]
        )
        self._commands = np.full((num, 5), np.nan)  # speed, heading, turn rate, x, y; without any: not a number
        self._way = [(name, self.channels[name]) for name in WAY if name in self.channels]
        self._clip = np.full(num, -1)
        """Of each simulation the number of its clip among `_clips`, −1 for none."""
        self._course = np.zeros((num, 2))  # phase at the start, and speed
        self._clips: dict[tuple[str, str], tuple[motion_clip.MotionClip, NDArray[np.intp], NDArray[np.intp]]] = {}
        """By name and hash: the clip, its columns that are channels here, and which these are."""
        self._plans: dict[int, TrialPlan] = {}
        self._moving = np.zeros(num, bool)

    def put(self, i: int, plan: TrialPlan) -> None:
        """The plan of simulation `i`, from its start on."""
        self._plans[i] = plan
        self._orbit[i], self._clip[i], self._commands[i] = False, -1, np.nan
        others = []
        for goal in plan.goals:
            if isinstance(goal, OrbitGoal) and goal.place in self._places:
                p = self._places.index(goal.place)
                self._orbit[i, p] = True
                self._numbers[i, p] = (*goal.centre, *goal.radii, goal.period_s, goal.phase)
            elif isinstance(goal, CommandGoal) and self._way:
                x, y = goal.place or (0.0, 0.0)
                self._commands[i] = (goal.speed, goal.heading, goal.turn_rate, x, y)
            elif isinstance(goal, ClipGoal):
                self._clip[i] = self._number(goal)
                self._course[i] = goal.phase, goal.speed
            elif not isinstance(goal, ConstantGoal):
                others.append(goal)
        self._constant[i] = plan.goal_table(list(self.channels), plan.from_ns)[:2]
        self._moving[i] = bool(others) or (plan.go_ns is not None and plan.go_ns > plan.from_ns)

    def _number(self, goal: ClipGoal) -> int:
        """The number of the goal's clip among `_clips`."""
        key = (goal.name, goal.sha256)
        if key not in self._clips:
            movement = motion_clip.load(*key)
            names = [*(f"reference/{column}" for column in movement.units), "reference/phase"]
            pairs = [(k, self.channels[name]) for k, name in enumerate(names) if name in self.channels]
            columns, channels = (np.array(side, np.intp) for side in zip(*pairs, strict=True))
            self._clips[key] = movement, columns, channels
        return list(self._clips).index(key)

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
        for number, (movement, columns, channels) in enumerate(self._clips.values()):
            rows = np.flatnonzero(self._clip == number)
            for k, values in enumerate(played(movement, self._course[rows, 0], self._course[rows, 1], seconds[rows])):
                out[rows[:, None], k, channels] = values[:, columns]
        if self._way:
            rows = np.flatnonzero(~np.isnan(self._commands[:, 0]))
            speed, heading, turn_rate, x, y = self._commands[rows].T
            ways = commanded(speed, heading, turn_rate, x, y, seconds[rows])
            for name, column in self._way:
                out[rows, :, column] = np.stack(ways[name], -1)
        for i in np.flatnonzero(self._moving):
            plan = self._plans[int(i)]
            now_ns = plan.from_ns + round(float(seconds[i]) * 1e9)
            out[i] = plan.goal_table(list(self.channels), now_ns)[:2]
        return out[:, 0], out[:, 1]

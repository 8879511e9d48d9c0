"""The goals of many trials, evaluated at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import motion_clip
from myoprosthesis.core.clip_stack import ClipStack, layout
from myoprosthesis.core.goal import (
    ClipGoal,
    CommandGoal,
    ConstantGoal,
    Goal,
    OrbitGoal,
    commanded,
    orbit,
    pieces,
    played,
)
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
        self._clip = np.full((num, 2), -1)
        """Of each simulation the number of its shelf, −1 for none, and of its clip on that."""
        self._course = np.zeros((num, 2))  # phase at the start, and speed
        self._shelves: list[_Shelf] = []
        self._layouts: dict[tuple[object, ...], int] = {}
        """The number of the shelf of each layout of clips."""
        self._plans: dict[int, TrialPlan] = {}
        self._pieces: dict[int, list[list[tuple[float, Goal]]]] = {}
        """Of each simulation the pieces of each goal of its plan."""
        self._changes: dict[int, Array] = {}
        """Of each simulation the times (s) at which a goal of its plan is followed by another."""
        self._while = np.tile([-np.inf, np.inf], (num, 1))
        """From when until when (s) the goals hold that stand here."""
        self._moving = np.zeros(num, bool)

    def put(self, i: int, plan: TrialPlan) -> None:
        """The plan of simulation `i`, from its start on."""
        self._plans[i], self._pieces[i] = plan, [pieces(goal) for goal in plan.goals]
        self._changes[i] = np.array(sorted({t for parts in self._pieces[i] for t, _ in parts} - {-np.inf}))
        self._constant[i] = plan.goal_table(list(self.channels), plan.from_ns)[:2]
        self._put_piece(i, 0.0)

    def _put_piece(self, i: int, seconds: float) -> None:
        """The goals of simulation `i` that hold at this time."""
        plan, changes = self._plans[i], self._changes[i]
        k = int(np.searchsorted(changes, seconds, "right"))
        self._while[i] = changes[k - 1] if k else -np.inf, changes[k] if k < len(changes) else np.inf
        self._orbit[i], self._clip[i], self._commands[i] = False, -1, np.nan
        others = []
        for parts in self._pieces[i]:
            goal = [piece for t, piece in parts if t <= seconds][-1]
            if isinstance(goal, OrbitGoal) and goal.place in self._places:
                p = self._places.index(goal.place)
                self._orbit[i, p] = True
                self._numbers[i, p] = (*goal.centre, *goal.radii, goal.period_s, goal.phase)
            elif isinstance(goal, CommandGoal) and self._way:
                x, y = goal.place or (0.0, 0.0)
                self._commands[i] = (goal.speed, goal.heading, goal.turn_rate, x, y)
            elif isinstance(goal, ClipGoal):
                self._clip[i] = self._place(goal)
                self._course[i] = goal.phase, goal.speed
            elif not isinstance(goal, ConstantGoal):
                others.append(goal)
        later = any(isinstance(piece, ConstantGoal) for parts in self._pieces[i] for _, piece in parts[1:])
        self._moving[i] = later or bool(others) or (plan.go_ns is not None and plan.go_ns > plan.from_ns)

    def _place(self, goal: ClipGoal) -> tuple[int, int]:
        """The number of the shelf of the goal's clip, and of the clip on it."""
        movement = motion_clip.load(goal.name, goal.sha256)
        number = self._layouts.setdefault(layout(movement), len(self._shelves))
        if number == len(self._shelves):
            names = [*(f"reference/{column}" for column in movement.units), "reference/phase"]
            pairs = [(k, self.channels[name]) for k, name in enumerate(names) if name in self.channels]
            columns, channels = (np.array(side, np.intp) for side in zip(*pairs, strict=True))
            self._shelves.append(_Shelf(ClipStack(movement), columns, channels))
        return number, self._shelves[number].stack.number(movement)

    def at(self, seconds: Array) -> tuple[Array, Array]:
        """Position and velocity `seconds` (num,) after each trial's start; `(num, n_channels)` both."""
        for i in np.flatnonzero((seconds < self._while[:, 0]) | (seconds >= self._while[:, 1])):
            self._put_piece(int(i), float(seconds[i]))
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
        for number, shelf in enumerate(self._shelves):
            rows = np.flatnonzero(self._clip[:, 0] == number)
            which, stack = self._clip[rows, 1], shelf.stack
            values = played(
                stack.duration_s(which), partial(stack.sampled, which), self._course[rows, 0], self._course[rows, 1],
                seconds[rows],
            )  # fmt: skip
            for k, value in enumerate(values):
                out[rows[:, None], k, shelf.channels] = value[:, shelf.columns]
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


class _Shelf(NamedTuple):
    """Clips of one layout: their columns that are channels here, and which channels these are."""

    stack: ClipStack
    columns: NDArray[np.intp]
    channels: NDArray[np.intp]

"""The plan of one trial: its times, its start, its goals, and the message that carries it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import goal as goals
from myoprosthesis.core.effector import Initial
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.goal import Goal
from myoprosthesis.core.message import read_object, reading
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.text import brief
from myoprosthesis.core.trial_target import TrialTarget, targets_from, to_dicts


@dataclass(frozen=True)
class TrialPlan:
    """One trial, from `from_ns` to `until_ns`.

    The goal is at `target` (m, three coordinates) from the trial's start on, and the go signal comes at `go_ns` (None:
    never, as in a catch trial). `goals` add what moves or is no place: where one of them has channels `target/…`, it
    counts, and `target` says where it begins. `reset`: the body is put to its start at `from_ns`, with the positions of
    `initial` by channel (rad, m; 0 to 1 for an activation) where it names any, and with the velocities (per second) of
    `initial_velocity`, of channels in `initial`. `targets` say which parts should be where, for pictures; without any,
    it is the endpoint at `target`. After the `last` trial no other follows.
    """

    trial: int
    from_ns: int
    until_ns: int
    start: tuple[float, ...]
    target: tuple[float, ...]
    go_ns: int | None
    reset: bool = True
    scored: bool = True
    last: bool = False
    label: str = ""
    goals: tuple[Goal, ...] = ()
    initial: Mapping[str, float] = field(default_factory=dict)
    initial_velocity: Mapping[str, float] = field(default_factory=dict)
    targets: tuple[TrialTarget, ...] = ()

    def __post_init__(self) -> None:
        times = (self.trial, self.from_ns, self.until_ns, *(() if self.go_ns is None else (self.go_ns,)))
        if not all(isinstance(t, int) and not isinstance(t, bool) for t in times):
            raise ConfigError(f"a trial's number and times are whole numbers, got {', '.join(map(repr, times))}")
        if self.trial < -1:
            raise ConfigError(f"trials are numbered from 0 (-1: no trial), got {self.trial}")
        flags = (self.reset, self.scored, self.last)
        if not (all(isinstance(f, bool) for f in flags) and isinstance(self.label, str)):
            raise ConfigError(
                f"trial {self.trial} has reset, scored and last {', '.join(map(brief, flags))} and label "
                f"{brief(self.label)}: true or false, and a text, are needed"
            )
        if not all(isinstance(p, tuple) for p in (self.start, self.target)):
            where = f"from {brief(self.start)} to {brief(self.target)}"
            raise ConfigError(f"trial {self.trial} goes {where}: three coordinates each are needed")
        if not len(self.start) == len(self.target) == 3:
            where = f"from {brief(self.start)} to {brief(self.target)}"
            raise ConfigError(f"trial {self.trial} goes {where}: three coordinates each")
        for name in ("initial", "initial_velocity"):
            start = getattr(self, name)
            if not isinstance(start, Mapping) or not all(
                isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in start.values()
            ):
                raise ConfigError(f"trial {self.trial} begins at {brief(start)}: a finite number by channel is needed")
            object.__setattr__(self, name, MappingProxyType({str(k): float(v) for k, v in start.items()}))
        if without := set(self.initial_velocity) - set(self.initial):
            raise ConfigError(
                f"trial {self.trial} begins with a velocity of {brief(min(without))}, but with no place of it"
            )
        if not self.from_ns < self.until_ns:
            raise ConfigError(f"trial {self.trial} ends at {self.until_ns} ns, not after its start {self.from_ns} ns")
        if not all(math.isfinite(x) for x in (*self.start, *self.target)):
            raise ConfigError(f"trial {self.trial} goes from {self.start} to {self.target}: both must be finite")

    @property
    def start_state(self) -> Initial:
        """What `Simulation.reset` takes: positions by channel, with their velocities where the plan has any."""
        moving = self.initial_velocity
        return {k: (x, moving[k]) if k in moving else x for k, x in self.initial.items()}

    def over(self, now_ns: int, dt_ns: int) -> bool:
        """Whether a state at `now_ns` is the trial's last one, or later.

        In real time a state may lie off the grid: half a period decides.
        """
        return now_ns + dt_ns >= self.until_ns - dt_ns // 2

    def goal(self, now_ns: int) -> dict[str, float]:
        """Goal values by channel at `now_ns`: `target/x` … in m, `go` 0 or 1, and those of `goals`."""
        return {channel: position for channel, (position, _) in self.goal_motion(now_ns).items()}

    def place(self, now_ns: int) -> tuple[float, ...]:
        """Where the endpoint should be at `now_ns`, (3,) m; empty where the trial asks for no place but its start."""
        goal = self.goal(now_ns)
        place = tuple(goal[channel] for channel in PLACE)
        moves = any(PLACE[0] in g.at(0.0) for g in self.goals)
        return place if moves or place != self.start else ()

    def goal_table(self, channels: Sequence[str], now_ns: int) -> NDArray[np.float64]:
        """Goal at `now_ns` as columns of a state table, shape (3, n_channels): position, velocity, effort.

        0 where the trial has no such goal.
        """
        table = np.zeros((3, len(channels)))
        values = self.goal_motion(now_ns)
        for k, channel in enumerate(channels):
            table[:2, k] = values.get(channel, (0.0, 0.0))
        return table

    def goal_motion(self, now_ns: int) -> dict[str, tuple[float, float]]:
        """Position and velocity of the goal by channel at `now_ns`."""
        values = {f"target/{axis}": (x, 0.0) for axis, x in zip("xyz", self.target, strict=True)}
        values["go"] = (1.0 if self.go_ns is not None and now_ns >= self.go_ns else 0.0, 0.0)
        for goal in self.goals:
            values.update(goal.at((now_ns - self.from_ns) / NS))
        return values

    def to_json(self) -> str:
        """The text of a message on `target`."""
        starts = ("initial", "initial_velocity")
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("goals", "targets", *starts)}
        moving = {"goals": [goals.to_dict(goal) for goal in self.goals]} if self.goals else {}
        start = {name: dict(getattr(self, name)) for name in starts if getattr(self, name)}
        parts = {"targets": to_dicts(self.targets)} if self.targets else {}
        return json.dumps({"participant": "task", **data, **moving, **start, **parts})

    @classmethod
    def from_json(cls, text: str) -> TrialPlan:
        """Inverse of `to_json`."""
        with reading("a trial"):
            data = read_object(text, "a trial")
            for key in ("participant", "party"):  # as it was called before
                data.pop(key, None)
            moving = tuple(goals.from_dict(goal) for goal in data.pop("goals", ()))
            targets = targets_from(data.pop("targets", ()))
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            return cls(**values, goals=moving, targets=targets)


TASK_UNITS: Mapping[str, str] = {"target/x": "m", "target/y": "m", "target/z": "m", "go": "1"}
"""Channels that a policy may observe of any task, and the units of their positions."""


PLACE = ("target/x", "target/y", "target/z")
TASK_CHANNELS = tuple(TASK_UNITS)
"""Their names, in the order in which they follow the effector's."""

"""Kinds of observation terms of a floating base: how it leans, where it goes, and where it should.

They work along the last axis, as those of `observation_terms`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import level_frame
from myoprosthesis.core.effector_spec import AXES, POSE
from myoprosthesis.core.observation_term import Past, TermInput
from myoprosthesis.core.observation_terms import rotation
from myoprosthesis.core.options import option

Array = NDArray[np.float64]


@dataclass(frozen=True)
class UprightOptions:
    """Options of the term `upright`."""

    root: str = option("root", "the floating base, with channels /qw … /qz")


class UprightTerm:
    """The direction up, along the floating base's own axes."""

    lookback_s, size = 0.0, 3

    def __init__(self, options: UprightOptions) -> None:
        self._turn = tuple(f"{options.root}/{part}" for part in POSE[3:])
        self.inputs = [TermInput(channel, "position", "1") for channel in self._turn]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return rotation(past.state(self._turn))[..., 2, :]


@dataclass(frozen=True)
class LevelOptions(UprightOptions):
    """Options of terms in the level frame of a floating base."""

    forward_deg: float = option(
        0.0, "which way it faces, in the plane of its own x and y, counter-clockwise from x", "deg", -180.0, 180.0
    )


class _Level:
    """What terms in the level frame share: the heading of the base."""

    lookback_s = 0.0

    def __init__(self, options: LevelOptions) -> None:
        self._forward = float(np.radians(options.forward_deg))
        self._place = tuple(f"{options.root}/{axis}" for axis in AXES)
        self._turn = tuple(f"{options.root}/{part}" for part in POSE[3:])
        self._attitude = [TermInput(channel, "position", "1") for channel in self._turn]

    def _heading(self, past: Past) -> Array:
        return level_frame.heading(rotation(past.state(self._turn)), self._forward)


class LevelVelocityTerm(_Level):
    """The velocity of a floating base ahead, to its left, and up, whichever way it leans."""

    size = 3

    def __init__(self, options: LevelOptions) -> None:
        super().__init__(options)
        self.inputs = [*self._attitude, *(TermInput(channel, "velocity", "m/s") for channel in self._place)]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        x, y, z = np.moveaxis(past.state(self._place, "velocity"), -1, 0)
        return np.stack([*level_frame.along(self._heading(past), x, y), z], -1)


@dataclass(frozen=True)
class BearingOptions(LevelOptions):
    """Options of the term `bearing`."""

    channel: str = option("command/heading", "channel of the goal with the heading wanted, counter-clockwise from x")


class BearingTerm(_Level):
    """Sine and cosine of the angle to the left from where a floating base faces to where it should face."""

    size = 2

    def __init__(self, options: BearingOptions) -> None:
        super().__init__(options)
        self._channel = (options.channel,)
        self.inputs = [*self._attitude, TermInput(options.channel, "position", "rad", "goal")]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        apart = past.goal(self._channel)[..., 0] - self._heading(past)
        return np.stack([np.sin(apart), np.cos(apart)], -1)


@dataclass(frozen=True)
class WayOptions(LevelOptions):
    """Options of the term `way`."""

    goal: str = option("command", "the place where it should be, with channels /x and /y of the goal")
    limit: float = option(0.5, "no place looks further away than this, ahead or to the left", "m", 1e-3, 1e3)


class WayTerm(_Level):
    """How far a floating base should be ahead and to its left of where it is, within a limit."""

    size = 2

    def __init__(self, options: WayOptions) -> None:
        super().__init__(options)
        self._goal, self._limit = tuple(f"{options.goal}/{axis}" for axis in AXES[:2]), options.limit
        self.inputs = [
            *self._attitude,
            *(TermInput(channel, "position", "m") for channel in self._place[:2]),
            *(TermInput(channel, "position", "m", "goal") for channel in self._goal),
        ]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        apart = past.goal(self._goal) - past.state(self._place[:2])
        ahead = np.stack(level_frame.along(self._heading(past), apart[..., 0], apart[..., 1]), -1)
        return np.clip(ahead, -self._limit, self._limit)

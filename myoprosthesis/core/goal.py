"""Goals of a trial as data: every process that has the plan evaluates the same numbers from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.text import brief

Values = Mapping[str, tuple[float, float]]
"""Position and velocity of a goal, by channel."""


class Goal(Protocol):
    """What a trial asks for, by channel, as a function of the time since its start."""

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of each channel's position; a velocity has it per second."""
        ...

    def at(self, seconds: float) -> Values:
        """The goal `seconds` after the trial's start.

        Args:
            seconds: time since `from_ns` of the plan, s; it may lie before the start or after the end.

        Returns:
            Position and velocity by channel, the same on every machine with the same C library.
        """
        ...


@dataclass(frozen=True)
class ConstantGoal:
    """Values that do not change within the trial, by channel, in the units that the task names."""

    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_finite("constant", self.values)
        object.__setattr__(self, "values", MappingProxyType({str(k): float(v) for k, v in self.values.items()}))

    @property
    def units(self) -> Mapping[str, str]:
        """None of its own: the task that names the channels names their units."""
        return dict.fromkeys(self.values, "")

    def at(self, seconds: float) -> Values:
        """See `Goal.at`."""
        return {channel: (value, 0.0) for channel, value in self.values.items()}


@dataclass(frozen=True)
class OrbitGoal:
    """A place that goes round `centre` (m) on an ellipse in the x-y plane, counter-clockwise.

    At the trial's start it is at `phase` (rad) of the ellipse with `radii` (m, along x and y); one turn takes
    `period_s` (below 0: clockwise).

    Its channels are `<place>/x`, `y`, `z` (m) and `<place>/phase` (rad, −π to π).
    """

    centre: tuple[float, float, float]
    radii: tuple[float, float]
    period_s: float
    phase: float = 0.0
    place: str = "target"

    def __post_init__(self) -> None:
        _check_size("orbit", self.centre, 3, "centre")
        _check_size("orbit", self.radii, 2, "radii")
        _check_finite("orbit", {"period_s": self.period_s, "phase": self.phase})
        if not isinstance(self.place, str):
            raise ConfigError(f"the place of a goal of kind 'orbit' is a name, got {brief(self.place)}")
        if self.period_s == 0:
            raise ConfigError("a goal of kind 'orbit' has a period of 0 s; below 0 it goes round clockwise")

    @property
    def units(self) -> Mapping[str, str]:
        """See `Goal.units`."""
        return {**{f"{self.place}/{axis}": "m" for axis in "xyz"}, f"{self.place}/phase": "rad"}

    def at(self, seconds: float) -> Values:
        """See `Goal.at`."""
        values = orbit(self.centre, self.radii, self.period_s, self.phase, seconds)
        return {
            f"{self.place}/{name}": (float(position), float(velocity))
            for name, (position, velocity) in zip(("x", "y", "z", "phase"), values, strict=True)
        }


def orbit(centre: Any, radii: Any, period_s: Any, phase: Any, seconds: Any) -> list[tuple[Any, Any]]:
    """Position and velocity along x, y and z (m) and of the phase (rad) of a place that goes round an ellipse.

    Numbers, or arrays of one shape: of many ellipses at once."""
    rate = 2.0 * np.pi / period_s
    angle = phase + rate * seconds
    cosine, sine = np.cos(angle), np.sin(angle)
    (x, y, z), (rx, ry) = centre, radii
    return [
        (x + rx * cosine, -rx * rate * sine),
        (y + ry * sine, ry * rate * cosine),
        (z + 0.0 * angle, 0.0 * angle),
        (np.arctan2(sine, cosine), rate + 0.0 * angle),
    ]


@dataclass(frozen=True)
class ClipGoal:
    """A recorded movement: `name`, the SHA-256 of its file, and `speed` relative to the recording.

    It begins at the share `phase` (0 to 1) of the recording, and starts again after its end.

    Its channels are `reference/<column>` and `reference/phase` (rad, 0 to 2π over the clip). A file of that name with
    another hash is refused when it is evaluated.
    """

    name: str
    sha256: str
    phase: float = 0.0
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and isinstance(self.sha256, str)):
            raise ConfigError(f"a goal of kind 'clip' needs a name and a sha256, got {brief(self.name)}")
        _check_finite("clip", {"phase": self.phase, "speed": self.speed})

    @property
    def units(self) -> Mapping[str, str]:
        """See `Goal.units`."""
        units = motion_clip.load(self.name, self.sha256).units
        return {**{f"reference/{column}": unit for column, unit in units.items()}, "reference/phase": "rad"}

    def at(self, seconds: float) -> Values:
        """See `Goal.at`."""
        movement = motion_clip.load(self.name, self.sha256)
        values, velocities = (
            row[0].tolist()
            for row in played(
                movement.duration_s,
                movement.sampled,
                *(np.array([float(x)]) for x in (self.phase, self.speed, seconds)),
            )  # fmt: skip
        )
        names = (*(f"reference/{column}" for column in movement.units), "reference/phase")
        return dict(zip(names, zip(values, velocities, strict=True), strict=True))


def played(duration_s: Any, sampled: Callable[[Any], tuple[Any, Any]], phase: Any, speed: Any, seconds: Any) -> Any:
    """Position and velocity, (n, n_columns + 1) both, of clips that are played: their columns, and the phase.

    `duration_s` is that of the clip, or (n,) of clips, and `sampled` gives values and slopes at times (n,) within.
    `phase` (n,) is where each begins, `speed` (n,) relative to the recording, `seconds` (n,) the time since then."""
    time_s = (phase * duration_s + speed * seconds) % duration_s
    values, slopes = sampled(time_s)
    turn = 2.0 * math.pi / duration_s
    return (
        np.concatenate([values, (turn * time_s)[:, None]], axis=1),
        np.concatenate([slopes * speed[:, None], (turn * speed)[:, None]], axis=1),
    )


@dataclass(frozen=True)
class CommandGoal:
    """A speed (m/s) to keep, in the direction `heading` (rad, counter-clockwise from x), which turns at a rate (rad/s).

    Its channels are `command/speed` and `command/heading`, and with a `place` (m, x and y, at the trial's start)
    `command/x` and `command/y`: where one is that moves so.
    """

    speed: float
    heading: float = 0.0
    turn_rate: float = 0.0
    place: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check_finite("command", {"speed": self.speed, "heading": self.heading, "turn_rate": self.turn_rate})
        if self.place != ():
            _check_size("command", self.place, 2, "place")

    @property
    def units(self) -> Mapping[str, str]:
        """See `Goal.units`."""
        return {"command/speed": "m/s", "command/heading": "rad"} | (
            {"command/x": "m", "command/y": "m"} if self.place else {}
        )

    def at(self, seconds: float) -> Values:
        """See `Goal.at`."""
        x, y = self.place or (0.0, 0.0)
        values = commanded(*(np.array([float(v)]) for v in (self.speed, self.heading, self.turn_rate, x, y, seconds)))
        return {
            c: (float(position[0]), float(velocity[0])) for c, (position, velocity) in values.items() if c in self.units
        }


def commanded(speed: Any, heading: Any, turn_rate: Any, x: Any, y: Any, seconds: Any) -> dict[str, tuple[Any, Any]]:
    """Position and velocity, (n,) both, of the channels of n commands `seconds` (n,) after the start of each."""
    turned, half = turn_rate * seconds, 0.5 * turn_rate * seconds
    way = speed * seconds * np.sinc(half / np.pi)  # the chord of the arc
    now, still = heading + turned, 0.0 * seconds
    return {
        "command/speed": (speed + still, still),
        "command/heading": (now, turn_rate + still),
        "command/x": (x + way * np.cos(heading + half), speed * np.cos(now)),
        "command/y": (y + way * np.sin(heading + half), speed * np.sin(now)),
    }


@dataclass(frozen=True)
class SwitchedGoal:
    """The goal `before` until `at_s` (s) after the trial's start, and from then on the goal `after`.

    Such as a target that turns back within a trial. Both have the time since the trial's start."""

    before: Goal
    after: Goal
    at_s: float

    def __post_init__(self) -> None:
        _check_finite("switched", {"at_s": self.at_s})

    @property
    def units(self) -> Mapping[str, str]:
        """See `Goal.units`."""
        return {**self.before.units, **self.after.units}

    def at(self, seconds: float) -> Values:
        """See `Goal.at`."""
        return (self.before if seconds < self.at_s else self.after).at(seconds)


def pieces(goal: Goal) -> list[tuple[float, Goal]]:
    """The goals of kinds other than `switched` of which one is made, each with the time (s) from which it counts."""
    if not isinstance(goal, SwitchedGoal):
        return [(-math.inf, goal)]
    before = [piece for piece in pieces(goal.before) if piece[0] < goal.at_s]
    after = pieces(goal.after)
    first = sum(from_s <= goal.at_s for from_s, _ in after) - 1
    return [*before, (goal.at_s, after[first][1]), *after[first + 1 :]]


def in_turn(parts: Sequence[tuple[float, Goal]]) -> Goal:
    """Inverse of `pieces`; n of them are nested log2(n) deep, since a message is read to a certain depth only."""
    if len(parts) == 1:
        return parts[0][1]
    half = len(parts) // 2
    return SwitchedGoal(in_turn(parts[:half]), in_turn(parts[half:]), parts[half][0])


KINDS: Mapping[str, type] = {
    "constant": ConstantGoal,
    "orbit": OrbitGoal,
    "clip": ClipGoal,
    "command": CommandGoal,
    "switched": SwitchedGoal,
}
"""The kinds of goals that a plan can carry."""
_NAMES = {cls: kind for kind, cls in KINDS.items()}


def to_dict(goal: Any) -> dict[str, Any]:
    """A goal as plain data for JSON."""
    if type(goal) not in _NAMES:
        raise ConfigError(f"a goal is one of the kinds {', '.join(KINDS)}, got {brief(goal)}")
    if isinstance(goal, ConstantGoal):
        values: dict[str, Any] = {"values": dict(goal.values)}
    elif isinstance(goal, SwitchedGoal):
        values = {"before": to_dict(goal.before), "after": to_dict(goal.after), "at_s": goal.at_s}
    else:
        values = asdict(goal)
    return {"kind": _NAMES[type(goal)], **values}


def from_dict(data: Any) -> Goal:
    """Inverse of `to_dict`; raises `ConfigError`."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"a goal is an object with a kind, got {brief(data)}")
    values = dict(data)
    kind = values.pop("kind", "")
    if kind not in KINDS:
        raise unknown("kind of goal", brief(kind), KINDS)
    names = [f.name for f in fields(KINDS[kind])]
    for key in values:
        if key not in names:
            raise ConfigError(f"a goal of kind {kind!r} has an {unknown('key', key, names)}")
    if kind == "switched":
        values |= {k: from_dict(values[k]) for k in ("before", "after") if k in values}
    goal: Goal = KINDS[kind](**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    return goal


def _check_finite(kind: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise ConfigError(f"a goal of kind {kind!r} has {brief(name)} = {brief(value)}: a finite number is needed")


def _check_size(kind: str, values: Any, size: int, name: str) -> None:
    if not isinstance(values, tuple) or len(values) != size:
        raise ConfigError(f"the {name} of a goal of kind {kind!r} needs {size} numbers, got {brief(values)}")
    _check_finite(kind, {f"{name}[{i}]": value for i, value in enumerate(values)})

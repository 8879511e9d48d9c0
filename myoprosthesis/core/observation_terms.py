"""The kinds of observation terms that come with the package.

They work along the last axis, so that the same code observes one effector, (n,), and many simulations, (n_sims, n).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import FIELDS
from myoprosthesis.core.effector_spec import POSE
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_term import Past, TermInput
from myoprosthesis.core.options import option

Array = NDArray[np.float64]
LONGEST_S = 10.0


@dataclass(frozen=True)
class ChannelsOptions:
    """Options of terms that read channels of the state."""

    channels: tuple[str, ...] = option(help="names of channels of the effector or the task")
    field: str = option("position", "row of the state", choices=FIELDS)
    unit: str = option("", "unit in which the policy takes them; empty: as they come")
    delay_s: float = option(0.0, "how long ago, in whole periods of the policy", "s", 0.0, LONGEST_S)

    def __post_init__(self) -> None:
        if not self.channels:
            raise ConfigError("channels is empty: name one at least")


class ChannelsTerm:
    """Channels as they were a delay ago."""

    def __init__(self, options: ChannelsOptions) -> None:
        self.options, self.size, self.lookback_s = options, len(options.channels), options.delay_s

    @property
    def inputs(self) -> Sequence[TermInput]:
        """See `TermKind.inputs`."""
        return [TermInput(channel, self.options.field, self.options.unit) for channel in self.options.channels]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return past.state(self.options.channels, self.options.field, self.options.delay_s)


@dataclass(frozen=True)
class HistoryOptions(ChannelsOptions):
    """Options of the term `history`."""

    steps: int = option(2, "how many times", "", 1, 1000)
    every_s: float = option(0.0, "between two of them, in whole periods of the policy", "s", 0.0, LONGEST_S)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps > 1 and self.every_s <= 0:
            raise ConfigError(f"every_s is {self.every_s} s: {self.steps} steps of a history need time between them")


class HistoryTerm:
    """Channels at several times, the newest first: all channels of one time, then all of the time before it."""

    def __init__(self, options: HistoryOptions) -> None:
        self.options, self.size = options, options.steps * len(options.channels)
        self._delays_s = [options.delay_s + k * options.every_s for k in range(options.steps)]
        self.lookback_s = self._delays_s[-1]
        self.inputs = ChannelsTerm(options).inputs

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        o = self.options
        return np.concatenate([past.state(o.channels, o.field, delay_s) for delay_s in self._delays_s], axis=-1)


@dataclass(frozen=True)
class DifferenceOptions:
    """Options of the term `difference`."""

    a: tuple[str, ...] = option(help="channels from which is subtracted")
    b: tuple[str, ...] = option(help="as many channels, which are subtracted")
    field: str = option("position", "row of the state", choices=FIELDS)
    unit: str = option("", "unit of both in which the policy takes them; empty: as they come")
    delay_s: float = option(0.0, "how long ago, in whole periods of the policy", "s", 0.0, LONGEST_S)

    def __post_init__(self) -> None:
        if not self.a or len(self.a) != len(self.b):
            raise ConfigError(f"a names {len(self.a)} channels and b {len(self.b)}: as many are needed, one at least")


class DifferenceTerm:
    """`a` − `b`, such as from where the endpoint is to where the target is."""

    def __init__(self, options: DifferenceOptions) -> None:
        self.options, self.size, self.lookback_s = options, len(options.a), options.delay_s
        self.inputs = [TermInput(channel, options.field, options.unit) for channel in (*options.a, *options.b)]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        o = self.options
        return past.state(o.a, o.field, o.delay_s) - past.state(o.b, o.field, o.delay_s)


@dataclass(frozen=True)
class RootRelativeOptions:
    """Options of the term `root_relative`."""

    places: tuple[str, ...] = option(help="sites or objects, whose channels are <place>/x, y and z")
    root: str = option("root", "the floating base or object from which they are seen, with channels /x … /qz")
    field: str = option("position", "row of the state", choices=("position", "velocity"))
    delay_s: float = option(0.0, "how long ago, in whole periods of the policy", "s", 0.0, LONGEST_S)

    def __post_init__(self) -> None:
        if not self.places:
            raise ConfigError("places is empty: name one at least")


class RootRelativeTerm:
    """Places as seen from the root: relative to its position, along its own axes.

    Velocities are those relative to the root's, along the same axes; its rotation is not subtracted.
    """

    def __init__(self, options: RootRelativeOptions) -> None:
        self.options, self.size, self.lookback_s = options, 3 * len(options.places), options.delay_s
        self._places = tuple(f"{place}/{axis}" for place in options.places for axis in "xyz")
        self._origin = tuple(f"{options.root}/{axis}" for axis in "xyz")
        self._turn = tuple(f"{options.root}/{part}" for part in ("qw", "qx", "qy", "qz"))
        unit = "m" if options.field == "position" else "m/s"
        self.inputs = [
            *(TermInput(channel, options.field, unit) for channel in (*self._places, *self._origin)),
            *(TermInput(channel, "position", "1") for channel in self._turn),
        ]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        o = self.options
        apart = _places(past.state(self._places, o.field, o.delay_s)) - _places(
            past.state(self._origin, o.field, o.delay_s)
        )
        turned: Array = apart @ rotation(past.state(self._turn, "position", o.delay_s))
        return turned.reshape(*turned.shape[:-2], -1)


@dataclass(frozen=True)
class CarriedOptions:
    """Options of the term `carried`."""

    places: tuple[str, ...] = option(help="places of the goal, in the frame: their channels are <place>/x, y and z")
    frame: str = option(help="the part of the body that carries them, with channels /x … /qz")
    minus: tuple[str, ...] = option((), "as many sites or objects, from which each place is seen; empty: the world")

    def __post_init__(self) -> None:
        if not self.places:
            raise ConfigError("places is empty: name one at least")
        if self.minus and len(self.minus) != len(self.places):
            raise ConfigError(
                f"places names {len(self.places)} and minus {len(self.minus)}: as many are needed, or none"
            )


class CarriedTerm:
    """Where the places of a goal are that is carried by a part of the body, such as targets on a palm.

    In the world, or as seen from sites or objects along the axes of the world."""

    lookback_s = 0.0

    def __init__(self, options: CarriedOptions) -> None:
        self.options, self.size = options, 3 * len(options.places)
        self._places = tuple(f"{place}/{axis}" for place in options.places for axis in "xyz")
        self._minus = tuple(f"{place}/{axis}" for place in options.minus for axis in "xyz")
        self._frame = tuple(f"{options.frame}/{part}" for part in POSE)
        self.inputs = [
            *(TermInput(channel, "position", "m", "goal") for channel in self._places),
            *(TermInput(channel, "position", "m") for channel in (*self._frame[:3], *self._minus)),
            *(TermInput(channel, "position", "1") for channel in self._frame[3:]),
        ]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        places = carried(past.goal(self._places), past.state(self._frame))
        return places - past.state(self._minus) if self._minus else places


def carried(places: Array, frame: Array) -> Array:
    """Places (…, 3 k) in a frame of pose (…, 7) as places in the world, (…, 3 k) m."""
    turned = _places(places) @ np.swapaxes(rotation(frame[..., 3:]), -1, -2) + frame[..., None, :3]
    return np.asarray(turned.reshape(places.shape))


def rotation(quaternion: Array) -> Array:
    """Rotation matrices (…, 3, 3) of unit quaternions (…, 4), w first."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _places(values: Array) -> Array:
    """(…, 3 k) as (…, k, 3)."""
    return values.reshape(*values.shape[:-1], -1, 3)


@dataclass(frozen=True)
class PhaseOptions:
    """Options of the term `phase`."""

    channel: str = option("target/phase", "channel with an angle, such as the phase of a moving goal")
    harmonics: int = option(1, "sine and cosine of the angle, of twice the angle, and so on", "", 1, 32)


class PhaseTerm:
    """Sine and cosine of each angle, which do not jump where it wraps: sin 1, cos 1, sin 2, cos 2 and so on."""

    lookback_s = 0.0

    def __init__(self, options: PhaseOptions) -> None:
        self.options, self.size = options, 2 * options.harmonics
        self.inputs = [TermInput(options.channel, "position", "rad")]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        angles = past.state((self.options.channel,)) * np.arange(1, self.options.harmonics + 1)
        return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(*angles.shape[:-1], -1)


@dataclass(frozen=True)
class GoalOptions:
    """Options of the term `goal`."""

    channels: tuple[str, ...] = option(help="channels of the task")
    unit: str = option("", "unit in which the policy takes them; empty: as they come")

    def __post_init__(self) -> None:
        if not self.channels:
            raise ConfigError("channels is empty: name one at least")


class GoalTerm:
    """The goal now."""

    lookback_s = 0.0

    def __init__(self, options: GoalOptions) -> None:
        self.options, self.size = options, len(options.channels)
        self.inputs = [TermInput(channel, "position", options.unit, "goal") for channel in options.channels]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return past.goal(self.options.channels)


@dataclass(frozen=True)
class GoalAheadOptions(GoalOptions):
    """Options of the term `goal_ahead`."""

    ahead_s: tuple[float, ...] = option((0.1,), "how far ahead, one number for each time", "s", 0.0, LONGEST_S)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.ahead_s:
            raise ConfigError("ahead_s is empty: name one time at least")


class GoalAheadTerm:
    """The goal as it will be: all channels of the first time, then all of the next."""

    lookback_s = 0.0

    def __init__(self, options: GoalAheadOptions) -> None:
        self.options, self.size = options, len(options.channels) * len(options.ahead_s)
        self.inputs = GoalTerm(options).inputs

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return np.concatenate([past.goal(self.options.channels, ahead_s) for ahead_s in self.options.ahead_s], axis=-1)


@dataclass(frozen=True)
class PreviousActionOptions:
    """Options of the term `previous_action`."""

    channels: tuple[str, ...] = option(help="channels of the policy's own action")

    def __post_init__(self) -> None:
        if not self.channels:
            raise ConfigError("channels is empty: name one at least")


class PreviousActionTerm:
    """The policy's own action before this one, within the bounds of its contract."""

    lookback_s = 0.0

    def __init__(self, options: PreviousActionOptions) -> None:
        self.options, self.size = options, len(options.channels)
        self.inputs = [TermInput(channel, source="action") for channel in options.channels]

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return past.action(self.options.channels)

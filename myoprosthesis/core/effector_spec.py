"""What is known of an effector before anything is opened: its command, its state and its limits."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from itertools import chain
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.fail import RELAX, fail_state
from myoprosthesis.core.message import TEXT_BYTES, read_object, reading

AXES = ("x", "y", "z")
POSE = (*AXES, "qw", "qx", "qy", "qz")
"""Channels of a floating base and of an object. Velocities of qx, qy, qz are the angular velocity (rad/s) in the frame
of the body itself, as in MuJoCo; that of qw is 0."""
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 1e-4, 1.0
"""Of a control loop: another is meant in another unit. In real time, commands of a longer one would count as dead."""
CAPABILITIES = ("resettable", "pausable", "deterministic")
_DERIVED = ("accepts_field", "steppable", "units", "groups")
"""What the text of a specification says beside its fields."""
_LENGTH = ("m", "m/s", "N")
_POSE_UNITS = ("m", "m", "m", "1", "1", "1", "1")

_JOINT_UNITS = {"rad": ("rad", "rad/s", "N·m"), "m": _LENGTH, "1": ("1", "rad/s", "N·m")}
"""Units of position, velocity and effort of a joint, by that of its position; a quaternion has an angular velocity."""


class Poses(Mapping[str, tuple[float, ...]]):
    """Named command postures that nobody can change: read it like a dict."""

    __slots__ = ("_named",)

    def __init__(self, named: Mapping[str, Sequence[float]] | None = None) -> None:
        self._named = {name: tuple(float(x) for x in values) for name, values in (named or {}).items()}

    def __getitem__(self, name: str) -> tuple[float, ...]:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __hash__(self) -> int:
        return hash(frozenset(self._named.items()))

    def __repr__(self) -> str:
        return f"Poses({self._named})"


@dataclass(frozen=True)
class EffectorSpec:
    """What is known of an effector before anything is opened.

    `dt` (s) is the control period. `fail` is what each command channel does in the fail state: `hold` (stay where it is
    now), `relax` (0, or the bound nearest to it), or a value; one word may stand for all. `braking` a (unit of the
    command per s², one per channel or one for all; 0: not known): a channel that holds comes from its full speed v to a
    stop within v²/2a; the braking of others can push one that is slower further, as far as its servo gives way.
    `sites` are the places at which a perturbation may act: `endpoint`, `joint`, `muscle`,
    `object`, `body`.
    `rate_limit` (unit of the command per second, one for all channels or one each) bounds the change of a command; None
    for muscles, since training has none. `timeout_s`: a command older than this is dead.
    A `resettable` effector is put to its start at once, a `pausable` one has a time of its own, which can be held and
    run in lockstep, and a `deterministic` one does the same again after the same reset and commands.
    `joint_units` are the units of the joints' positions: `rad`, `m`, or `1` for a part of a quaternion; empty: all rad.
    `poses` are named command postures, such as the grips of a hand: values in the order of `command.names`, within
    its limits; a mapping becomes a `Poses`.
    `relaxed` is the command at which each channel does nothing; empty: 0, or the bound nearest to it.
    `root` is the floating base, whose `POSE` the first seven joints are; empty: none. `observed_sites` are sites of
    the body beside the endpoint, `frames` parts of it with their `POSE`, such as a palm, `objects` free bodies that are
    not the effector's own, `contacts` sensors of contact forces (N, in the effort row); see `groups`.
    `bodies` are the parts of a floating body that can be pushed and loaded.
    `variant` tells the options that are not the defaults of an effector of this name: `mass 2`.
    `reach` is a point (x, y, z) and how far from it the endpoint comes at most, in m; empty: not known.
    `remarks` are sentences on what this effector cannot do, or what was taken for what its model does not say.
    """

    name: str
    dt: float
    command: Channels
    joints: tuple[str, ...]
    muscles: tuple[str, ...] = ()
    endpoint: str = ""
    frame: str = "world"
    fail: str | tuple[str | float, ...] = RELAX
    braking: float | tuple[float, ...] = ()
    rate_limit: float | tuple[float, ...] | None = None
    timeout_s: float = 0.08
    sites: tuple[str, ...] = ()
    resettable: bool = False
    pausable: bool = False
    deterministic: bool = False
    home: tuple[float, ...] = ()
    simulator: str = ""
    fingerprint: tuple[float, ...] = ()
    poses: Mapping[str, tuple[float, ...]] = field(default_factory=Poses)
    joint_units: tuple[str, ...] = ()
    root: str = ""
    observed_sites: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    relaxed: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()
    bodies: tuple[str, ...] = ()
    variant: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise ConfigError(f"effector {self.name!r} has a period of {self.dt} s; it must be above 0")
        if not SHORTEST_PERIOD_S <= self.dt <= LONGEST_PERIOD_S:
            raise ConfigError(
                f"effector {self.name!r} has a period of {self.dt:g} s; {SHORTEST_PERIOD_S:g} to {LONGEST_PERIOD_S:g} "
                "s are needed (it is in seconds: 10 ms is 0.01)"
            )
        each = fail_state(self.name, self.fail, self.command)
        same = len(set(each)) == 1 and isinstance(each[0], str)
        object.__setattr__(self, "fail", each[0] if same else each)
        object.__setattr__(self, "braking", self._each("braking", 0.0))
        if isinstance(self.rate_limit, tuple):
            object.__setattr__(self, "rate_limit", self._each("rate_limit", 1e-9))
        if not self.joint_units:
            object.__setattr__(self, "joint_units", ("rad",) * len(self.joints))
        if len(self.joint_units) != len(self.joints) or set(self.joint_units) - set(_JOINT_UNITS):
            raise ConfigError(
                f"the {len(self.joints)} joints of effector {self.name!r} have units {', '.join(self.joint_units)}; "
                f"each needs one of {', '.join(_JOINT_UNITS)}"
            )
        object.__setattr__(self, "relaxed", self._each("relaxed", -math.inf))
        low, high = self.command.bounds()
        if self.relaxed and not ((low <= self.relaxed) & (self.relaxed <= high)).all():
            raise ConfigError(f"the relaxed command of effector {self.name!r} is outside its limits")
        if self.root and self.joints[: len(POSE)] != _poses_of((self.root,)):
            raise ConfigError(
                f"the floating base {self.root!r} of effector {self.name!r} needs its pose as the first joints: "
                f"{', '.join(_poses_of((self.root,)))}"
            )
        if twice := next((c for c, n in Counter(self.channels).items() if n > 1), ""):
            raise ConfigError(f"two channels of the state of effector {self.name!r} are called {twice!r}: rename one")
        object.__setattr__(self, "poses", Poses(self.poses))
        for name, pose in self.poses.items():
            self._check_pose(name, pose)

    def _each(self, name: str, least: float) -> tuple[float, ...]:
        """The values of field `name`, one per command channel, or none."""
        value, n = getattr(self, name), self.command.size
        each = (value,) * n if isinstance(value, (int, float)) else tuple(value)
        if each and (len(each) != n or not all(math.isfinite(a) and a >= least for a in each)):
            sign = "0 or more" if least == 0 else "above 0"
            raise ConfigError(f"the {name} of effector {self.name!r} needs {n} finite values, {sign}")
        return tuple(float(a) for a in each)

    def _check_pose(self, name: str, pose: tuple[float, ...]) -> None:
        which = f"pose {name!r} of effector {self.name!r}"
        if len(pose) != self.command.size:
            raise ConfigError(f"{which} has {len(pose)} values; its command has {self.command.size}")
        c = self.command
        for channel, x, low, high, unit in zip(c.names, pose, c.low, c.high, c.units, strict=True):
            if not low - 1e-9 <= x <= high + 1e-9:
                raise ConfigError(f"{which} has {x:g} for {channel}, outside {low:g} to {high:g} {unit}")

    @property
    def fail_each(self) -> tuple[str | float, ...]:
        """What each command channel does in the fail state."""
        return fail_state(self.name, self.fail, self.command)

    @cached_property
    def relaxed_command(self) -> NDArray[np.float64]:
        """(n_command,) the command at which each channel does nothing."""
        return np.array(self.relaxed) if self.relaxed else np.clip(0.0, *self.command.bounds())

    @cached_property
    def placed(self) -> NDArray[np.intp]:
        """For each command channel the column of the joint that a target of its place moves, −1 where there is none."""
        targets = self.command.quantity == "position"
        return np.array([self.joints.index(n) if targets and n in self.joints else -1 for n in self.command.names])

    @property
    def steppable(self) -> bool:
        """Deprecated: `resettable`, `pausable` and `deterministic` at once."""
        return self.resettable and self.pausable and self.deterministic

    @property
    def accepts_field(self) -> bool:
        """True when a field can act at the endpoint."""
        return "endpoint" in self.sites

    def require_sites(self, sites: Sequence[str]) -> None:
        """Raise `Refused` where a perturbation cannot act at one of `sites`."""
        for site in sites:
            if site not in self.sites:
                can = ", ".join(self.sites) or "none"
                raise Refused(f"effector {self.name!r} cannot apply a perturbation at its {site}; it can at: {can}")

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The channels of the state by group, in the order of the table.

        `root`, `joints`, `muscles` (their tendons' length), `activation`, `sites` (the endpoint first), `frames`,
        `objects` and `contacts`; a group without channels is left out. `joints` of this mapping are those that are not
        the floating base's."""
        n_root = len(POSE) if self.root else 0
        sites = (*(("endpoint",) if self.endpoint else ()), *self.observed_sites)
        every = {
            "root": self.joints[:n_root],
            "joints": self.joints[n_root:],
            "muscles": self.muscles,
            "activation": tuple(f"{m}/activation" for m in self.muscles),
            "sites": tuple(f"{site}/{a}" for site in sites for a in AXES),
            "frames": _poses_of(self.frames),
            "objects": _poses_of(self.objects),
            "contacts": self.contacts,
        }
        return {group: names for group, names in every.items() if names}

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Columns of the state table: those of all groups."""
        return tuple(chain.from_iterable(self.groups.values()))

    @cached_property
    def columns(self) -> Mapping[str, slice]:
        """The columns of the state table by group."""
        out: dict[str, slice] = {}
        start = 0
        for group, names in self.groups.items():
            out[group] = slice(start, start := start + len(names))
        return out

    @property
    def units(self) -> dict[str, tuple[str, str, str]]:
        """Of each channel, the units of its position, velocity and effort; empty for one that is not given, and 0."""
        return {
            **{joint: _JOINT_UNITS[unit] for joint, unit in zip(self.joints, self.joint_units, strict=True)},
            **dict.fromkeys((*self.muscles, *self.groups.get("sites", ())), _LENGTH),
            **{f"{m}/activation": ("1", "", "1") for m in self.muscles},
            **{
                name: _JOINT_UNITS[unit]
                for name, unit in zip(
                    _poses_of((*self.frames, *self.objects)),
                    _POSE_UNITS * (len(self.frames) + len(self.objects)),
                    strict=True,
                )
            },
            **dict.fromkeys(self.contacts, ("1", "", "N")),
        }

    def to_json(self) -> str:
        """The text of the latched `effector/spec` topic.

        `units` are those of each channel's three fields, `groups` the channels by group."""
        data = {k: getattr(self, k) for k in self.__dataclass_fields__ if k not in ("command", "poses")}
        data |= {"command": self.command.to_dict(), "poses": dict(self.poses)}
        return json.dumps(data | {name: getattr(self, name) for name in _DERIVED})

    @classmethod
    def from_json(cls, text: str) -> EffectorSpec:
        """Inverse of `to_json`."""
        what = "the effector's specification"
        with reading(what):
            data = read_object(text, what, TEXT_BYTES)
            if "resettable" not in data:  # written before there was a word for each
                data |= dict.fromkeys(CAPABILITIES, bool(data.get("steppable", False)))
            for name in _DERIVED:
                data.pop(name, None)
            data["command"] = Channels.from_dict(data["command"])
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            return cls(**values)


_init = EffectorSpec.__init__


@wraps(_init)
def _init_with_steppable(self: EffectorSpec, *args: Any, steppable: bool | None = None, **fields: Any) -> None:
    if steppable is not None:
        warn(f"steppable is deprecated: say {', '.join(CAPABILITIES)}", DeprecationWarning, stacklevel=2)
        fields = dict.fromkeys(CAPABILITIES, steppable) | fields
    _init(self, *args, **fields)


EffectorSpec.__init__ = _init_with_steppable  # type: ignore[method-assign]


def _poses_of(names: Sequence[str]) -> tuple[str, ...]:
    """The channels of the pose of each of these."""
    return tuple(f"{name}/{a}" for name in names for a in POSE)

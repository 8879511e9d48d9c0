"""The seam between policies and bodies: what every effector, simulated or real, is and does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.fail import RELAX, fail_state
from myoprosthesis.core.law import Law
from myoprosthesis.core.message import TEXT_BYTES, read_object, reading

Array = NDArray[np.float64]
AXES = ("x", "y", "z")
_LENGTH = ("m", "m/s", "N")
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

    `dt` (s) is the control period. `fail` is what each command channel does when in doubt: `hold` (stay where it is
    now), `relax` (0, or the bound nearest to it), or a value; one word may stand for all. `braking` a (unit of the
    command per s², one per channel or one for all; 0: not known): a channel that holds comes from its full speed v to a
    stop within v²/2a. `sites` are the places at which a perturbation may act: `endpoint`, `joint`, `muscle`.
    `rate_limit` (unit of the command per second, one for all channels or one each) bounds the change of a command; None
    for muscles, since training has none. `timeout_s`: a command older than this is dead.
    A `steppable` effector has a time of its own: it can be reset at once, paused and run in lockstep.
    `joint_units` are the units of the joints' positions: `rad`, `m`, or `1` for a part of a quaternion; empty: all rad.
    `poses` are named command postures, such as the grips of a hand: values in the order of `command.names`, within
    its limits; a mapping that is given becomes a `Poses`.
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
    steppable: bool = False
    home: tuple[float, ...] = ()
    simulator: str = ""
    fingerprint: tuple[float, ...] = ()
    poses: Mapping[str, tuple[float, ...]] = field(default_factory=Poses)
    joint_units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise ConfigError(f"effector {self.name!r} has a period of {self.dt} s; it must be above 0")
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
        object.__setattr__(self, "poses", Poses(self.poses))
        for name, pose in self.poses.items():
            self._check_pose(name, pose)

    def _each(self, name: str, least: float) -> tuple[float, ...]:
        """The values of field `name`, one per command channel, or none."""
        given, n = getattr(self, name), self.command.size
        each = (given,) * n if isinstance(given, (int, float)) else tuple(given)
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
        """What each command channel does when in doubt."""
        return fail_state(self.name, self.fail, self.command)

    @cached_property
    def placed(self) -> NDArray[np.intp]:
        """For each command channel the column of the joint that a target of its place moves, −1 where there is none."""
        targets = self.command.quantity == "position"
        return np.array([self.joints.index(n) if targets and n in self.joints else -1 for n in self.command.names])

    @property
    def accepts_field(self) -> bool:
        """True when a field can act at the endpoint."""
        return "endpoint" in self.sites

    @property
    def channels(self) -> tuple[str, ...]:
        """Columns of the state table: joints, muscles, `<muscle>/activation`, `endpoint/x` …"""
        ends = tuple(f"endpoint/{a}" for a in AXES) if self.endpoint else ()
        return self.joints + self.muscles + tuple(f"{m}/activation" for m in self.muscles) + ends

    @property
    def units(self) -> dict[str, tuple[str, str, str]]:
        """Of each channel, the units of its position, velocity and effort."""
        ends = tuple(f"endpoint/{a}" for a in AXES) if self.endpoint else ()
        return {
            **{joint: _JOINT_UNITS[unit] for joint, unit in zip(self.joints, self.joint_units, strict=True)},
            **dict.fromkeys((*self.muscles, *ends), _LENGTH),
            **{f"{m}/activation": ("1", "1/s", "1") for m in self.muscles},
        }

    def to_json(self) -> str:
        """The text of the latched `effector/spec` topic; `units` are those of each channel's three fields."""
        data = {k: getattr(self, k) for k in self.__dataclass_fields__ if k not in ("command", "poses")}
        data |= {"command": self.command.to_dict(), "poses": dict(self.poses)}
        return json.dumps({**data, "accepts_field": self.accepts_field, "units": self.units})

    @classmethod
    def from_json(cls, text: str) -> EffectorSpec:
        """Inverse of `to_json`."""
        what = "the effector's specification"
        with reading(what):
            data = read_object(text, what, TEXT_BYTES)
            for derived in ("accepts_field", "units"):
                data.pop(derived, None)
            data["command"] = Channels.from_dict(data["command"])
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            return cls(**values)


@dataclass(frozen=True, eq=False)
class EffectorState:
    """One tick of an effector. `table` has shape (3, n): position, velocity and effort of `spec.channels`;
    the properties below are views of it. `applied` is what was really commanded after limits, in the order of
    `spec.command`; `joint_load` (N·m, one per joint) and the endpoint's effort are the forces that acted.

    `measured` is the command at which each channel stays where it is now, `measured_velocity` how fast that changes
    (unit/s); NaN for a channel that has no such place, such as a muscle. None: the joints that bear the names of
    position targets."""

    spec: EffectorSpec
    time: float
    table: Array
    applied: Array
    joint_load: Array = field(default_factory=lambda: np.zeros(0))
    measured: Array = None  # type: ignore[assignment]
    measured_velocity: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, row in (("measured", 0), ("measured_velocity", 1)):
            if getattr(self, name) is None:
                joints = np.append(self._slice(row, 0, len(self.spec.joints)), np.nan)
                object.__setattr__(self, name, joints[self.spec.placed])

    def _slice(self, row: int, start: int, n: int) -> Array:
        return self.table[row, start : start + n]

    @property
    def joint_position(self) -> Array:
        """(n_joints,) rad or m."""
        return self._slice(0, 0, len(self.spec.joints))

    @property
    def joint_velocity(self) -> Array:
        """(n_joints,) rad/s or m/s."""
        return self._slice(1, 0, len(self.spec.joints))

    @property
    def joint_effort(self) -> Array:
        """(n_joints,) N·m or N, from the actuators."""
        return self._slice(2, 0, len(self.spec.joints))

    @property
    def muscle_length(self) -> Array:
        """(n_muscles,) m."""
        return self._slice(0, len(self.spec.joints), len(self.spec.muscles))

    @property
    def muscle_velocity(self) -> Array:
        """(n_muscles,) m/s, lengthening positive."""
        return self._slice(1, len(self.spec.joints), len(self.spec.muscles))

    @property
    def muscle_force(self) -> Array:
        """(n_muscles,) N, pulling negative as in MuJoCo."""
        return self._slice(2, len(self.spec.joints), len(self.spec.muscles))

    @property
    def activation(self) -> Array:
        """(n_muscles,) 0..1."""
        return self._slice(0, len(self.spec.joints) + len(self.spec.muscles), len(self.spec.muscles))

    @property
    def endpoint_position(self) -> Array:
        """(3,) m in `spec.frame`; empty without an endpoint."""
        return self.table[0, -3:] if self.spec.endpoint else np.zeros(0)

    @property
    def endpoint_velocity(self) -> Array:
        """(3,) m/s; empty without an endpoint."""
        return self.table[1, -3:] if self.spec.endpoint else np.zeros(0)

    @property
    def load(self) -> Array:
        """(3,) N: the force that the field exerted on the endpoint; empty without an endpoint."""
        return self.table[2, -3:] if self.spec.endpoint else np.zeros(0)


@dataclass(frozen=True, eq=False)
class Imposed:
    """What acts on a body during one control period: a law at the endpoint (3 dimensions), a law at the joints
    (one dimension per joint), and the strength of each muscle (1 = healthy, 0 = paralysed)."""

    endpoint: Law | None = None
    joint: Law | None = None
    strength: Array | None = None

    @property
    def sites(self) -> tuple[str, ...]:
        """Where it acts."""
        held = (("endpoint", self.endpoint), ("joint", self.joint), ("muscle", self.strength))
        return tuple(name for name, value in held if value is not None)


NOTHING = Imposed()
"""Nothing imposed."""


@runtime_checkable
class Effector(Protocol):
    """Four members; constructing opens nothing and moves nothing."""

    @property
    def spec(self) -> EffectorSpec:
        """Known before anything is opened."""
        ...

    def reset(self, seed: int) -> EffectorState:
        """Simulation: a defined start. Hardware: a safe pose, slowly. The first call opens the device."""
        ...

    def step(self, command: Array, imposed: Imposed) -> EffectorState:
        """Apply `command` for one period `spec.dt` under `imposed`; never sleeps."""
        ...

    def close(self) -> None:
        """Enter the fail state and release the device; safe to call twice."""
        ...


@runtime_checkable
class Device(Effector, Protocol):
    """An effector that can be lost, and that is told when nobody commands it. Its `step` never raises for a lost
    device: it goes on returning the last state, with `fault` set, and recovers by itself."""

    @property
    def fault(self) -> str:
        """Why it cannot follow commands now; empty while it can."""
        ...

    def idle(self, command: Array, imposed: Imposed) -> EffectorState:
        """One period in the fail state, of which `command` is the command, instead of `step`. The device may stop
        writing where silence is safe, so that its own watchdog can fire. Never sleeps."""
        ...


def refuse_sites(spec: EffectorSpec, sites: Sequence[str]) -> str:
    """Empty, or the sentence with which an effector refuses a perturbation."""
    for site in sites:
        if site not in spec.sites:
            can = ", ".join(spec.sites) or "none"
            return f"effector {spec.name!r} cannot apply a perturbation at its {site}; it can at: {can}"
    return ""

"""Retargeting between the joints of a virtual hand and those of a real one.

Joint angles are retargeted, not excitations: a policy that commands joint angles of the virtual hand can command a real
one, and observe its state as that of the virtual hand. A policy that excites muscles cannot be retargeted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import bounded
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build, option
from myoprosthesis.files import yaml_text
from myoprosthesis.hands.data_sheets import folder
from myoprosthesis.hands.hand_joint import PARTS, Joint
from myoprosthesis.hands.hand_spec import HandSpec

Array = NDArray[np.float64]
FILE = "mapping.yaml"


@dataclass(frozen=True)
class VirtualJoint:
    """One joint of a virtual hand, and the part of a real hand that it corresponds to."""

    name: str = option(help="name of the joint in its model")
    low: float = option(help="smallest angle", unit="rad", low=-7.0, high=7.0)
    high: float = option(help="largest angle", unit="rad", low=-7.0, high=7.0)
    open: float = option(help="angle of the open hand", unit="rad", low=-7.0, high=7.0)
    closed: float = option(help="angle of the closed hand", unit="rad", low=-7.0, high=7.0)
    part: str = option("", "part of a hand; empty: no real hand has it", choices=("", *PARTS))
    weight: float = option(1.0, "weight in the angle of the real joint", low=0.01, high=100.0)
    like: str = option("", "virtual joint that it follows where the real hand has no joint for it")

    def __post_init__(self) -> None:
        if not self.low <= min(self.open, self.closed) <= max(self.open, self.closed) <= self.high:
            raise ConfigError(f"{self.name}: open {self.open} and closed {self.closed} must be within its limits")
        if bool(self.part) != (self.open != self.closed):
            raise ConfigError(
                f"{self.name}: open and closed differ for a joint with a part, and are equal for one without"
            )


@dataclass(frozen=True)
class _File:
    """Contents of `mapping.yaml`."""

    virtual: dict[str, tuple[VirtualJoint, ...]] = option(help="joints by virtual hand")
    hands: dict[str, dict[str, tuple[str, ...]]] = option({}, "virtual joints of each joint, by hand")


@dataclass(frozen=True, eq=False)
class JointMapping:
    """Linear map between the joint angles of a virtual and a real hand, in both directions.

    real = `to_real_matrix` @ virtual + `to_real_offset`, virtual = `to_virtual_matrix` @ real + `to_virtual_offset`;
    shapes (n_real, n_virtual), (n_real,), (n_virtual, n_real), (n_virtual,). `to_real_matrix` @ `to_virtual_matrix` is
    the identity: real → virtual → real changes nothing.
    """

    hand: HandSpec
    joints: tuple[VirtualJoint, ...]
    to_real_matrix: Array
    to_real_offset: Array
    to_virtual_matrix: Array
    to_virtual_offset: Array

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the virtual joints."""
        return tuple(j.name for j in self.joints)

    def bounds(self) -> tuple[Array, Array]:
        """Limits of the virtual joints, rad, shape (n_virtual,) each."""
        return np.array([j.low for j in self.joints]), np.array([j.high for j in self.joints])

    def to_real(self, virtual: Array) -> Array:
        """Angles of the real hand, rad, shape (n_real,), within its limits; `virtual` in the order of `names`."""
        return bounded(
            self.to_real_matrix @ virtual + self.to_real_offset, self.hand.column("low"), self.hand.column("high")
        )

    def to_virtual(self, real: Array) -> Array:
        """Angles of the virtual hand, rad, shape (n_virtual,), within its limits.

        `real` in the order of the data sheet.
        """
        return bounded(self.to_virtual_matrix @ real + self.to_virtual_offset, *self.bounds())


def virtual_hands() -> list[str]:
    """Names of the virtual hands that have a mapping."""
    return sorted(_file().virtual)


@cache
def _file() -> _File:
    path = folder() / FILE
    return build(_File, yaml_text.read_mapping(path), str(path))


def load(virtual: str, hand: HandSpec) -> JointMapping:
    """The mapping between the virtual hand `virtual` and the real hand; raises `ConfigError`."""
    if virtual not in _file().virtual:
        raise unknown("virtual hand", virtual, virtual_hands())
    return mapping_between(hand, _file().virtual[virtual], _file().hands.get(hand.name, {}))


def mapping_between(hand: HandSpec, joints: Sequence[VirtualJoint], named: Mapping[str, Sequence[str]]) -> JointMapping:
    """The mapping by parts. `named` lists the virtual joints of the real joints for which the part is ambiguous."""
    column = {j.name: k for k, j in enumerate(joints)}
    start = np.array([j.open for j in joints])
    travel = np.array([j.closed - j.open for j in joints])
    owner: dict[str, int] = {}
    to_real, to_virtual = np.zeros((len(hand.joints), len(joints))), np.zeros((len(joints), len(hand.joints)))
    for r, real in enumerate(hand.joints):
        virtual_names = _virtual_joints(hand, real, joints, named)
        real_travel = _travel(real)
        total = sum(joints[column[name]].weight for name in virtual_names)
        for name in virtual_names:
            if owner.setdefault(name, r) != r:
                other = hand.names[owner[name]]
                raise ConfigError(f"{FILE}: {name} corresponds to both {other} and {real.name} of {hand.title}")
            k = column[name]
            to_real[r, k] = joints[k].weight / total * real_travel / travel[k]
            to_virtual[k, r] = travel[k] / real_travel
    for k, joint in enumerate(joints):
        leader = column.get(joint.like)
        if joint.name not in owner and leader is not None and joint.like in owner:
            to_virtual[k] = to_virtual[leader] / travel[leader] * travel[k]
    zero = hand.column("open")
    return JointMapping(hand, tuple(joints), to_real, zero - to_real @ start, to_virtual, start - to_virtual @ zero)


def _virtual_joints(
    hand: HandSpec, joint: Joint, joints: Sequence[VirtualJoint], named: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Names of the virtual joints of a real joint; empty: it has none and stays open."""
    names = [j.name for j in joints]
    for name in named.get(joint.name, ()):
        if name not in names:
            raise ConfigError(f"{FILE}: {hand.name}, {joint.name}: {unknown('virtual joint', name, names)}")
    if joint.name in named:
        return tuple(named[joint.name])
    joints_of_part = [j.name for j in hand.joints if j.part == joint.part and j.name not in named]
    if len(joints_of_part) > 1:
        raise ConfigError(
            f"{FILE}: {', '.join(joints_of_part)} of {hand.title} are one part; name their virtual joints under `hands`"
        )
    return tuple(j.name for j in joints if j.part == joint.part)


def _travel(joint: Joint) -> float:
    """Travel (rad) from open to closed; for a joint that no grip closes, to its upper limit."""
    return joint.closed - joint.open or joint.high - joint.open

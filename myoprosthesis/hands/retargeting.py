"""Joints of a virtual hand ↔ joints of a real one, so that a policy for one moves the other.

Postures are mapped, not excitations: a policy whose action is joint angles of the virtual hand can command a real one,
and the state of a real hand can be read as one of the virtual hand. A policy that excites muscles cannot be mapped so.
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
from myoprosthesis.hands.hand_spec import PARTS, HandSpec, Joint, folder, read

Array = NDArray[np.float64]
FILE = "mapping.yaml"


@dataclass(frozen=True)
class VirtualJoint:
    """One joint of a virtual hand, and what part of a real hand it belongs to."""

    name: str = option(help="name of the joint in its model")
    low: float = option(help="smallest angle", unit="rad", low=-7.0, high=7.0)
    high: float = option(help="largest angle", unit="rad", low=-7.0, high=7.0)
    open: float = option(help="angle of the open hand", unit="rad", low=-7.0, high=7.0)
    closed: float = option(help="angle of the closed hand", unit="rad", low=-7.0, high=7.0)
    part: str = option("", "part of a hand; empty: a real hand has none", choices=("", *PARTS))
    weight: float = option(1.0, "how much it counts for the real joint", low=0.01, high=100.0)
    like: str = option("", "virtual joint that it moves with where the real hand has nothing for it")

    def __post_init__(self) -> None:
        if not self.low <= min(self.open, self.closed) <= max(self.open, self.closed) <= self.high:
            raise ConfigError(f"{self.name}: open {self.open} and closed {self.closed} must be within its limits")
        if bool(self.part) != (self.open != self.closed):
            raise ConfigError(f"{self.name}: a joint of a part closes, and one of no part does not")


@dataclass(frozen=True)
class _File:
    """What the mapping's file holds."""

    virtual: dict[str, tuple[VirtualJoint, ...]] = option(help="joints by virtual hand")
    hands: dict[str, dict[str, tuple[str, ...]]] = option({}, "virtual joints of each joint, by hand")


@dataclass(frozen=True, eq=False)
class JointMapping:
    """Real angles = `gather` @ virtual angles + `offset`, and back: `spread` @ real angles + `rest`.

    Shapes (n_real, n_virtual), (n_real,), (n_virtual, n_real), (n_virtual,). `gather` @ `spread` is the identity:
    real → virtual → real changes nothing.
    """

    hand: HandSpec
    joints: tuple[VirtualJoint, ...]
    gather: Array
    offset: Array
    spread: Array
    rest: Array

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the virtual joints."""
        return tuple(j.name for j in self.joints)

    def bounds(self) -> tuple[Array, Array]:
        """Limits of the virtual joints, rad, shape (n_virtual,) each."""
        return np.array([j.low for j in self.joints]), np.array([j.high for j in self.joints])

    def to_real(self, virtual: Array) -> Array:
        """Angles of the real hand, rad, shape (n_real,), within its limits; `virtual` in the order of `names`."""
        return bounded(self.gather @ virtual + self.offset, self.hand.column("low"), self.hand.column("high"))

    def to_virtual(self, real: Array) -> Array:
        """Angles of the virtual hand, rad, shape (n_virtual,), within its limits; `real` in the order of the sheet."""
        return bounded(self.spread @ real + self.rest, *self.bounds())


def virtual_hands() -> list[str]:
    """Virtual hands that real ones can stand for."""
    return sorted(_file().virtual)


@cache
def _file() -> _File:
    path = folder() / FILE
    return build(_File, read(path), str(path))


def load(virtual: str, hand: HandSpec) -> JointMapping:
    """The mapping between the virtual hand `virtual` and the real hand; raises `ConfigError`."""
    if virtual not in _file().virtual:
        raise unknown("virtual hand", virtual, virtual_hands())
    return between(hand, _file().virtual[virtual], _file().hands.get(hand.name, {}))


def between(hand: HandSpec, joints: Sequence[VirtualJoint], named: Mapping[str, Sequence[str]]) -> JointMapping:
    """The mapping by parts; `named` tells the virtual joints of real joints for which the part is not enough."""
    column = {j.name: k for k, j in enumerate(joints)}
    start = np.array([j.open for j in joints])
    way = np.array([j.closed - j.open for j in joints])
    owner: dict[str, int] = {}
    gather, spread = np.zeros((len(hand.joints), len(joints))), np.zeros((len(joints), len(hand.joints)))
    for r, real in enumerate(hand.joints):
        group = _group(hand, real, joints, named)
        real_way = _way(real)
        total = sum(joints[column[name]].weight for name in group)
        for name in group:
            if owner.setdefault(name, r) != r:
                other = hand.names[owner[name]]
                raise ConfigError(f"{FILE}: {name} stands for both {other} and {real.name} of {hand.title}")
            k = column[name]
            gather[r, k] = joints[k].weight / total * real_way / way[k]
            spread[k, r] = way[k] / real_way
    for k, joint in enumerate(joints):
        model = column.get(joint.like)
        if joint.name not in owner and model is not None and joint.like in owner:
            spread[k] = spread[model] / way[model] * way[k]
    zero = hand.column("open")
    return JointMapping(hand, tuple(joints), gather, zero - gather @ start, spread, start - spread @ zero)


def _group(
    hand: HandSpec, joint: Joint, joints: Sequence[VirtualJoint], named: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Names of the virtual joints for which a real one stands; empty: for none, it stays open."""
    known = [j.name for j in joints]
    for name in named.get(joint.name, ()):
        if name not in known:
            raise ConfigError(f"{FILE}: {hand.name}, {joint.name}: {unknown('virtual joint', name, known)}")
    if joint.name in named:
        return tuple(named[joint.name])
    alike = [j.name for j in hand.joints if j.part == joint.part and j.name not in named]
    if len(alike) > 1:
        raise ConfigError(
            f"{FILE}: {', '.join(alike)} of {hand.title} are one part; say their virtual joints in `hands`"
        )
    return tuple(j.name for j in joints if j.part == joint.part)


def _way(joint: Joint) -> float:
    """rad from open to closed; of a joint that no grip closes, to its upper limit."""
    return joint.closed - joint.open or joint.high - joint.open

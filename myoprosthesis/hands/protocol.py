"""What the codec of a hand is and does: bytes ↔ values; no port, no clock, no thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.hands.hand_spec import HandSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HandState:
    """What a hand told of itself. Arrays have shape (n_joints,) in the order of its sheet; None: not told.

    `force` and `touch` are newton, `touch` one value per sensor; `temperature` is °C. `trouble` is what the hand
    says is wrong with it, one sentence each.
    """

    position: Array
    velocity: Array | None = None
    current: Array | None = None
    force: Array | None = None
    touch: Array | None = None
    temperature: Array | None = None
    trouble: tuple[str, ...] = ()


@runtime_checkable
class Rebootable(Protocol):
    """A codec of a hand that keeps to a fault, even when its cause is gone, until it is told to forget it."""

    def reboot(self) -> bytes:
        """What makes the hand forget the faults that it has told of. It is to be limp, and is so afterwards."""
        ...


@runtime_checkable
class Bus(Protocol):
    """A codec of a hand whose motors answer each for itself."""

    @property
    def absent(self) -> tuple[str, ...]:
        """Motors that did not answer what was asked last, while others did, in words."""
        ...

    def roll_call(self) -> tuple[bytes, ...]:
        """A question to each motor alone, which moves nothing; `absent` then tells of those that did not answer."""
        ...


@runtime_checkable
class HandProtocol(Protocol):
    """A codec, made from a data sheet. Each method that returns bytes returns what is to be written now, whole."""

    @property
    def sheet(self) -> HandSpec:
        """Joints, limits, speed of the port, and whether the hand stops by itself when nobody speaks to it."""
        ...

    @property
    def counts(self) -> Counter[str]:
        """`frames` that were understood; `damaged` (checksum, length) and `foreign` (another sender) ones."""
        ...

    def wake(self) -> bytes:
        """What a hand must hear before its first command: after opening, after silence, after a fault."""
        ...

    def command(self, position: Array) -> bytes:
        """Targets (rad) in the order of the sheet, within its limits; the hand answers with a state."""
        ...

    def query(self) -> bytes:
        """Ask for a state; moves nothing."""
        ...

    def relax(self) -> bytes:
        """Go limp, as far as the hand can."""
        ...

    def leave(self) -> bytes:
        """Give the hand back to itself. Changes nothing in the codec."""
        ...

    def will(self, position: Array | None) -> bytes:
        """What sends the hand to these targets (rad; None: lets it go limp) at once, whatever is under way. It is made
        in every period, for the case that nobody lives to make it; it changes nothing in the codec."""
        ...

    def feed(self, data: bytes) -> list[HandState]:
        """States that `data` completes, cut anywhere; what is damaged or foreign is counted and dropped."""
        ...

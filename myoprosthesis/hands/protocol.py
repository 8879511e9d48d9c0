"""Codec of a hand: the protocol that all codecs implement, and the state they return."""

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
    """State that a hand reported. Arrays have shape (n_joints,) in the order of its data sheet; None: not reported.

    Attributes:
        position: Joint angles, rad.
        velocity: rad/s.
        current: A.
        force: N.
        touch: N, shape (n_sensors,).
        temperature: °C.
        trouble: Faults that the hand reports, one sentence each.
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
    """A codec of a hand with latched faults: they stay until a command clears them."""

    def reboot(self) -> bytes:
        """Clear the latched faults. The hand must be limp before, and is limp afterwards.

        Returns:
            The bytes to write.
        """
        ...


@runtime_checkable
class Bus(Protocol):
    """A codec of a hand whose motors answer one by one."""

    @property
    def absent(self) -> tuple[str, ...]:
        """Motors that did not answer the last request while others did, in words."""
        ...

    def ping_each(self) -> tuple[bytes, ...]:
        """Ask each motor for a sign of life, which moves nothing; `absent` then lists those that did not answer.

        Returns:
            One request per motor, to be written one after the other.
        """
        ...


@runtime_checkable
class HandProtocol(Protocol):
    """Codec of a hand, constructed from its data sheet: no port, no clock, no thread.

    Each method that returns bytes returns all that is to be written now; empty: nothing.
    """

    @property
    def spec(self) -> HandSpec:
        """Data sheet: joints, limits, speed of the port, watchdog."""
        ...

    @property
    def counts(self) -> Counter[str]:
        """Numbers of frames: `frames` that were accepted, `damaged` and `foreign` ones.

        Damaged: checksum or length; foreign: another sender.
        """
        ...

    def enable(self) -> bytes:
        """Make the hand ready for commands: after opening, after a timeout, after a fault.

        Returns:
            The bytes to write before the first command.
        """
        ...

    def command(self, position: Array) -> bytes:
        """Command targets; the hand answers with a state.

        Args:
            position: Joint angles, rad, shape (n_joints,) in the order of the data sheet and within its limits. Values
                that are not finite must be made safe (`core.bounded.finite`), not sent.

        Returns:
            The bytes to write.
        """
        ...

    def query(self) -> bytes:
        """Request a state; moves nothing.

        Returns:
            The bytes to write.
        """
        ...

    def limp(self) -> bytes:
        """Take the torque off the motors; a hand that cannot is commanded to stay where it is.

        Returns:
            The bytes to write.
        """
        ...

    def release(self) -> bytes:
        """End remote control of the hand. Does not change the state of the codec.

        Returns:
            The bytes to write.
        """
        ...

    def failsafe_frame(self, position: Array | None) -> bytes:
        """Bring the hand to its fail state at once, whatever request is under way.

        It is made in every period and written when the commanding process is gone. Does not change the state of the
        codec.

        Args:
            position: Joint angles, rad, shape (n_joints,); None: limp.

        Returns:
            The bytes to write.
        """
        ...

    def parse(self, data: bytes) -> list[HandState]:
        """Read what the hand sent.

        Args:
            data: Bytes from the hand, cut anywhere. Damaged and foreign frames are counted in `counts` and dropped.

        Returns:
            The states that `data` completes, oldest first.
        """
        ...

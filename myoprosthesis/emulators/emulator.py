"""Protocol of emulated hands: bytes in, replies out, with the caller's clock."""

from __future__ import annotations

from typing import Protocol

from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands.hand_spec import HandSpec


class Emulator(Protocol):
    """An emulated hand, constructed from its data sheet: bytes in, replies out.

    Attributes:
        spec: Data sheet.
        motors: Motors behind the protocol: targets, positions, currents, and what tests impose on them.
        watchdog_events: How often the hand stopped by itself for want of a command.
        refused: Frames that were dropped or answered with an error.
    """

    spec: HandSpec
    motors: MotorModel
    watchdog_events: int
    refused: int

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Obey the frames that `data` completes.

        Args:
            data: Bytes from the driver, cut anywhere.
            now: Time of a monotonic clock, s.

        Returns:
            The replies, oldest first.
        """
        ...

    def advance(self, now: float) -> None:
        """Advance motors and watchdog.

        Args:
            now: Time of a monotonic clock, s, not before that of the last call.
        """
        ...

    def foreign(self, on: bool) -> None:
        """Answer as another hand on the bus would.

        Args:
            on: True: under another address; False: under the right one again.
        """
        ...

"""What an emulated hand is: bytes in, replies out, with the caller's clock."""

from __future__ import annotations

from typing import Protocol

from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands.hand_spec import HandSpec


class Emulator(Protocol):
    """Made from a data sheet; `watchdog_events` counts how often it stopped by itself, `refused` frames it dropped."""

    sheet: HandSpec
    fingers: MotorModel
    watchdog_events: int
    refused: int

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies, in order, to what `data` completes at `now` (s)."""
        ...

    def advance(self, now: float) -> None:
        """Let time pass."""
        ...

    def foreign(self, on: bool) -> None:
        """Be another hand on the same bus, or the right one again."""
        ...

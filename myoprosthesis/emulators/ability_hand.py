"""An Ability Hand that is not there: answers frames as the ICD says, and leaves API mode after 300 ms of silence."""

from __future__ import annotations

import struct

import numpy as np

from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands import ability_hand as codec
from myoprosthesis.hands.hand_spec import HandSpec

HOT = 70.0
"""°C above which a motor is limited."""


class AbilityHandEmulator:
    """Implements `Emulator`."""

    def __init__(self, sheet: HandSpec) -> None:
        self.sheet, self.address = sheet, sheet.address
        self.fingers = MotorModel(
            sheet.column("low"), sheet.column("high"), sheet.column("speed"), sheet.column("open")
        )
        self.api = False
        self.watchdog_events = 0
        self.refused = 0
        self._heard = -np.inf
        self._frames = codec.Deframer()

    def foreign(self, on: bool) -> None:
        """Answer to another address, as if another hand were on the bus."""
        self.address = (self.sheet.address + on) & 0xFF

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies to the frames that `data` completes at `now` (s)."""
        self.advance(now)
        replies = []
        for frame in self._frames.feed(data):
            if sum(frame) & 0xFF or len(frame) < 3 or frame[0] != self.address:
                self.refused += 1
                continue
            replies += self._obey(frame[1], frame[2:-1], now)
        return replies

    def advance(self, now: float) -> None:
        """Let time pass."""
        if self.api and now - self._heard > self.sheet.watchdog_s:
            self.watchdog_events += 1
            self._leave()
        self.fingers.advance(now)

    def _leave(self) -> None:
        self.api, self.fingers.drive, self.fingers.target = False, None, self.fingers.position.copy()

    def _obey(self, header: int, payload: bytes, now: float) -> list[bytes]:
        mode, variant = header & 0xF0, header & 0x0F
        if header == codec.LEAVE:
            self._leave()
            return []
        if variant not in codec.LENGTHS or (mode != codec.READ_ONLY and len(payload) != 12):
            self.refused += 1
            return []
        self._heard = now
        hand = self.fingers
        if mode != codec.READ_ONLY:
            values = np.array(struct.unpack("<6h", payload), float)
            self.api, hand.drive = True, None
            if mode == codec.POSITION:
                hand.target = values / codec.PER_RAD
            elif mode == codec.VELOCITY:
                hand.drive = np.radians(values * 3000 / 32767)
            else:
                full = 3546.0 if mode == codec.DUTY else codec.PER_AMPERE
                hand.drive = values / full * self.sheet.column("speed")
        return [self._reply(header)]

    def _reply(self, header: int) -> bytes:
        hand, variant = self.fingers, header & 0x0F
        position, current = _int16(hand.position * codec.PER_RAD), _int16(hand.current * codec.PER_AMPERE)
        rotor = _int16(hand.velocity * codec.GEAR * codec.PER_ROTOR_RAD_S)
        second = rotor if variant == 1 else current
        body = bytes([header]) + np.stack([position, second], 1).tobytes()
        body += rotor.tobytes() if variant == 2 else self._touch()
        body += bytes([int(sum(1 << k for k in np.flatnonzero(hand.hottest > HOT)))])
        return codec.stuff(body + bytes([codec.checksum(body)]))

    def _touch(self) -> bytes:
        """Six sites on each of five fingers; the last, at the tip, feels the force. 12 bits, low nibble first."""
        readings = np.zeros((5, 6), int)
        readings[:, 5] = np.clip(self.fingers.force[:5] * 150, 0, 4095)
        out = bytearray()
        for a, b in readings.reshape(-1, 2):
            out += bytes([a & 0xFF, a >> 8 | (b & 0x0F) << 4, b >> 4])
        return bytes(out)


def _int16(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), -32768, 32767).astype("<i2")

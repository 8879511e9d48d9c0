"""Emulated Ability Hand: answers frames as in the ICD and exits API mode after 300 ms without one."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands import ability_hand as codec
from myoprosthesis.hands.hand_spec import HandSpec

HOT = 70.0
"""°C above which a motor is limited."""


class AbilityHandEmulator:
    """Emulator of the Ability Hand (`Emulator`)."""

    def __init__(self, spec: HandSpec) -> None:
        self.spec, self.address = spec, spec.address
        self.motors = MotorModel(spec.column("low"), spec.column("high"), spec.column("speed"), spec.column("open"))
        self.api = False
        self.watchdog_events = 0
        self.refused = 0
        self._last_frame_s = -np.inf
        self._frames = codec.Deframer()

    def foreign(self, on: bool) -> None:
        """Use another address, as if another hand were on the bus."""
        self.address = (self.spec.address + on) & 0xFF

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies to the frames that `data` completes at `now` (s)."""
        self.advance(now)
        replies = []
        for frame in self._frames.parse(data):
            if sum(frame) & 0xFF or len(frame) < 3 or frame[0] != self.address:
                self.refused += 1
                continue
            replies += self._obey(frame[1], frame[2:-1], now)
        return replies

    def advance(self, now: float) -> None:
        """Advance the motors and the watchdog to `now` (s)."""
        if self.api and now - self._last_frame_s > self.spec.watchdog_s:
            self.watchdog_events += 1
            self._exit_api()
        self.motors.advance(now)

    def _exit_api(self) -> None:
        self.api, self.motors.drive, self.motors.target = False, None, self.motors.position.copy()

    def _obey(self, header: int, payload: bytes, now: float) -> list[bytes]:
        mode, variant = header & 0xF0, header & 0x0F
        if header == codec.EXIT_API:
            self._exit_api()
            return []
        if variant not in codec.LENGTHS or (mode != codec.READ_ONLY and len(payload) != 12):
            self.refused += 1
            return []
        self._last_frame_s = now
        motors = self.motors
        if mode != codec.READ_ONLY:
            values = np.array(struct.unpack("<6h", payload), float)
            self.api, motors.drive = True, None
            if mode == codec.POSITION:
                motors.target = values / codec.PER_RAD
            elif mode == codec.VELOCITY:
                motors.drive = np.radians(values * 3000 / 32767)
            else:
                full = 3546.0 if mode == codec.DUTY else codec.PER_AMPERE
                motors.drive = values / full * self.spec.column("speed")
        return [self._reply(header)]

    def _reply(self, header: int) -> bytes:
        motors, variant = self.motors, header & 0x0F
        position, current = _int16(motors.position * codec.PER_RAD), _int16(motors.current * codec.PER_AMPERE)
        rotor = _int16(motors.velocity * codec.GEAR * codec.PER_ROTOR_RAD_S)
        second = rotor if variant == 1 else current
        body = bytes([header]) + np.stack([position, second], 1).tobytes()
        body += rotor.tobytes() if variant == 2 else self._touch()
        body += bytes([int(sum(1 << k for k in np.flatnonzero(motors.hottest > HOT)))])
        return codec.stuff(body + bytes([codec.checksum(body)]))

    def _touch(self) -> bytes:
        """Six sites on each of five fingers; the last, at the tip, feels the force. 12 bits, low nibble first."""
        readings = np.zeros((5, 6), int)
        readings[:, 5] = np.clip(self.motors.force[:5] * 150, 0, 4095)
        out = bytearray()
        for a, b in readings.reshape(-1, 2):
            out += bytes([a & 0xFF, a >> 8 | (b & 0x0F) << 4, b >> 4])
        return bytes(out)


def _int16(values: NDArray[np.floating]) -> NDArray[np.int16]:
    out: NDArray[np.int16] = np.clip(np.rint(values), -32768, 32767).astype("<i2")
    return out

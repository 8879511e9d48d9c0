"""Emulated Inspire RH56: a table of registers behind the maker's own frames. It keeps its last target."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emulators.motor_model import NEWTON_PER_AMPERE, MotorModel
from myoprosthesis.hands import inspire_rh56 as codec
from myoprosthesis.hands.hand_spec import HandSpec

Array = NDArray[np.float64]

BASE, END = 1000, 1700
"""Addresses of the first register and after the last."""
STATUS, TEMPERATURE, CURRENT, ERROR = 1612, 1618, 1594, 1606
TOO_HOT, OVERLOADED = 2, 4
"""Of the ERROR register."""
HOT = 70.0
"""°C above which the hand reports an error and stops the joint."""


class InspireRh56Emulator:
    """Emulator of the Inspire RH56 (`Emulator`)."""

    def __init__(self, spec: HandSpec) -> None:
        self.spec, self.address = spec, spec.address
        self.watchdog_events = 0
        self.refused = 0
        self.motors = MotorModel(spec.column("low"), spec.column("high"), spec.column("speed"), spec.column("open"))
        self._closed, self._travel = spec.column("closed"), spec.column("closed") - spec.column("open")
        self._memory = bytearray(END - BASE)
        self._put(codec.ANGLE_SET, np.full(6, 1000))
        self._put(codec.SPEED_SET, np.full(6, 1000))
        self._put(codec.FORCE_SET, np.full(6, 500))
        self._bytes = bytearray()
        self._latched = np.zeros(6, bool)

    def foreign(self, on: bool) -> None:
        """Answer every request under another id."""
        self.address = (self.spec.address + on) & 0xFF

    def latch(self, joint: int) -> None:
        """Stop the motor of a joint, which reports an error until CLEAR_ERROR."""
        self._latched[joint] = self.motors.stuck[joint] = True

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies to the requests that `data` completes at `now` (s)."""
        self.advance(now)
        self._bytes += data
        replies = []
        while (body := self._next_frame()) is not None:
            replies += self._obey(body)
        return replies

    def advance(self, now: float) -> None:
        """Advance the motors to `now` (s)."""
        limit = self._get(codec.FORCE_SET) * codec.NEWTON_PER_GRAM
        self.motors.largest = limit / NEWTON_PER_AMPERE
        self.motors.advance(now)

    def _next_frame(self) -> bytes | None:
        while True:
            at = self._bytes.find(codec.TO_HAND)
            if at < 0:
                del self._bytes[: max(0, len(self._bytes) - 1)]
                return None
            del self._bytes[:at]
            if len(self._bytes) < 4 or len(self._bytes) < 5 + self._bytes[3]:
                return None
            n = self._bytes[3]
            body, checksum = bytes(self._bytes[2 : 4 + n]), self._bytes[4 + n]
            if n < 4 or sum(body) & 0xFF != checksum or body[0] not in (self.address, self.spec.address):
                self.refused += 1
                del self._bytes[:1]
                continue
            del self._bytes[: 5 + n]
            return body

    def _obey(self, body: bytes) -> list[bytes]:
        command, (register,) = body[2], struct.unpack_from("<H", body, 3)
        data = body[5:]
        n = data[0] if command == codec.READ else len(data)
        if not BASE <= register <= END - n or command not in (codec.READ, codec.WRITE):
            self.refused += 1
            return []
        if command == codec.READ:
            self._refresh()
            answer = bytes(self._memory[register - BASE : register - BASE + n])
        elif register + n > codec.ANGLE_ACT:
            answer = b"\x00"  # readings cannot be written
        else:
            self._memory[register - BASE : register - BASE + n] = data
            if register == codec.ANGLE_SET:
                self._aim()
            elif register == codec.CLEAR_ERROR and data[0] == 1:
                self.motors.stuck[self._latched] = False
                self._latched[:] = False
            answer = b"\x01"
        return [codec.frame(codec.FROM_HAND, self.address, command, register, answer)]

    def _aim(self) -> None:
        """-1 leaves a joint as it is; what is out of range is not obeyed."""
        registers = self._get(codec.ANGLE_SET)
        target = self._closed - self._travel * registers / codec.OPEN
        valid = (registers >= 0) & (registers <= codec.OPEN)
        self.motors.target = np.where(valid, target, self.motors.target)

    def _refresh(self) -> None:
        motors = self.motors
        hot = motors.hottest > HOT
        self._put(codec.ANGLE_ACT, (self._closed - motors.position) / self._travel * codec.OPEN)
        self._put(codec.FORCE_ACT, motors.force / codec.NEWTON_PER_GRAM)
        self._put(CURRENT, np.abs(motors.current) * 1000)
        status = np.where(hot, 7, np.where(np.abs(motors.velocity) > 0.02, np.where(motors.velocity > 0, 1, 0), 2))
        error = hot * TOO_HOT + self._latched * OVERLOADED
        for register, values in ((ERROR, error), (STATUS, status), (TEMPERATURE, np.rint(motors.hottest))):
            self._memory[register - BASE : register - BASE + 6] = bytes(values.astype(np.uint8))

    def _put(self, register: int, values: Array) -> None:
        self._memory[register - BASE : register - BASE + 12] = np.rint(values).astype("<i2").tobytes()

    def _get(self, register: int) -> Array:
        return np.array(struct.unpack_from("<6h", self._memory, register - BASE), float)

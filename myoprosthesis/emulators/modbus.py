"""Emulated hand on a Modbus: the register map of its data sheet over a motor model."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.crc import crc16_modbus
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands import modbus as codec
from myoprosthesis.hands.hand_spec import HandSpec
from myoprosthesis.hands.registers import RegisterReading

Array = NDArray[np.float64]

NO_FUNCTION, NO_ADDRESS, NO_VALUE = 1, 2, 3
"""Error codes of a refusal."""
HOT = 70.0
"""°C above which a hand reports an error, if it can."""
OVERLOADED = 4.0
"""Status of a joint that draws too much current."""
MOST = 125
"""Registers in one request."""
LENGTHS = {codec.READ: 8, codec.WRITE_ONE: 8}


class ModbusHandEmulator:
    """Emulator of a hand on a Modbus (`Emulator`). It has no watchdog and keeps its last target."""

    def __init__(self, spec: HandSpec) -> None:
        if spec.registers is None:
            raise ConfigError(f"{spec.name}: a hand on a Modbus needs `registers` in its data sheet")
        self.spec, self.address, self._table = spec, spec.address, spec.registers
        self.watchdog_events = self.refused = 0
        self.motors = MotorModel(spec.column("low"), spec.column("high"), spec.column("speed"), spec.column("open"))
        self._raw_open, self._open = spec.column("raw_open"), spec.column("open")
        self._per_rad = (spec.column("raw_closed") - self._raw_open) / (spec.column("closed") - self._open)
        n = len(spec.joints)
        self._written = {self._table.target + k: int(raw) for k, raw in enumerate(self._raw_open)}
        self._written |= {s.at + k: v for s in self._table.settings for k, v in enumerate(s.values)}
        self._n = n
        self._bytes = bytearray()
        self._transaction = 0
        self._latched = np.zeros(n, bool)

    def foreign(self, on: bool) -> None:
        """Answer every request under another id."""
        self.address = self.spec.address + on

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies to the requests that `data` completes at `now` (s)."""
        self.advance(now)
        self._bytes += data
        replies = []
        while (body := self._next_request()) is not None:
            function, answer = self._obey(body[1], body[2:])
            if self.spec.framing == "tcp":
                replies.append(codec.tcp_frame(self._transaction, self.address, function, answer))
            else:
                replies.append(codec.frame(self.address, function, answer))
        return replies

    def latch(self, joint: int) -> None:
        """Stop the motor of a joint, which reports an error until that is cleared."""
        self._latched[joint] = True
        self.motors.stuck[joint] = True

    def advance(self, now: float) -> None:
        """Advance the motors to `now` (s)."""
        self.motors.advance(now)

    def _next_request(self) -> bytes | None:
        """The body of the next valid request to this hand; None when more bytes are needed."""
        return self._next_tcp() if self.spec.framing == "tcp" else self._next_rtu()

    def _next_tcp(self) -> bytes | None:
        buffer = self._bytes
        while len(buffer) >= codec.TCP_HEAD.size:
            n = codec.tcp_length(buffer)
            if n > len(buffer):
                return None
            if n >= 12 and buffer[codec.TCP_HEAD.size] == self.spec.address:
                self._transaction, body = buffer[0] << 8 | buffer[1], bytes(buffer[codec.TCP_HEAD.size : n])
                del buffer[:n]
                return body
            self.refused += 1
            del buffer[: n or 1]
        return None

    def _next_rtu(self) -> bytes | None:
        buffer = self._bytes
        while len(buffer) >= 8:
            n = LENGTHS.get(buffer[1], 9 + buffer[6] if buffer[1] == codec.WRITE else 8)
            if buffer[0] == self.spec.address:
                if len(buffer) < n:
                    return None
                if crc16_modbus(buffer[: n - 2]) == buffer[n - 2] | buffer[n - 1] << 8:
                    body = bytes(buffer[: n - 2])
                    del buffer[:n]
                    return body
                self.refused += 1
            del buffer[:1]
        return None

    def _obey(self, function: int, data: bytes) -> tuple[int, bytes]:
        register, second = struct.unpack_from(">HH", data)
        if function == codec.READ:
            if not 1 <= second <= MOST:
                return self._refuse(function, NO_VALUE)
            registers = self._register_values()
            if any(register + k not in registers for k in range(second)):
                return self._refuse(function, NO_ADDRESS)
            words = [registers[register + k] & 0xFFFF for k in range(second)]
            return function, bytes([2 * second]) + struct.pack(f">{second}H", *words)
        if function not in (codec.WRITE, codec.WRITE_ONE):
            return self._refuse(function, NO_FUNCTION)
        words = [second] if function == codec.WRITE_ONE else list(struct.unpack(f">{len(data) // 2 - 2}H", data[5:]))
        clear = self._table.clear
        if clear is not None and register == clear.at and tuple(words) == clear.values:
            self.motors.stuck[self._latched] = False
            self._latched[:] = False
            return function, data[:4]
        if any(register + k not in self._written for k in range(len(words))):
            return self._refuse(function, NO_ADDRESS)
        for k, word in enumerate(words):
            self._written[register + k] = word - 0x10000 if word >= 0x8000 else word
        raw = np.array([self._written[self._table.target + k] for k in range(self._n)], float)
        self.motors.target = self._open + (raw - self._raw_open) / self._per_rad
        return function, data[:4]

    def _refuse(self, function: int, code: int) -> tuple[int, bytes]:
        self.refused += 1
        return function | codec.REFUSED, bytes([code])

    def _register_values(self) -> dict[int, int]:
        registers = dict(self._written)
        for reading in self._table.readings:
            values = np.zeros(2 * reading.words if reading.packed else reading.words)
            values[: self._n] = np.rint(self._values(reading))
            if reading.packed:
                values = values[0::2] + 256 * values[1::2]
            registers |= {reading.at + k: round(float(v)) for k, v in enumerate(values)}
        return registers

    def _values(self, reading: RegisterReading) -> Array:
        motors = self.motors
        if reading.what == "angle":
            return self._raw_open + (motors.position - self._open) * self._per_rad
        if reading.what == "status":
            hot = [int(bit) for bit, text in reading.bits.items() if text == "is too hot"]
            if not hot:
                return np.full(self._n, 2.0)
            return np.where(motors.hottest > HOT, float(1 << hot[0]), 0.0) + OVERLOADED * self._latched
        values = {"force": motors.force, "current": np.abs(motors.current), "temperature": motors.hottest}[reading.what]
        scaled: Array = values / reading.scale
        return scaled

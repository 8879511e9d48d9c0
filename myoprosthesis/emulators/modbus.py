"""A hand on a Modbus that is not there: the table of registers of its data sheet, over fingers that move."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.crc import crc16_modbus
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands import modbus as codec
from myoprosthesis.hands.hand_spec import HandSpec, RegisterReading

Array = NDArray[np.float64]

NO_FUNCTION, NO_ADDRESS, NO_VALUE = 1, 2, 3
"""Error codes of a refusal."""
HOT = 70.0
"""°C above which a hand that can tell it reports an error."""
OVERLOADED = 4.0
"""What a joint says that draws too much current."""
MOST = 125
"""Registers in one request."""
LENGTHS = {codec.READ: 8, codec.WRITE_ONE: 8}


class ModbusHandEmulator:
    """Implements `Emulator`. It has no watchdog: it keeps its last target."""

    def __init__(self, sheet: HandSpec) -> None:
        if sheet.registers is None:
            raise ConfigError(f"{sheet.name}: a hand on a Modbus needs `registers` in its data sheet")
        self.sheet, self.address, self._table = sheet, sheet.address, sheet.registers
        self.watchdog_events = self.refused = 0
        self.fingers = MotorModel(
            sheet.column("low"), sheet.column("high"), sheet.column("speed"), sheet.column("open")
        )
        self._raw_open, self._open = sheet.column("raw_open"), sheet.column("open")
        self._per_rad = (sheet.column("raw_closed") - self._raw_open) / (sheet.column("closed") - self._open)
        n = len(sheet.joints)
        self._written = {self._table.target + k: int(raw) for k, raw in enumerate(self._raw_open)}
        self._written |= {s.at + k: v for s in self._table.settings for k, v in enumerate(s.values)}
        self._n = n
        self._bytes = bytearray()
        self._transaction = 0
        self._latched = np.zeros(n, bool)

    def foreign(self, on: bool) -> None:
        """Answer whatever is asked under another id."""
        self.address = self.sheet.address + on

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies to the requests that `data` completes at `now` (s)."""
        self.advance(now)
        self._bytes += data
        replies = []
        while (body := self._cut()) is not None:
            function, answer = self._obey(body[1], body[2:])
            if self.sheet.framing == "tcp":
                replies.append(codec.tcp_frame(self._transaction, self.address, function, answer))
            else:
                replies.append(codec.frame(self.address, function, answer))
        return replies

    def latch(self, joint: int) -> None:
        """The motor of a joint stops, and says so until that is cleared."""
        self._latched[joint] = True
        self.fingers.stuck[joint] = True

    def advance(self, now: float) -> None:
        """Let time pass."""
        self.fingers.advance(now)

    def _cut(self) -> bytes | None:
        """The body of the next sound request to this hand; None when more bytes are needed."""
        return self._cut_tcp() if self.sheet.framing == "tcp" else self._cut_rtu()

    def _cut_tcp(self) -> bytes | None:
        held = self._bytes
        while len(held) >= codec.TCP_HEAD.size:
            n = codec.tcp_length(held)
            if n > len(held):
                return None
            if n >= 12 and held[codec.TCP_HEAD.size] == self.sheet.address:
                self._transaction, body = held[0] << 8 | held[1], bytes(held[codec.TCP_HEAD.size : n])
                del held[:n]
                return body
            self.refused += 1
            del held[: n or 1]
        return None

    def _cut_rtu(self) -> bytes | None:
        held = self._bytes
        while len(held) >= 8:
            n = LENGTHS.get(held[1], 9 + held[6] if held[1] == codec.WRITE else 8)
            if held[0] == self.sheet.address:
                if len(held) < n:
                    return None
                if crc16_modbus(held[: n - 2]) == held[n - 2] | held[n - 1] << 8:
                    body = bytes(held[: n - 2])
                    del held[:n]
                    return body
                self.refused += 1
            del held[:1]
        return None

    def _obey(self, function: int, data: bytes) -> tuple[int, bytes]:
        register, second = struct.unpack_from(">HH", data)
        if function == codec.READ:
            if not 1 <= second <= MOST:
                return self._refuse(function, NO_VALUE)
            held = self._held()
            if any(register + k not in held for k in range(second)):
                return self._refuse(function, NO_ADDRESS)
            words = [held[register + k] & 0xFFFF for k in range(second)]
            return function, bytes([2 * second]) + struct.pack(f">{second}H", *words)
        if function not in (codec.WRITE, codec.WRITE_ONE):
            return self._refuse(function, NO_FUNCTION)
        words = [second] if function == codec.WRITE_ONE else list(struct.unpack(f">{len(data) // 2 - 2}H", data[5:]))
        clear = self._table.clear
        if clear is not None and register == clear.at and tuple(words) == clear.values:
            self.fingers.stuck[self._latched] = False
            self._latched[:] = False
            return function, data[:4]
        if any(register + k not in self._written for k in range(len(words))):
            return self._refuse(function, NO_ADDRESS)
        for k, word in enumerate(words):
            self._written[register + k] = word - 0x10000 if word >= 0x8000 else word
        raw = np.array([self._written[self._table.target + k] for k in range(self._n)], float)
        self.fingers.target = self._open + (raw - self._raw_open) / self._per_rad
        return function, data[:4]

    def _refuse(self, function: int, code: int) -> tuple[int, bytes]:
        self.refused += 1
        return function | codec.REFUSED, bytes([code])

    def _held(self) -> dict[int, int]:
        held = dict(self._written)
        for reading in self._table.readings:
            values = np.zeros(2 * reading.words if reading.packed else reading.words)
            values[: self._n] = np.rint(self._values(reading))
            if reading.packed:
                values = values[0::2] + 256 * values[1::2]
            held |= {reading.at + k: round(float(v)) for k, v in enumerate(values)}
        return held

    def _values(self, reading: RegisterReading) -> Array:
        hand = self.fingers
        if reading.what == "angle":
            return self._raw_open + (hand.position - self._open) * self._per_rad
        if reading.what == "status":
            hot = [int(bit) for bit, text in reading.bits.items() if text == "is too hot"]
            if not hot:
                return np.full(self._n, 2.0)
            return np.where(hand.hottest > HOT, float(1 << hot[0]), 0.0) + OVERLOADED * self._latched
        values = {"force": hand.force, "current": np.abs(hand.current), "temperature": hand.hottest}[reading.what]
        return values / reading.scale

"""Any hand on a Modbus RTU whose data sheet has a table of registers.

Frame: `id | function | data | CRC LE`, registers high byte first. A reply bears neither its length nor, to a reading,
an address: it is cut by function and count, checked by its CRC, and told from others by its number of words. Silence
between frames, which the standard asks for, is there because one request is under way at a time. Source: Modbus
Application Protocol V1.1b3 and Modbus over Serial Line V1.02 (modbus.org).
"""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.hands.protocol import HandState
from myoprosthesis.hands.sheet import HandSheet, Reading
from myoprosthesis.hands.turns import Turns

Array = NDArray[np.float64]

READ, WRITE_ONE, WRITE = 0x03, 0x06, 0x10
REFUSED = 0x80
"""Added to the function of a reply that is an error code."""


def _table() -> tuple[int, ...]:
    values = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        values.append(value)
    return tuple(values)


_CRC = _table()


def crc(data: bytes | bytearray) -> int:
    """CRC-16/MODBUS: x¹⁶ + x¹⁵ + x² + 1, lowest bit first, from 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value


def frame(id_: int, function: int, data: bytes) -> bytes:
    """A whole frame, either way."""
    body = bytes([id_, function]) + data
    return body + crc(body).to_bytes(2, "little")


def write(id_: int, register: int, values: Array) -> bytes:
    """Set registers from `register` on, from −32768 or to 65535."""
    words = (np.rint(values).astype(int) & 0xFFFF).astype(">u2").tobytes()
    return frame(id_, WRITE, struct.pack(">HHB", register, len(words) // 2, len(words)) + words)


class ModbusHand:
    """Implements `HandProtocol`. Of the calls of `command`, every third one writes the targets, every third reads the
    angles; of the rest every second one reads what the hand says is wrong, the others the other readings in turn."""

    def __init__(self, sheet: HandSheet) -> None:
        table = sheet.registers
        if table is None:
            raise ConfigError(f"{sheet.name}: a hand on a Modbus needs `registers` in its data sheet")
        self.sheet, self._table = sheet, table
        self.counts: Counter[str] = Counter()
        self._raw_open, raw_closed = sheet.column("raw_open"), sheet.column("raw_closed")
        self._open = sheet.column("open")
        self._per_rad = (raw_closed - self._raw_open) / (sheet.column("closed") - self._open)
        if not (np.isfinite(self._per_rad) & (self._per_rad != 0)).all():
            raise ConfigError(f"{sheet.name}: every joint needs a raw_open and a raw_closed that differ")
        self._by_words = {r.words: r for r in table.readings}
        asked = {r.what: frame(sheet.address, READ, struct.pack(">HH", r.at, r.words)) for r in table.readings}
        self._angles = asked.pop("angle")
        status = asked.pop("status", None)
        others = list(asked.values()) or [self._angles]
        self._others = others if status is None else [x for other in others for x in (status, other)]
        self._turns = Turns()
        self._bytes = bytearray()
        self._told: dict[str, Array] = {}
        self._trouble: tuple[str, ...] = ()

    def wake(self) -> bytes:
        """The settings of the table, each when its turn comes."""
        self._turns.begin(*(write(self.sheet.address, s.at, np.array(s.values, float)) for s in self._table.settings))
        return b""

    def command(self, position: Array) -> bytes:
        """Targets, or the next reading, or nothing while a reply is awaited."""
        targets = self.will(position)
        return self._turns.next([x for other in self._others for x in (targets, self._angles, other)])

    def query(self) -> bytes:
        """The next reading, or nothing while a reply is awaited."""
        return self._turns.next([x for other in self._others for x in (self._angles, other)])

    def relax(self) -> bytes:
        """These hands are not known to go limp: they are told to be where they are, so that they press no further."""
        return self.command(self._told["angle"]) if "angle" in self._told else self.query()

    def leave(self) -> bytes:
        """The same: the hand keeps its last target."""
        return self.will(None)

    def will(self, position: Array | None) -> bytes:
        """Targets; limp: where it is. They may meet a reply on the bus, and are to be written again."""
        position = position if position is not None else self._told.get("angle")
        if position is None:
            return b""
        return write(self.sheet.address, self._table.target, self._raw_open + (position - self._open) * self._per_rad)

    def feed(self, data: bytes) -> list[HandState]:
        """A state for every reading, with what the readings before said of the rest."""
        self._bytes += data
        states = []
        while (body := self._cut()) is not None:
            self._turns.answered()
            if body[1] & REFUSED:
                self.counts["refused"] += 1
                continue
            self.counts["frames"] += 1
            if body[1] == READ:
                self._learn(self._by_words[body[2] // 2], bytes(body[3:]))
                if "angle" in self._told:
                    states.append(self._state())
        return states

    def _cut(self) -> bytes | None:
        """The next sound frame of this hand without its CRC; None when more bytes are needed."""
        held = self._bytes
        while len(held) >= 5:
            length = self._length()
            if length > len(held):
                return None
            if length and crc(held[: length - 2]) == held[length - 2] | held[length - 1] << 8:
                body = bytes(held[: length - 2])
                del held[:length]
                if body[0] == self.sheet.address:
                    return body
                self.counts["foreign"] += 1
                continue
            if length and held[0] == self.sheet.address:
                self.counts["damaged"] += 1
            del held[:1]
        return None

    def _length(self) -> int:
        """Bytes of the reply that may begin here; 0: none does."""
        function, third = self._bytes[1], self._bytes[2]
        if function == READ:
            return 5 + third if third % 2 == 0 and third // 2 in self._by_words else 0
        if function in (WRITE_ONE, WRITE):
            known = (self._table.target, *(s.at for s in self._table.settings))
            return 8 if third << 8 | self._bytes[3] in known else 0
        return 5 if function & ~REFUSED in (READ, WRITE_ONE, WRITE) and 1 <= third <= 11 else 0

    def _learn(self, reading: Reading, data: bytes) -> None:
        n = len(self.sheet.joints)
        if reading.packed:
            values = np.frombuffer(data, ">u2").astype("<u2").view(np.uint8)[:n].astype(float)
        else:
            values = np.frombuffer(data, ">i2")[:n].astype(float)
        if reading.what == "angle":
            self._told["angle"] = self._open + (values - self._raw_open) / self._per_rad
        elif reading.what == "status":
            self._trouble = tuple(
                f"{name} {text}"
                for name, value in zip(self.sheet.names, values.astype(int), strict=True)
                for text in _words(reading, int(value))
            )
        else:
            self._told[reading.what] = values * reading.scale

    def _state(self) -> HandState:
        t = self._told
        return HandState(
            t["angle"],
            current=t.get("current"),
            force=t.get("force"),
            temperature=t.get("temperature"),
            trouble=self._trouble,
        )


def _words(reading: Reading, value: int) -> list[str]:
    said = [text for bit, text in reading.bits.items() if value >> int(bit) & 1]
    return said + [text for code, text in reading.codes.items() if value == int(code)]

"""Any hand on a Modbus, RTU or TCP, whose data sheet has a table of registers.

Body: `id | function | data`, registers high byte first. RTU puts `CRC LE` behind it. A reply bears neither its length
nor, to a reading, an address: it is cut by function and count, checked by its CRC, and told from others by its number
of words. Silence between frames, which the standard asks for, is there because one request is under way at a time. TCP
puts `transaction | 0 | length` before the body, and the reply bears the transaction of its request: here the register
that is asked for. Source: Modbus Application Protocol V1.1b3, Modbus over Serial Line V1.02 and Modbus Messaging on
TCP/IP V1.0b (modbus.org).
"""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import finite
from myoprosthesis.core.crc import crc16_modbus
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.hands.hand_spec import HandSpec, RegisterReading
from myoprosthesis.hands.protocol import HandState
from myoprosthesis.hands.request_queue import RequestQueue

Array = NDArray[np.float64]

READ, WRITE_ONE, WRITE = 0x03, 0x06, 0x10
TCP_HEAD = struct.Struct(">HHH")
LONGEST = 254
"""Bytes of a body."""
REFUSED = 0x80
"""Added to the function of a reply that is an error code."""


def frame(id_: int, function: int, data: bytes) -> bytes:
    """A whole frame of Modbus RTU, either way."""
    body = bytes([id_, function]) + data
    return body + crc16_modbus(body).to_bytes(2, "little")


def tcp_frame(transaction: int, id_: int, function: int, data: bytes) -> bytes:
    """A whole frame of Modbus TCP, either way."""
    return TCP_HEAD.pack(transaction, 0, 2 + len(data)) + bytes([id_, function]) + data


def tcp_length(held: bytes | bytearray) -> int:
    """Bytes of the TCP frame that begins there, of which there are at least `TCP_HEAD.size`; 0: none does."""
    _, protocol, rest = TCP_HEAD.unpack_from(held)
    return TCP_HEAD.size + rest if protocol == 0 and 3 <= rest <= LONGEST else 0


def written(register: int, values: Array) -> bytes:
    """Data of a request to set registers from `register` on, from −32768 or to 65535."""
    words = (np.rint(finite(values)).astype(int) & 0xFFFF).astype(">u2").tobytes()
    return struct.pack(">HHB", register, len(words) // 2, len(words)) + words


def write(id_: int, register: int, values: Array) -> bytes:
    """The same request as a whole frame of Modbus RTU."""
    return frame(id_, WRITE, written(register, values))


class ModbusHand:
    """Implements `HandProtocol` and `Rebootable`. Of the calls of `command`, every third one writes the targets, every
    third reads the angles; of the rest every second one reads what is wrong, the others the other readings in turn."""

    def __init__(self, sheet: HandSpec) -> None:
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
        self._by_address = {r.at: r for r in table.readings}
        asked = {r.what: self._frame(READ, struct.pack(">HH", r.at, r.words)) for r in table.readings}
        self._angles = asked.pop("angle")
        status = asked.pop("status", None)
        others = list(asked.values()) or [self._angles]
        self._others = others if status is None else [x for other in others for x in (status, other)]
        self._turns = RequestQueue()
        self._bytes = bytearray()
        self._told: dict[str, Array] = {}
        self._trouble: tuple[str, ...] = ()

    def wake(self) -> bytes:
        """The settings of the table, each when its turn comes."""
        self._turns.begin(*(self._frame(WRITE, written(s.at, np.array(s.values, float))) for s in self._table.settings))
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

    def reboot(self) -> bytes:
        """What the table says under `clear`, when its turn comes."""
        clear = self._table.clear
        if clear is None:
            raise ConfigError(f"{self.sheet.title}: its data sheet names no register that clears a fault (clear)")
        self._turns.begin(self._frame(WRITE, written(clear.at, np.array(clear.values, float))))
        return b""

    def leave(self) -> bytes:
        """The same: the hand keeps its last target."""
        return self.will(None)

    def will(self, position: Array | None) -> bytes:
        """Targets; limp: where it is. They may meet a reply on the bus, and are to be written again."""
        position = position if position is not None else self._told.get("angle")
        if position is None:
            return b""
        return self._frame(WRITE, written(self._table.target, self._raw_open + (position - self._open) * self._per_rad))

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

    def _frame(self, function: int, data: bytes) -> bytes:
        """A request whose data begin with a register."""
        if self.sheet.framing == "tcp":
            return tcp_frame(data[0] << 8 | data[1], self.sheet.address, function, data)
        return frame(self.sheet.address, function, data)

    def _cut(self) -> bytes | None:
        """The body of the next sound frame of this hand; None when more bytes are needed."""
        return self._cut_tcp() if self.sheet.framing == "tcp" else self._cut_rtu()

    def _cut_tcp(self) -> bytes | None:
        held = self._bytes
        while len(held) >= TCP_HEAD.size:
            n = tcp_length(held)
            if n > len(held):
                return None
            if not n:
                self.counts["damaged"] += 1
                del held[:1]
                continue
            register, body = held[0] << 8 | held[1], bytes(held[TCP_HEAD.size : n])
            del held[:n]
            reading = self._by_address.get(register)
            if body[0] != self.sheet.address:
                self.counts["foreign"] += 1
            elif body[1] == READ and (reading is None or body[2] != 2 * reading.words or len(body) != 3 + body[2]):
                self.counts["damaged"] += 1
            else:
                return body
        return None

    def _cut_rtu(self) -> bytes | None:
        held = self._bytes
        while len(held) >= 5:
            length = self._length()
            if length > len(held):
                return None
            if length and crc16_modbus(held[: length - 2]) == held[length - 2] | held[length - 1] << 8:
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

    def _learn(self, reading: RegisterReading, data: bytes) -> None:
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


def _words(reading: RegisterReading, value: int) -> list[str]:
    said = [text for bit, text in reading.bits.items() if value >> int(bit) & 1]
    return said + [text for code, text in reading.codes.items() if value == int(code)]

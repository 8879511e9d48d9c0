"""Codec of hands on a Modbus, RTU or TCP, whose data sheet has a register map.

Body: `id | function | data`, registers high byte first. RTU puts `CRC LE` behind it. A reply has neither its length
nor, to a reading, an address: it is delimited by function and count, checked by its CRC, and recognised by its number
of words. Silence between frames, which the standard asks for, is there because one request is under way at a time. TCP
puts `transaction | 0 | length` before the body, and the reply repeats the transaction of its request: here the
register that is read. Source: Modbus Application Protocol V1.1b3, Modbus over Serial Line V1.02 and Modbus Messaging on
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
from myoprosthesis.hands.hand_spec import HandSpec
from myoprosthesis.hands.protocol import HandState
from myoprosthesis.hands.registers import RegisterReading
from myoprosthesis.hands.request_queue import RequestQueue

Array = NDArray[np.float64]

READ, WRITE_ONE, WRITE = 0x03, 0x06, 0x10
TCP_HEAD = struct.Struct(">HHH")
LONGEST = 254
"""Bytes of a body."""
REFUSED = 0x80
"""Bit of the function of a reply that is an error code."""


def frame(id_: int, function: int, data: bytes) -> bytes:
    """A whole frame of Modbus RTU, in either direction."""
    body = bytes([id_, function]) + data
    return body + crc16_modbus(body).to_bytes(2, "little")


def tcp_frame(transaction: int, id_: int, function: int, data: bytes) -> bytes:
    """A whole frame of Modbus TCP, in either direction."""
    return TCP_HEAD.pack(transaction, 0, 2 + len(data)) + bytes([id_, function]) + data


def tcp_length(buffer: bytes | bytearray) -> int:
    """Length in bytes of the TCP frame at the start of `buffer` (at least `TCP_HEAD.size` bytes).

    0: none starts there.
    """
    _, protocol, rest = TCP_HEAD.unpack_from(buffer)
    return TCP_HEAD.size + rest if protocol == 0 and 3 <= rest <= LONGEST else 0


def write_data(register: int, values: Array) -> bytes:
    """Data of a request to write `values`, −32768 to 65535, to the registers from `register` on."""
    words = (np.rint(finite(values)).astype(int) & 0xFFFF).astype(">u2").tobytes()
    return struct.pack(">HHB", register, len(words) // 2, len(words)) + words


def write(id_: int, register: int, values: Array) -> bytes:
    """The same request as a whole frame of Modbus RTU."""
    return frame(id_, WRITE, write_data(register, values))


class ModbusHand:
    """Codec of a hand on a Modbus (`HandProtocol`, `Rebootable`).

    Of the calls of `command`, every third writes the targets and every third reads the angles; the rest read the status
    and the other readings alternately.
    """

    def __init__(self, spec: HandSpec) -> None:
        table = spec.registers
        if table is None:
            raise ConfigError(f"{spec.name}: a hand on a Modbus needs `registers` in its data sheet")
        self.spec, self._table = spec, table
        self.counts: Counter[str] = Counter()
        self._raw_open, raw_closed = spec.column("raw_open"), spec.column("raw_closed")
        self._open = spec.column("open")
        self._per_rad = (raw_closed - self._raw_open) / (spec.column("closed") - self._open)
        if not (np.isfinite(self._per_rad) & (self._per_rad != 0)).all():
            raise ConfigError(f"{spec.name}: every joint needs a raw_open and a raw_closed that differ")
        self._by_words = {r.words: r for r in table.readings}
        self._by_address = {r.at: r for r in table.readings}
        requests = {r.what: self._frame(READ, struct.pack(">HH", r.at, r.words)) for r in table.readings}
        self._angles = requests.pop("angle")
        status = requests.pop("status", None)
        others = list(requests.values()) or [self._angles]
        self._others = others if status is None else [x for other in others for x in (status, other)]
        self._requests = RequestQueue()
        self._bytes = bytearray()
        self._values: dict[str, Array] = {}
        self._trouble: tuple[str, ...] = ()

    def enable(self) -> bytes:
        """Queues the settings of the register map."""
        self._requests.put_first(
            *(self._frame(WRITE, write_data(s.at, np.array(s.values, float))) for s in self._table.settings)
        )
        return b""

    def command(self, position: Array) -> bytes:
        """Targets, or the next reading, or nothing while a reply is awaited."""
        targets = self.failsafe_frame(position)
        return self._requests.next([x for other in self._others for x in (targets, self._angles, other)])

    def query(self) -> bytes:
        """The next reading, or nothing while a reply is awaited."""
        return self._requests.next([x for other in self._others for x in (self._angles, other)])

    def limp(self) -> bytes:
        """These hands are not known to go limp: their target becomes where they are, so that they press no further."""
        return self.command(self._values["angle"]) if "angle" in self._values else self.query()

    def reboot(self) -> bytes:
        """Queues the write that clears latched faults; raises `ConfigError` where the data sheet has none."""
        clear = self._table.clear
        if clear is None:
            raise ConfigError(f"{self.spec.title}: its data sheet names no register that clears a fault (clear)")
        self._requests.put_first(self._frame(WRITE, write_data(clear.at, np.array(clear.values, float))))
        return b""

    def release(self) -> bytes:
        """The hand keeps its last target for ever: its target becomes where it is."""
        return self.failsafe_frame(None)

    def failsafe_frame(self, position: Array | None) -> bytes:
        """Targets; limp: where the hand is. They may collide with a reply on the bus: write them twice."""
        position = position if position is not None else self._values.get("angle")
        if position is None:
            return b""
        return self._frame(
            WRITE, write_data(self._table.target, self._raw_open + (position - self._open) * self._per_rad)
        )

    def parse(self, data: bytes) -> list[HandState]:
        """One state per reading, completed with the values of earlier readings."""
        self._bytes += data
        states = []
        while (body := self._next_frame()) is not None:
            self._requests.on_reply()
            if body[1] & REFUSED:
                self.counts["refused"] += 1
                continue
            self.counts["frames"] += 1
            if body[1] == READ:
                self._store(self._by_words[body[2] // 2], bytes(body[3:]))
                if "angle" in self._values:
                    states.append(self._state())
        return states

    def _frame(self, function: int, data: bytes) -> bytes:
        """A request whose data begin with a register address."""
        if self.spec.framing == "tcp":
            return tcp_frame(data[0] << 8 | data[1], self.spec.address, function, data)
        return frame(self.spec.address, function, data)

    def _next_frame(self) -> bytes | None:
        """The body of the next valid frame of this hand; None when more bytes are needed."""
        return self._next_tcp() if self.spec.framing == "tcp" else self._next_rtu()

    def _next_tcp(self) -> bytes | None:
        buffer = self._bytes
        while len(buffer) >= TCP_HEAD.size:
            n = tcp_length(buffer)
            if n > len(buffer):
                return None
            if not n:
                self.counts["damaged"] += 1
                del buffer[:1]
                continue
            register, body = buffer[0] << 8 | buffer[1], bytes(buffer[TCP_HEAD.size : n])
            del buffer[:n]
            reading = self._by_address.get(register)
            if body[0] != self.spec.address:
                self.counts["foreign"] += 1
            elif body[1] == READ and (reading is None or body[2] != 2 * reading.words or len(body) != 3 + body[2]):
                self.counts["damaged"] += 1
            else:
                return body
        return None

    def _next_rtu(self) -> bytes | None:
        buffer = self._bytes
        while len(buffer) >= 5:
            length = self._length()
            if length > len(buffer):
                return None
            if length and crc16_modbus(buffer[: length - 2]) == buffer[length - 2] | buffer[length - 1] << 8:
                body = bytes(buffer[: length - 2])
                del buffer[:length]
                if body[0] == self.spec.address:
                    return body
                self.counts["foreign"] += 1
                continue
            if length and buffer[0] == self.spec.address:
                self.counts["damaged"] += 1
            del buffer[:1]
        return None

    def _length(self) -> int:
        """Length in bytes of the reply that may start the buffer; 0: none does."""
        function, third = self._bytes[1], self._bytes[2]
        if function == READ:
            return 5 + third if third % 2 == 0 and third // 2 in self._by_words else 0
        if function in (WRITE_ONE, WRITE):
            writable = (self._table.target, *(s.at for s in self._table.settings))
            return 8 if third << 8 | self._bytes[3] in writable else 0
        return 5 if function & ~REFUSED in (READ, WRITE_ONE, WRITE) and 1 <= third <= 11 else 0

    def _store(self, reading: RegisterReading, data: bytes) -> None:
        n = len(self.spec.joints)
        if reading.packed:
            values = np.frombuffer(data, ">u2").astype("<u2").view(np.uint8)[:n].astype(float)
        else:
            values = np.frombuffer(data, ">i2")[:n].astype(float)
        if reading.what == "angle":
            self._values["angle"] = self._open + (values - self._raw_open) / self._per_rad
        elif reading.what == "status":
            self._trouble = tuple(
                f"{name} {text}"
                for name, value in zip(self.spec.names, values.astype(int), strict=True)
                for text in _fault_texts(reading, int(value))
            )
        else:
            self._values[reading.what] = values * reading.scale

    def _state(self) -> HandState:
        v = self._values
        return HandState(
            v["angle"],
            current=v.get("current"),
            force=v.get("force"),
            temperature=v.get("temperature"),
            trouble=self._trouble,
        )


def _fault_texts(reading: RegisterReading, value: int) -> list[str]:
    bits = [text for bit, text in reading.bits.items() if value >> int(bit) & 1]
    return bits + [text for code, text in reading.codes.items() if value == int(code)]

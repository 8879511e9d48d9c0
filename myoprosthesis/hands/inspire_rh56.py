"""Codec of the Inspire RH56: the maker's own frames over RS485 or RS232.

To the hand `EB 90 | id | length | command | address LE | data | sum`, from the hand `90 EB …`; length counts command,
address and data, the sum is taken from the id on. Source: the maker's user manual V1.09.
"""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import finite
from myoprosthesis.hands.hand_spec import HandSpec
from myoprosthesis.hands.protocol import HandState
from myoprosthesis.hands.request_queue import RequestQueue

Array = NDArray[np.float64]

TO_HAND, FROM_HAND = b"\xeb\x90", b"\x90\xeb"
READ, WRITE = 0x11, 0x12
CLEAR_ERROR, ANGLE_SET, FORCE_SET, SPEED_SET = 1004, 1486, 1498, 1522
ANGLE_ACT, FORCE_ACT = 1546, 1582
ANGLES, READINGS = 12, 42
"""Bytes read at ANGLE_ACT, and at FORCE_ACT: force, current, error, status and temperature follow one another."""
OPEN = 1000
"""Register value of an open joint; 0 is closed."""
NEWTON_PER_GRAM = 9.80665e-3
JOINTS = 6
ERRORS = ("is stalled", "is too hot", "draws too much current", "has a faulty motor", "has lost contact")
"""Bits of the ERROR register."""
ANSWERS = {(READ, ANGLE_ACT): 3 + ANGLES, (READ, FORCE_ACT): 3 + READINGS, (WRITE, None): 4}
"""Length fields of the replies to the requests of this codec."""


def frame(head: bytes, address: int, command: int, register: int, data: bytes) -> bytes:
    """A whole frame, in either direction."""
    body = bytes([address, 3 + len(data), command]) + struct.pack("<H", register) + data
    return head + body + bytes([sum(body) & 0xFF])


class InspireRh56:
    """Codec of the Inspire RH56 (`HandProtocol`, `Rebootable`).

    The bus is half duplex, so that one request is under way at a time: successive calls of `command` write targets,
    read angles, write targets, read all else.
    """

    def __init__(self, spec: HandSpec) -> None:
        self.spec = spec
        self.counts: Counter[str] = Counter()
        self._travel = spec.column("closed") - spec.column("open")
        self._closed = spec.column("closed")
        self._bytes = bytearray()
        self._requests = RequestQueue()
        self._position: Array | None = None
        self._force: Array | None = None
        self._current: Array | None = None
        self._temperature: Array | None = None
        self._trouble: tuple[str, ...] = ()

    def enable(self) -> bytes:
        """Queues full speed (the targets limit it) and the force at which the hand itself stops a joint."""
        grams = self.spec.column("force_limit") / NEWTON_PER_GRAM
        limits = np.clip(np.where(grams > 0, grams, 1000), 0, 1000)
        self._requests.put_first(self._write(FORCE_SET, limits), self._write(SPEED_SET, np.full(JOINTS, 1000.0)))
        return b""

    def command(self, position: Array) -> bytes:
        """Targets, or the next reading, or nothing while a reply is awaited."""
        targets = self._targets(position)
        return self._requests.next((targets, self._read(ANGLE_ACT), targets, self._read(FORCE_ACT)))

    def query(self) -> bytes:
        """The next reading, or nothing while a reply is awaited."""
        return self._requests.next((self._read(ANGLE_ACT), self._read(FORCE_ACT)))

    def limp(self) -> bytes:
        """This hand cannot go limp: its target becomes where it is, so that it presses no further."""
        if self._position is None:
            return self.query()
        return self.command(self._position)

    def reboot(self) -> bytes:
        """Queues CLEAR_ERROR."""
        self._requests.put_first(frame(TO_HAND, self.spec.address, WRITE, CLEAR_ERROR, b"\x01"))
        return b""

    def release(self) -> bytes:
        """The hand keeps its last target for ever: its target becomes where it is."""
        return self.failsafe_frame(None)

    def failsafe_frame(self, position: Array | None) -> bytes:
        """Targets; limp: where the hand is, as in `limp`.

        They may collide with a reply on the bus: write them twice.
        """
        position = position if position is not None else self._position
        return b"" if position is None else self._targets(position)

    def parse(self, data: bytes) -> list[HandState]:
        """One state per reading, completed with the values of earlier readings."""
        self._bytes += data
        states: list[HandState] = []
        while (body := self._next_frame()) is not None:
            self._requests.on_reply()
            self.counts["frames"] += 1
            if body[2] == READ:
                self._store(struct.unpack_from("<H", body, 3)[0], bytes(body[5:]))
                if self._position is not None:
                    states.append(self._state(self._position))
        return states

    # -- out ----------------------------------------------------------------------------------------------------

    def _targets(self, position: Array) -> bytes:
        return self._write(ANGLE_SET, np.clip((self._closed - finite(position)) / self._travel, 0.0, 1.0) * OPEN)

    def _write(self, register: int, values: Array) -> bytes:
        data = struct.pack("<6h", *np.rint(finite(values)).astype(int))
        return frame(TO_HAND, self.spec.address, WRITE, register, data)

    def _read(self, register: int) -> bytes:
        n = ANGLES if register == ANGLE_ACT else READINGS
        return frame(TO_HAND, self.spec.address, READ, register, bytes([n]))

    # -- in -----------------------------------------------------------------------------------------------------

    def _next_frame(self) -> bytes | None:
        """The next valid frame from id to data; None when more bytes are needed."""
        while True:
            at = self._bytes.find(FROM_HAND)
            if at < 0:
                del self._bytes[: max(0, len(self._bytes) - 1)]
                return None
            del self._bytes[:at]
            if len(self._bytes) < 7:
                return None
            length, command, register = self._bytes[3], self._bytes[4], self._bytes[5] | self._bytes[6] << 8
            expected = ANSWERS.get((command, None if command == WRITE else register))
            if length != expected:
                self.counts["damaged"] += 1
                del self._bytes[:1]
                continue
            if len(self._bytes) < 5 + length:
                return None
            body = bytes(self._bytes[2 : 4 + length])
            if sum(body) & 0xFF != self._bytes[4 + length]:
                self.counts["damaged"] += 1
                del self._bytes[:1]
                continue
            del self._bytes[: 5 + length]
            if body[0] == self.spec.address:
                return body
            self.counts["foreign"] += 1

    def _store(self, register: int, data: bytes) -> None:
        if register == ANGLE_ACT:
            counts = np.array(struct.unpack("<6h", data), float)
            self._position = self._closed - self._travel * counts / OPEN
            return
        self._force = np.array(struct.unpack_from("<6h", data, 0), float) * NEWTON_PER_GRAM
        self._current = np.array(struct.unpack_from("<6h", data, 12), float) * 1e-3
        self._temperature = np.array(list(data[36:42]), float)
        self._trouble = tuple(
            f"{name} {text}"
            for name, bits in zip(self.spec.names, data[24:30], strict=True)
            for k, text in enumerate(ERRORS)
            if bits >> k & 1
        )

    def _state(self, position: Array) -> HandState:
        return HandState(
            position,
            current=self._current,
            force=self._force,
            temperature=self._temperature,
            trouble=self._trouble,
        )

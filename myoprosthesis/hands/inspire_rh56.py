"""The Inspire RH56's own frames over RS485 or RS232.

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
"""Length fields of the replies to what is asked here."""


def frame(head: bytes, address: int, command: int, register: int, data: bytes) -> bytes:
    """A whole frame, either way."""
    body = bytes([address, 3 + len(data), command]) + struct.pack("<H", register) + data
    return head + body + bytes([sum(body) & 0xFF])


class InspireRh56:
    """Implements `HandProtocol` and `Rebootable`. The bus is half duplex, so that one request is under way at a time:
    of the calls of `command`, one writes the targets, the next reads angles, then writes, then all else."""

    def __init__(self, sheet: HandSpec) -> None:
        self.sheet = sheet
        self.counts: Counter[str] = Counter()
        self._way = sheet.column("closed") - sheet.column("open")
        self._closed = sheet.column("closed")
        self._bytes = bytearray()
        self._turns = RequestQueue()
        self._position: Array | None = None
        self._force: Array | None = None
        self._current: Array | None = None
        self._temperature: Array | None = None
        self._trouble: tuple[str, ...] = ()

    def wake(self) -> bytes:
        """Full speed (ours is limited by the targets), and the force at which the hand itself stops a joint."""
        grams = self.sheet.column("force_limit") / NEWTON_PER_GRAM
        limits = np.clip(np.where(grams > 0, grams, 1000), 0, 1000)
        self._turns.begin(self._write(FORCE_SET, limits), self._write(SPEED_SET, np.full(JOINTS, 1000.0)))
        return b""

    def command(self, position: Array) -> bytes:
        """Targets, or the next reading, or nothing while a reply is awaited."""
        targets = self._targets(position)
        return self._turns.next((targets, self._ask(ANGLE_ACT), targets, self._ask(FORCE_ACT)))

    def query(self) -> bytes:
        """The next reading, or nothing while a reply is awaited."""
        return self._turns.next((self._ask(ANGLE_ACT), self._ask(FORCE_ACT)))

    def relax(self) -> bytes:
        """This hand cannot go limp: it is told to be where it is, so that it presses no further."""
        if self._position is None:
            return self.query()
        return self.command(self._position)

    def reboot(self) -> bytes:
        """CLEAR_ERROR, when its turn comes."""
        self._turns.begin(frame(TO_HAND, self.sheet.address, WRITE, CLEAR_ERROR, b"\x01"))
        return b""

    def leave(self) -> bytes:
        """Nobody will speak any more, and the hand keeps its last target: it is told to be where it is."""
        return self.will(None)

    def will(self, position: Array | None) -> bytes:
        """Targets; limp: where it is, as in `relax`. They may meet a reply on the bus, and are to be written again."""
        position = position if position is not None else self._position
        return b"" if position is None else self._targets(position)

    def feed(self, data: bytes) -> list[HandState]:
        """A state for every reading, with what the reading before said of the rest."""
        self._bytes += data
        states: list[HandState] = []
        while (body := self._cut()) is not None:
            self._turns.answered()
            self.counts["frames"] += 1
            if body[2] == READ:
                self._learn(struct.unpack_from("<H", body, 3)[0], bytes(body[5:]))
                if self._position is not None:
                    states.append(self._state(self._position))
        return states

    # -- out ----------------------------------------------------------------------------------------------------

    def _targets(self, position: Array) -> bytes:
        return self._write(ANGLE_SET, np.clip((self._closed - finite(position)) / self._way, 0.0, 1.0) * OPEN)

    def _write(self, register: int, values: Array) -> bytes:
        data = struct.pack("<6h", *np.rint(finite(values)).astype(int))
        return frame(TO_HAND, self.sheet.address, WRITE, register, data)

    def _ask(self, register: int) -> bytes:
        n = ANGLES if register == ANGLE_ACT else READINGS
        return frame(TO_HAND, self.sheet.address, READ, register, bytes([n]))

    # -- in -----------------------------------------------------------------------------------------------------

    def _cut(self) -> bytes | None:
        """The next sound frame from id to data; None when more bytes are needed."""
        while True:
            at = self._bytes.find(FROM_HAND)
            if at < 0:
                del self._bytes[: max(0, len(self._bytes) - 1)]
                return None
            del self._bytes[:at]
            if len(self._bytes) < 7:
                return None
            length, command, register = self._bytes[3], self._bytes[4], self._bytes[5] | self._bytes[6] << 8
            wanted = ANSWERS.get((command, None if command == WRITE else register))
            if length != wanted:
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
            if body[0] == self.sheet.address:
                return body
            self.counts["foreign"] += 1

    def _learn(self, register: int, data: bytes) -> None:
        if register == ANGLE_ACT:
            counts = np.array(struct.unpack("<6h", data), float)
            self._position = self._closed - self._way * counts / OPEN
            return
        self._force = np.array(struct.unpack_from("<6h", data, 0), float) * NEWTON_PER_GRAM
        self._current = np.array(struct.unpack_from("<6h", data, 12), float) * 1e-3
        self._temperature = np.array(list(data[36:42]), float)
        self._trouble = tuple(
            f"{name} {text}"
            for name, bits in zip(self.sheet.names, data[24:30], strict=True)
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

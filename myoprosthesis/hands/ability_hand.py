"""Codec of the PSYONIC Ability Hand: its extended protocol over UART or RS485, with byte stuffing.

Source: ICD in github.com/psyonicinc/ability-hand-api (MIT), sections 3.2 to 3.5.
"""

from __future__ import annotations

import math
import struct
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import finite
from myoprosthesis.hands.hand_spec import HandSpec
from myoprosthesis.hands.protocol import HandState

Array = NDArray[np.float64]

FLAG, ESCAPE, MASK = 0x7E, 0x7D, 0x20
POSITION, VELOCITY, TORQUE, DUTY, READ_ONLY = 0x10, 0x20, 0x30, 0x40, 0xA0
"""Format headers; the low nibble is the reply variant less 1."""
EXIT_API = 0x7C
PER_RAD = 180 / math.pi * 32767 / 150
PER_AMPERE = 620.606079
"""From the maker's own client; it depends on the hardware version (ICD 3.4.5)."""
PER_ROTOR_RAD_S = 4.0
GEAR = np.array([649.0] * 5 + [162.45])
JOINTS, SITES = 6, 30
LENGTHS = {0: 72, 1: 72, 2: 39}
"""Bytes of a reply by its variant less 1: position + current + touch, position + velocity + touch, all but touch."""
FINGERS = ("index", "middle", "ring", "pinky", "thumb flexor", "thumb rotator")


def checksum(body: bytes) -> int:
    """The byte that makes the sum of the frame 0 modulo 256."""
    return -sum(body) & 0xFF


def stuff(frame: bytes) -> bytes:
    """A frame between flags, with flags and escapes inside it escaped."""
    inner = frame.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + inner + b"\x7e"


class Deframer:
    """Splits a stream at its flags and removes the escapes."""

    _LONGEST = 2 * 72
    """Bytes of the longest frame with every byte escaped."""

    def __init__(self) -> None:
        self._partial = bytearray()

    def parse(self, data: bytes) -> list[bytes]:
        """Frames that `data` completes, without their escapes; a frame that ends within an escape is returned empty.

        Up to two bytes between flags are line noise (RS485 adapters insert zeros) and are dropped.
        """
        frames = []
        *complete, rest = data.split(b"\x7e")
        for piece in complete:
            self._partial += piece
            if len(self._partial) > 2:
                frames.append(_unstuffed(bytes(self._partial)))
            self._partial.clear()
        self._partial += rest
        del self._partial[self._LONGEST + 2 :]  # too long for a frame even if every byte is an escape
        return frames


def _motion(values: Array) -> bytes:
    return np.clip(np.rint(finite(values)), -32767, 32767).astype("<i2").tobytes()


def _unstuffed(stuffed: bytes) -> bytes:
    first, *rest = stuffed.split(b"\x7d")
    if not all(rest):
        return b""
    return first + b"".join(bytes([r[0] ^ MASK]) + r[1:] for r in rest)


class AbilityHand:
    """Codec of the Ability Hand (`HandProtocol`).

    Commands request reply variants 3 and 1 alternately: every reply has position, every second one velocity or touch
    and current.
    """

    def __init__(self, spec: HandSpec) -> None:
        self.spec = spec
        self.counts: Counter[str] = Counter()
        self._frames = Deframer()
        self._variant = 0
        self._velocity: Array | None = None
        self._touch: Array | None = None

    def enable(self) -> bytes:
        """Nothing: any command enters API mode."""
        return b""

    def command(self, position: Array) -> bytes:
        """One position frame."""
        return self._frame(POSITION | self._next(), _motion(position * PER_RAD))

    def query(self) -> bytes:
        """One read-only frame. It keeps API mode and the last target active, which end after 300 ms without a frame."""
        return self._frame(READ_ONLY | self._next())

    def limp(self) -> bytes:
        """Duty cycle 0 on every motor."""
        return self._frame(DUTY | self._next(), _motion(np.zeros(JOINTS)))

    def release(self) -> bytes:
        """Exit API mode at once."""
        return self._frame(EXIT_API)

    def failsafe_frame(self, position: Array | None) -> bytes:
        """One frame that requests the shortest reply."""
        if position is None:
            return self._frame(DUTY | 2, _motion(np.zeros(JOINTS)))
        return self._frame(POSITION | 2, _motion(position * PER_RAD))

    def parse(self, data: bytes) -> list[HandState]:
        """One state per reply. Replies have no address: none is counted as foreign."""
        states = []
        for frame in self._frames.parse(data):
            state = self._state(frame)
            self.counts["damaged" if state is None else "frames"] += 1
            if state is not None:
                states.append(state)
        return states

    def _next(self) -> int:
        self._variant = 2 - self._variant
        return self._variant

    def _frame(self, header: int, payload: bytes = b"") -> bytes:
        body = bytes([self.spec.address, header]) + payload
        return stuff(body + bytes([checksum(body)]))

    def _state(self, frame: bytes) -> HandState | None:
        if not frame:
            return None
        header, variant = frame[0] & 0xF0, frame[0] & 0x0F
        if header not in (POSITION, VELOCITY, TORQUE, DUTY, READ_ONLY) or len(frame) != LENGTHS.get(variant):
            return None
        if sum(frame) & 0xFF:
            return None
        pairs = np.array(struct.unpack_from("<12h", frame, 1), float).reshape(JOINTS, 2)
        position, second = pairs[:, 0] / PER_RAD, pairs[:, 1]
        current = None if variant == 1 else second / PER_AMPERE
        if variant == 1:
            self._velocity = second / PER_ROTOR_RAD_S / GEAR
        elif variant == 2:
            self._velocity = np.array(struct.unpack_from("<6h", frame, 25), float) / PER_ROTOR_RAD_S / GEAR
        if variant != 2:
            self._touch = _newton(_twelve_bits(frame[25:70]))
        limited_bits = frame[-2]
        trouble = tuple(
            f"the hand limits its {name} (hot, or stalled)" for k, name in enumerate(FINGERS) if limited_bits >> k & 1
        )
        return HandState(position, self._velocity, current, touch=self._touch, trouble=trouble)


def _twelve_bits(packed: bytes) -> Array:
    """30 readings from 45 bytes.

    Low nibble first, as the maker's own client reads them; the ICD's table draws them the other way round.
    """
    b = np.frombuffer(packed, np.uint8).astype(int).reshape(-1, 3)
    return np.stack([b[:, 0] | (b[:, 1] & 0x0F) << 8, b[:, 1] >> 4 | b[:, 2] << 4], 1).reshape(-1).astype(float)


def _newton(reading: Array) -> Array:
    """Rough forces: the maker has not calibrated the sites (ICD 3.4.6, footnote 15)."""
    volt = np.maximum(reading, 1.0) * 3.3 / 4096
    return np.where(reading > 0, 121591.0 / (33000.0 / volt + 10000.0) + 0.878894, 0.0)

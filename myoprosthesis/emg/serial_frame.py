"""Codec of EMG frames on a serial line: sync, counter, samples, CRC; no port, no clock.

    byte      content
    0, 1      0xA5 0x5A
    2         kind << 6 | number of channels, 1 to 32; kind 0: int16 samples, 1: int24 samples, 3: description
    3, 4      uint16: number of the first sample in this frame modulo 65536 (description: of the next sample)
    5         number of samples per channel in this frame, 1 to 255, of at most 512 bytes in all (description: 0)
    6 …       kind 0, 1: the samples, two's complement, all channels of the first sample, then of the second …
              kind 3: uint32 rate in mHz; float32 V per count (0: not known, the samples are counts);
              uint32 count at which a sample is saturated (0: not known)
    last 2    CRC-16/CCITT (polynomial 0x1021, begins with 0xFFFF, not reflected) of byte 2 to the one before it

All numbers little-endian. The counter counts samples, so that the length of a gap is known to the sample. A
device sends the description once a second. After a lost or damaged byte the search for the next sync starts right after
the last one, not after its length, which may be wrong: one frame is lost. The CRC of "123456789" is 0x29B1.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.crc import crc16_ibm_3740
from myoprosthesis.core.errors import ConfigError

SYNC = b"\xa5\x5a"
HEAD, CRC, MOST = 6, 2, 512
INT16, INT24, DESCRIPTION = 0, 1, 3
WIDTH = {INT16: 2, INT24: 3}
MODULO = 1 << 16
DESCRIBED = struct.Struct("<IfI")
CHANNELS = 32


@dataclass(frozen=True, eq=False)
class EmgFrame:
    """Samples (n, n_channels) in counts, and the number of the first one modulo 65536."""

    counter: int
    samples: NDArray[np.int32]


@dataclass(frozen=True)
class BoardDescription:
    """Description that a device sends.

    `volts` per count and `full_scale` (counts) are 0 where it does not know them.
    """

    channels: int
    rate: float
    volts: float = 0.0
    full_scale: int = 0


def encode(frame: EmgFrame, kind: int = INT16) -> bytes:
    """A frame of samples; raises `ConfigError` for samples that do not fit."""
    n, channels = frame.samples.shape
    most = 1 << (8 * WIDTH[kind] - 1)
    if not (1 <= n <= 255 and 1 <= channels <= CHANNELS and n * channels * WIDTH[kind] <= MOST):
        raise ConfigError(f"{n} samples of {channels} channels do not fit into one frame")
    if np.any(frame.samples < -most) or np.any(frame.samples >= most):
        raise ConfigError(f"a sample does not fit into {8 * WIDTH[kind]} bits")
    wide = frame.samples.astype("<i4").reshape(-1, 1).view(np.uint8)
    return _frame(kind << 6 | channels, frame.counter, n, wide[:, : WIDTH[kind]].tobytes())


def describe(board: BoardDescription, counter: int = 0) -> bytes:
    """The description of a device as a frame."""
    body = DESCRIBED.pack(round(board.rate * 1e3), board.volts, board.full_scale)
    return _frame(DESCRIPTION << 6 | board.channels, counter, 0, body)


def _frame(kind: int, counter: int, n: int, payload: bytes) -> bytes:
    body = struct.pack("<BHB", kind, counter % MODULO, n) + payload
    return SYNC + body + struct.pack("<H", crc16_ibm_3740(body))


class FrameDecoder:
    """Splits a stream into frames.

    `counts`: `frames`, `descriptions`, and `damaged`: stretches of bytes between valid frames.
    """

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self._rest = bytearray()
        self._lost = True
        """True within bytes that are no frame; those at the start of a stream are not counted."""

    def reset(self) -> None:
        """Start a new stream; an incomplete frame is dropped."""
        self._rest.clear()
        self._lost = True

    def parse(self, data: bytes) -> list[EmgFrame | BoardDescription]:
        """Frames that `data` completes; damaged ones are counted and dropped."""
        self._rest += data
        out: list[EmgFrame | BoardDescription] = []
        at = 0
        while True:
            begin = self._rest.find(SYNC, at)
            if begin < 0:
                keep = int(len(self._rest) > at and self._rest.endswith(SYNC[:1]))
                if len(self._rest) - keep > at:
                    self._on_damage()
                at = len(self._rest) - keep
                break
            if begin > at:
                self._on_damage()
            length = self._length(begin)
            if length < 0:
                at = begin
                break
            if length and begin + length <= len(self._rest):
                body = bytes(self._rest[begin + 2 : begin + length - CRC])
                if crc16_ibm_3740(body) == int.from_bytes(self._rest[begin + length - CRC : begin + length], "little"):
                    out.append(self._decoded(body))
                    at = begin + length
                    continue
            elif length:  # not whole yet
                at = begin
                break
            self._on_damage()
            at = begin + 1
        del self._rest[:at]
        return out

    def _length(self, begin: int) -> int:
        """Length in bytes of the frame at `begin`; −1: unknown yet, 0: none starts there."""
        if len(self._rest) - begin < HEAD:
            return -1
        kind, channels, n = self._rest[begin + 2] >> 6, self._rest[begin + 2] & 0x3F, self._rest[begin + 5]
        if not 1 <= channels <= CHANNELS:
            return 0
        if kind == DESCRIPTION:
            return HEAD + DESCRIBED.size + CRC if n == 0 else 0
        payload = n * channels * WIDTH.get(kind, 0)
        return HEAD + payload + CRC if 0 < payload <= MOST else 0

    def _on_damage(self) -> None:
        self.counts["damaged"] += not self._lost
        self._lost = True

    def _decoded(self, body: bytes) -> EmgFrame | BoardDescription:
        self._lost = False
        kind, channels = body[0] >> 6, body[0] & 0x3F
        counter, payload = int.from_bytes(body[1:3], "little"), body[4:]
        if kind == DESCRIPTION:
            self.counts["descriptions"] += 1
            rate, volts, full = DESCRIBED.unpack(payload)
            if not (rate > 0 and 0 <= volts < 1e3):  # NaN among them
                return BoardDescription(channels, rate / 1e3, 0.0, full)
            return BoardDescription(channels, rate / 1e3, volts, full)
        self.counts["frames"] += 1
        if kind == INT16:
            samples = np.frombuffer(payload, "<i2").astype(np.int32)
        else:
            b = np.frombuffer(payload, np.uint8).reshape(-1, 3).astype(np.int32)
            samples = b[:, 0] | b[:, 1] << 8 | (b[:, 2] ^ 0x80) << 16
            samples -= 0x80 << 16
        return EmgFrame(counter, samples.reshape(-1, channels))

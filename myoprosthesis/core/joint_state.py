"""Encoding and decoding of JointState messages, without rebuilding what does not change.

A JointState of 104 names costs rclpy some 150 µs to build and read as Python objects. Names do not change from
tick to tick, so a writer encodes them once and patches stamp and numbers in place, and a reader compares the bytes
of the names with those it saw last and decodes them only when they differ. Layout: see `core.cdr`; little endian only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.cdr import LITTLE_ENDIAN, CdrCursor, align, put_string
from myoprosthesis.core.errors import CommandError

Array = NDArray[np.float64]
NS = 1_000_000_000
MOST_NAMES = 10_000
"""Of a JointState: some times those of a whole body. To decode as many takes milliseconds."""
_EMPTY: Array = np.zeros(0)


@dataclass(frozen=True, eq=False)
class JointStateFrame:
    """A received JointState: `names` is one and the same tuple as long as the names stay the same."""

    stamp_ns: int
    names: tuple[str, ...]
    position: Array
    velocity: Array
    effort: Array

    def rows(self) -> tuple[Array, Array, Array]:
        """Position, velocity and effort, each of shape (n,); raises when one of them is not filled."""
        n = len(self.names)
        if not (self.position.size == self.velocity.size == self.effort.size == n):
            raise CommandError(
                f"a state of {n} names with {self.position.size} positions, {self.velocity.size} velocities and "
                f"{self.effort.size} efforts: all must be filled"
            )
        return self.position, self.velocity, self.effort


@dataclass(frozen=True, eq=False)
class JointStateTable:
    """Several JointStates with the same names: `stamp_ns` (n,), and rows (n, n_names), or (n, 0) where not filled."""

    stamp_ns: NDArray[np.int64]
    names: tuple[str, ...]
    position: Array
    velocity: Array
    effort: Array


class JointStateWriter:
    """Encodes JointState messages with fixed names and filled rows; `pack` returns the bytes to publish."""

    def __init__(
        self, names: Sequence[str], rows: Sequence[str] = ("position", "velocity", "effort"), frame: str = ""
    ) -> None:
        out = bytearray(LITTLE_ENDIAN + struct.pack("<iI", 0, 0))
        put_string(out, frame)
        align(out, 4)
        out += struct.pack("<I", len(names))
        for name in names:
            put_string(out, name)
        self._n, self._rows = len(names), []
        for row in ("position", "velocity", "effort"):
            align(out, 4)
            filled = row in rows and self._n > 0
            out += struct.pack("<I", self._n if filled else 0)
            if filled:
                align(out, 8)
                self._rows.append(len(out))
                out += bytes(8 * self._n)
        self._buffer = out
        self._views = [np.frombuffer(memoryview(out)[at : at + 8 * self._n], "<f8") for at in self._rows]

    def pack(self, stamp_ns: int, *rows: NDArray[np.floating]) -> bytes:
        """The message with this stamp and one array per filled row, in their order."""
        struct.pack_into("<iI", self._buffer, 4, *divmod(stamp_ns, NS))
        for view, row in zip(self._views, rows, strict=True):
            view[:] = row
        return bytes(self._buffer)


class JointStateReader:
    """Decodes JointState messages; damaged ones raise `CommandError`."""

    def __init__(self) -> None:
        self._prefix: bytes | None = None
        self._names: tuple[str, ...] = ()

    def read(self, data: bytes) -> JointStateFrame:
        """The message in `data`; its arrays are views of `data`."""
        if data[:2] != LITTLE_ENDIAN[:2]:
            raise CommandError(f"a JointState in encoding {data[:2].hex()}: only little-endian CDR (0001) is read")
        try:
            seconds, nanoseconds = struct.unpack_from("<iI", data, 4)
            end = 12 + len(self._prefix or b"")
            if self._prefix is None or data[12:end] != self._prefix:
                end = self._read_names(data)
            rows = []
            for _ in range(3):
                end = (end + 3) & ~3
                (n,) = struct.unpack_from("<I", data, end)
                end += 4
                if n:
                    end = ((end - 4 + 7) & ~7) + 4
                    rows.append(np.frombuffer(data, "<f8", n, end))
                    end += 8 * n
                else:
                    rows.append(_EMPTY)
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise CommandError(f"a JointState of {len(data)} bytes is damaged: {error}") from error
        return JointStateFrame(seconds * NS + nanoseconds, self._names, *rows)

    def _read_names(self, data: bytes) -> int:
        cursor = CdrCursor(data, 12)
        cursor.raw_string()  # frame_id
        n = cursor.number("I")
        if n > MOST_NAMES:
            raise ValueError(f"{n} names, at most {MOST_NAMES} are read")
        names = tuple(cursor.string() for _ in range(n))
        if names != self._names:
            self._names = names
        self._prefix = bytes(data[12 : cursor.place])
        return cursor.place


def stacked(messages: Sequence[bytes]) -> Iterator[JointStateTable]:
    """All of `messages` in their order; a damaged one raises `CommandError`.

    Consecutive ones with the same names are decoded together, at once.
    """
    at, reader = 0, JointStateReader()
    while at < len(messages):
        frame = reader.read(messages[at])
        length, stop = len(messages[at]), at + 1
        while stop < len(messages) and len(messages[stop]) == length:
            stop += 1
        raw = np.frombuffer(b"".join(messages[at:stop]), np.uint8).reshape(-1, length)
        values = np.zeros(length, bool)
        values[4:12] = True
        rows = []
        base = np.frombuffer(messages[at], np.uint8).ctypes.data
        for row in (frame.position, frame.velocity, frame.effort):
            begin = row.ctypes.data - base if row.size else 0
            values[begin : begin + 8 * row.size] = True
            rows.append((begin, row.size))
        fixed = ~values  # names, sizes, and what pads them
        alike = (raw[:, fixed] == raw[0, fixed]).all(axis=1)
        raw = raw if alike.all() else raw[: int(np.argmin(alike))]
        n = len(raw)
        stamps = np.ascontiguousarray(raw[:, 4:12]).view("<i4,<u4").reshape(n)
        yield JointStateTable(
            stamps["f0"].astype(np.int64) * NS + stamps["f1"],
            frame.names,
            *(np.ascontiguousarray(raw[:, b : b + 8 * k]).view("<f8") if k else np.zeros((n, 0)) for b, k in rows),
        )
        at += n

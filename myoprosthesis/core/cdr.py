"""CDR, the encoding of ROS messages: aligned numbers and strings (OMG DDS-XTypes 1.3, 7.4.1).

Four bytes of encapsulation, then each primitive aligned to its size, counted from there.
"""

from __future__ import annotations

import struct

BIG_ENDIAN, LITTLE_ENDIAN = b"\x00\x00\x00\x00", b"\x00\x01\x00\x00"
"""Encapsulation."""


def align(out: bytearray, size: int) -> None:
    """Pad `out` so that a primitive of `size` bytes can follow."""
    out += bytes(-(len(out) - 4) % size)


def put_string(out: bytearray, text: str) -> None:
    """Append a string, little endian."""
    align(out, 4)
    raw = text.encode() + b"\0"
    out += struct.pack("<I", len(raw)) + raw


class CdrCursor:
    """Reads numbers and strings from `data` in their order; `place` is where the next one begins, before alignment.

    Raises `ValueError` (`UnicodeDecodeError` among them) and `struct.error` for damaged data.
    """

    def __init__(self, data: bytes, place: int = 4) -> None:
        if data[:2] not in (BIG_ENDIAN[:2], LITTLE_ENDIAN[:2]):
            raise ValueError(f"encoding {data[:2].hex()}: only CDR (0000, 0001) is read")
        self._data, self.place = data, place
        self._order = "<" if data[1] else ">"

    def number(self, kind: str) -> int:
        """A whole number of a kind that `struct` knows, such as `I`."""
        layout = self._order + kind
        size = struct.calcsize(layout)
        self.place += -(self.place - 4) % size
        (value,) = struct.unpack_from(layout, self._data, self.place)
        self.place += size
        return int(value)

    def string(self) -> str:
        """A string."""
        return self.raw_string().decode()

    def raw_string(self) -> bytes:
        """The bytes of a string without its final zero."""
        n = self.number("I")
        begin, self.place = self.place, self.place + n
        if self.place > len(self._data):
            raise ValueError("a string is cut short")
        return bytes(self._data[begin : self.place])[:-1]

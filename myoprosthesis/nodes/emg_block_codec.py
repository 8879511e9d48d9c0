"""Blocks of EMG on the graph: sensor_msgs/PointCloud2 with one float32 field per channel and `t`, and back.

Fields do not change from block to block: rclpy takes 0.1 ms to make and to read them as Python objects each time, so
they are written and read once. Layout: see `core.cdr`; little endian only.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointField, TimeReference

from myoprosthesis.core.cdr import LITTLE_ENDIAN, CdrCursor, align, put_string
from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.joint_state import MOST_NAMES
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.nodes.subscription import MOST_BYTES
from myoprosthesis.nodes.time_codec import read_time_ns, time_message

Array = NDArray[np.float64]
TIME = "t"
LONGEST_S = 3600.0
"""A sample further from its block's stamp than this is damaged."""
_TYPES = {PointField.FLOAT32: "<f4", PointField.FLOAT64: "<f8"}


@dataclass(frozen=True, eq=False)
class EmgSamples:
    """A block as it came: `values` (n, n_channels) of samples taken at `stamp_ns` + 1e9·`times` (n,), ns.

    `sent_ns`: when it was published, ns of the publisher's clock; 0 where that is not known.
    """

    stamp_ns: int
    channels: tuple[str, ...]
    times: Array
    values: Array
    sent_ns: int = 0

    @property
    def newest_ns(self) -> int:
        """When the last sample was taken."""
        return self.stamp_ns + round(self.times[-1] * 1e9)


class EmgSampleWriter:
    """Encodes blocks with fixed channels; `pack` returns the bytes to publish."""

    def __init__(self, channels: Sequence[str], frame: str = "") -> None:
        self._type = np.dtype([(TIME, "<f8"), *((c, "<f4") for c in channels)])
        self._channels = tuple(channels)
        out = bytearray(LITTLE_ENDIAN + bytes(8))
        put_string(out, frame)
        align(out, 4)
        out += struct.pack("<I", 1)  # height
        self._width_at = len(out)
        out += struct.pack("<II", 0, 1 + len(self._channels))
        for k, name in enumerate((TIME, *self._channels)):
            put_string(out, name)
            align(out, 4)
            out += struct.pack("<IB", 4 + 4 * k if k else 0, PointField.FLOAT32 if k else PointField.FLOAT64)
            align(out, 4)
            out += struct.pack("<I", 1)  # count
        out += b"\0"  # is_bigendian
        align(out, 4)
        self._buffer = out + struct.pack("<I", self._type.itemsize)

    def pack(self, stamp_ns: int, times: Array, values: Array) -> bytes:
        """The message of `values`, shape (n, n_channels), taken at `stamp_ns` (ns) and `times` (n,), s, after it."""
        rows = np.empty(len(times), self._type)
        rows[TIME] = times
        for k, channel in enumerate(self._channels):
            rows[channel] = values[:, k]
        struct.pack_into("<iI", self._buffer, 4, *divmod(stamp_ns, NS))
        struct.pack_into("<I", self._buffer, self._width_at, len(times))
        return b"".join((self._buffer, struct.pack("<II", rows.nbytes, rows.nbytes), rows.tobytes(), b"\0"))


@dataclass(frozen=True, eq=False)
class _Layout:
    """How the samples of a message lie in its data."""

    before: bytes
    """From the stamp's end to the width."""
    after: bytes
    """From the width's end to the size of a row."""
    height: int
    kind: np.dtype  # type: ignore[type-arg]
    channels: tuple[str, ...]


class EmgSampleReader:
    """Decodes blocks of EMG; damaged ones raise `CommandError`. What does not change is read once."""

    def __init__(self) -> None:
        self._layout: _Layout | None = None

    def read(self, data: bytes) -> EmgSamples:
        """The block in `data`."""
        if len(data) > MOST_BYTES:
            raise CommandError(f"a block of EMG of {len(data)} bytes is ignored: at most {MOST_BYTES} are read")
        if data[:2] != LITTLE_ENDIAN[:2]:
            raise CommandError(f"a block of EMG in encoding {data[:2].hex()}: only little-endian CDR (0001) is read")
        try:
            layout = self._layout = self._known(data) or _read_layout(data)
            seconds, nanoseconds = struct.unpack_from("<iI", data, 4)
            width_at = 12 + len(layout.before)
            (width,) = struct.unpack_from("<I", data, width_at)
            at = width_at + 4 + len(layout.after)
            size, count = struct.unpack_from("<I", data, at + 4)[0], width * layout.height
            if at + 8 + size > len(data) or count * layout.kind.itemsize > size:
                raise ValueError("its samples are cut short")
            rows = np.frombuffer(data, layout.kind, count, at + 8)
            times = rows[TIME].astype(float)
        except (KeyError, ValueError, struct.error, OverflowError) as error:
            raise CommandError(f"a block of EMG cannot be read: {error}") from error
        if not len(rows) or not layout.channels:
            raise CommandError("a block of EMG without samples or channels is ignored")
        if not (np.abs(times) <= LONGEST_S).all():  # also what is no number
            raise CommandError(f"a block of EMG cannot be read: it has times beyond {LONGEST_S:g} s")
        values = np.stack([rows[c] for c in layout.channels], axis=1).astype(float)
        return EmgSamples(seconds * NS + nanoseconds, layout.channels, times, values)

    def _known(self, data: bytes) -> _Layout | None:
        """The layout of the block before, if this one has it too."""
        layout = self._layout
        if layout is None:
            return None
        middle = 12 + len(layout.before)
        same = data[12:middle] == layout.before
        return layout if same and data[middle + 4 : middle + 4 + len(layout.after)] == layout.after else None


def _read_layout(data: bytes) -> _Layout:
    """Read all that stands before the samples."""
    cursor = CdrCursor(data, 12)
    cursor.raw_string()  # frame_id
    height = cursor.number("I")
    middle = cursor.place
    cursor.number("I")  # width
    n = cursor.number("I")
    if n > MOST_NAMES:
        raise ValueError(f"it has {n} fields, {MOST_NAMES} are the most")
    fields = [(cursor.string(), *(cursor.number(kind) for kind in "IBI")) for _ in range(n)]
    if cursor.number("B") or any(count != 1 for *_, count in fields):
        raise ValueError("one little-endian number per field and sample is wanted")
    step = cursor.number("I")
    names, offsets, kinds, _ = zip(*fields, strict=True) if fields else ((), (), (), ())
    kind = np.dtype({"names": names, "formats": [_TYPES[k] for k in kinds], "offsets": offsets, "itemsize": step})
    before, after = bytes(data[12:middle]), bytes(data[middle + 4 : cursor.place])
    return _Layout(before, after, height, kind, tuple(n for n in names if n != TIME))


def arrival_message(taken_ns: int, arrival_ns: int) -> TimeReference:
    """That a block whose newest sample was taken at `taken_ns` came in at `arrival_ns`."""
    message = TimeReference(time_ref=time_message(taken_ns), source="emg")
    message.header.stamp = time_message(arrival_ns)
    return message


def read_arrival(message: TimeReference) -> tuple[int, int]:
    """`(taken_ns, arrival_ns)` of a block."""
    return read_time_ns(message.time_ref), read_time_ns(message.header.stamp)

"""Blocks of EMG on the graph: sensor_msgs/PointCloud2 with one float32 field per channel and `t`, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField, TimeReference

from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.joint_state import MOST_NAMES
from myoprosthesis.nodes.state_publishers import time_message

Array = NDArray[np.float64]
TIME = "t"
LONGEST_S = 3600.0
"""A sample further from its block's stamp than this is damaged."""
_TYPES = {PointField.FLOAT32: "<f4", PointField.FLOAT64: "<f8"}


@dataclass(frozen=True, eq=False)
class EmgSamples:
    """A block as it came: `values` (n, n_channels) of samples taken at `stamp_ns` + 1e9·`times` (n,), ns."""

    stamp_ns: int
    channels: tuple[str, ...]
    times: Array
    values: Array

    @property
    def newest_ns(self) -> int:
        """When the last sample was taken."""
        return self.stamp_ns + round(self.times[-1] * 1e9)


class EmgSampleWriter:
    """Makes messages of blocks with fixed channels; what does not change is made once."""

    def __init__(self, channels: Sequence[str], frame: str = "") -> None:
        self._type = np.dtype([(TIME, "<f8"), *((c, "<f4") for c in channels)])
        self._channels = tuple(channels)
        fields = [PointField(name=TIME, offset=0, datatype=PointField.FLOAT64, count=1)]
        fields += [
            PointField(name=c, offset=8 + 4 * k, datatype=PointField.FLOAT32, count=1) for k, c in enumerate(channels)
        ]
        self._message = PointCloud2(height=1, fields=fields, point_step=self._type.itemsize, is_dense=False)
        self._message.header.frame_id = frame

    def message(self, stamp_ns: int, times: Array, values: Array) -> PointCloud2:
        """The message; it is used again at the next call."""
        rows = np.empty(len(times), self._type)
        rows[TIME] = times
        for k, channel in enumerate(self._channels):
            rows[channel] = values[:, k]
        m = self._message
        m.header.stamp = time_message(stamp_ns)
        m.width, m.row_step, m.data = len(times), rows.nbytes, rows.tobytes()
        return m


@lru_cache(maxsize=16)
def _row(fields: tuple[tuple[str, int, int], ...], step: int) -> tuple[np.dtype, tuple[str, ...]]:  # type: ignore[type-arg]
    """How one sample lies in the data, from the (name, datatype, offset) of each field, and the channels."""
    names, kinds, offsets = zip(*fields, strict=True) if fields else ((), (), ())
    kind = np.dtype({"names": names, "formats": [_TYPES[k] for k in kinds], "offsets": offsets, "itemsize": step})
    return kind, tuple(n for n in names if n != TIME)


def read(message: PointCloud2) -> EmgSamples:
    """A block from its message; a damaged one raises `CommandError`."""
    if message.is_bigendian or any(f.count != 1 for f in message.fields):
        raise CommandError("a block of EMG cannot be read: one little-endian number per field and sample is wanted")
    if len(message.fields) > MOST_NAMES:
        raise CommandError(f"a block of EMG with {len(message.fields)} fields is ignored: {MOST_NAMES} are the most")
    try:
        kind, channels = _row(tuple((f.name, f.datatype, f.offset) for f in message.fields), message.point_step)
        rows = np.frombuffer(bytes(message.data), kind, message.width * message.height)
        times = rows[TIME].astype(float)
    except (KeyError, ValueError) as error:
        raise CommandError(f"a block of EMG cannot be read: {error}") from error
    if not len(rows) or not channels:
        raise CommandError("a block of EMG without samples or channels is ignored")
    if not (np.abs(times) <= LONGEST_S).all():  # also what is no number
        raise CommandError(f"a block of EMG cannot be read: it has times beyond {LONGEST_S:g} s")
    values = np.stack([rows[c] for c in channels], axis=1).astype(float)
    return EmgSamples(_ns(message.header.stamp), channels, times, values)


def arrival_message(taken_ns: int, arrival_ns: int) -> TimeReference:
    """That a block whose newest sample was taken at `taken_ns` came in at `arrival_ns`."""
    message = TimeReference(time_ref=time_message(taken_ns), source="emg")
    message.header.stamp = time_message(arrival_ns)
    return message


def read_arrival(message: TimeReference) -> tuple[int, int]:
    """`(taken_ns, arrival_ns)` of a block."""
    return _ns(message.time_ref), _ns(message.header.stamp)


def _ns(stamp: object) -> int:
    return int(stamp.sec * 1_000_000_000 + stamp.nanosec)  # type: ignore[attr-defined]

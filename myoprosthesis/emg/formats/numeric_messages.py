"""Samples in ROS messages of any type: point clouds with a field per channel, arrays, and numbers by their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
CLOUD = "sensor_msgs/msg/PointCloud2"
KINDS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""NumPy's names of the datatypes of PointField."""
TIME = "t"
BESIDE = ("header", "layout", "stamp", "name", "names")
"""Fields that hold no samples."""
DEPTH = 4


@dataclass(frozen=True, eq=False)
class Piece:
    """Samples of a message: `values` (n, n_channels), and `times` (n,) in s, or None where it has no stamps."""

    names: tuple[str, ...]
    values: Array
    times: Array | None
    stamp: float | None = None
    """The stamp of the message's header, s, where there is one that is not 0."""


def piece(where: str, message: Any, kind: str) -> Piece:
    """The samples of a message of type `kind`; `where` names file and topic. Raises `ConfigError`."""
    if kind == CLOUD:
        return _cloud(where, message)
    header = getattr(message, "header", None)
    stamp = header.stamp.sec + 1e-9 * header.stamp.nanosec if header is not None else 0.0
    if kind.endswith("MultiArray"):
        values = _array(where, message)
        names: tuple[str, ...] = tuple(f"ch{k + 1}" for k in range(values.shape[1]))
    else:
        fields = leaves(message)
        if not fields:
            raise ConfigError(f"{where} holds no numbers: it is of type {kind}")
        values = np.concatenate([v for _, v in fields])[None]
        names = _names(message, fields)
    return Piece(names, values, None, stamp or None)


def leaves(message: Any, prefix: str = "", depth: int = 0) -> list[tuple[str, Array]]:
    """The numbers of a message by the path of their field, each of shape (n,); empty arrays are left out."""
    out: list[tuple[str, Array]] = []
    for name in getattr(message, "__dataclass_fields__", {}):
        value = getattr(message, name)
        if name.startswith("__") or (depth == 0 and name in BESIDE):
            continue
        if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
            out.append((prefix + name, np.array([float(value)])))
        elif isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            out += [(prefix + name, value.ravel().astype(float))] if value.size else []
        elif depth < DEPTH:
            out += leaves(value, f"{prefix}{name}.", depth + 1)
    return out


def _names(message: Any, fields: list[tuple[str, Array]]) -> tuple[str, ...]:
    """Of a single array the message's own names, or ch1 …; of several fields theirs, numbered where they are arrays."""
    own = list(getattr(message, "name", None) or getattr(message, "names", None) or [])
    if not all(isinstance(n, str) for n in own):
        own = []
    out: list[str] = []
    for name, values in fields:
        if len(own) == values.size and own:
            out += own if len(fields) == 1 else [f"{name}.{n}" for n in own]
        elif len(fields) == 1:
            out += [f"ch{k + 1}" for k in range(values.size)]
        else:
            out += [name] if values.size == 1 else [f"{name}.{k + 1}" for k in range(values.size)]
    return tuple(out)


def _array(where: str, message: Any) -> Array:
    """Samples of a MultiArray (n, n_channels): of two dimensions by their labels, else one sample of all channels."""
    data = np.asarray(message.data, float)[message.layout.data_offset :]
    sizes, labels = [d.size for d in message.layout.dim], [d.label.lower() for d in message.layout.dim]
    if len(sizes) == 1 and "sample" in labels[0] + " " and "chan" not in labels[0]:
        return data[:, None]
    if len(sizes) < 2 or min(sizes) == 0:
        return data[None]
    if len(sizes) > 2 or sizes[0] * sizes[1] != data.size:
        raise ConfigError(f"{where}: {data.size} numbers in an array of {' × '.join(map(str, sizes))}")
    if "chan" in labels[0]:
        return data.reshape(sizes).T
    if not ("chan" in labels[1] or any(w in labels[0] for w in ("sample", "time", "row"))):
        raise ConfigError(
            f"{where}: its arrays of {sizes[0]} × {sizes[1]} do not say which of these are the channels (labels of the "
            f"dimensions are {labels[0]!r} and {labels[1]!r}; 'samples' and 'channels' would say it)"
        )
    return data.reshape(sizes)


def _cloud(where: str, message: Any) -> Piece:
    """A point per sample: a field per channel, and `t`, s since the header's stamp."""
    order = ">" if message.is_bigendian else "<"
    fields = [f for f in message.fields if f.count in (0, 1) and f.datatype in KINDS]
    channels = tuple(f.name for f in fields if f.name != TIME)
    if TIME not in [f.name for f in fields] or not channels:
        raise ConfigError(f"{where} is no EMG: fields for its channels and `{TIME}` are needed")
    kind = np.dtype({
        "names": [f.name for f in fields], "formats": [order + KINDS[f.datatype] for f in fields],
        "offsets": [f.offset for f in fields], "itemsize": message.point_step,
    })  # fmt: skip
    points = np.frombuffer(bytes(message.data), kind, message.width * message.height)
    stamp = message.header.stamp
    times = stamp.sec + (1e-9 * stamp.nanosec + points[TIME].astype(float))
    return Piece(channels, np.stack([points[c].astype(float) for c in channels], axis=1), times)

"""Recordings as ROS 2 bags, MCAP or SQLite: what a stack publishes on `emg/raw`. No ROS is needed to read them.

`emg/raw` is a sensor_msgs/PointCloud2 per block: height 1, one point per sample, little-endian; a FLOAT32 field per
channel, named after it, and a FLOAT64 field `t`, s since the header's stamp. `emg/spec` is a std_msgs/String with the
JSON of a `SourceSpec`, which says rate and unit. A topic of std_msgs/String may hold labels, each until the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.extras import library
from myoprosthesis.emg.formats.streams import basics, chosen, cut
from myoprosthesis.emg.layout import Layout, uses
from myoprosthesis.emg.recording import Recording
from myoprosthesis.emg.source import SourceSpec

Array = NDArray[np.float64]
CLOUD, TEXT = "sensor_msgs/msg/PointCloud2", "std_msgs/msg/String"
RAW, SPEC = "emg/raw", "emg/spec"
KINDS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""NumPy's names of the datatypes of PointField."""
TIME = "t"


@uses("rate", "unit", "channels", "dataset", "label")
def read_bag(path: Path, layout: Layout, block: int) -> Iterator[Recording]:
    """The topic that ends in emg/raw, or the one that the layout names (`dataset`), with labels from `label`."""
    highlevel = library("rosbags.highlevel", "emg", "reading bags")
    stores = library("rosbags.typesys", "emg", "reading bags")
    try:
        reader = highlevel.AnyReader([path], default_typestore=stores.get_typestore(stores.Stores.ROS2_JAZZY))
        reader.open()
    except Exception as error:  # rosbags raises many kinds for what is no such file
        raise ConfigError(f"{path} is no {path.suffix[1:].upper()} bag, or a damaged one") from error
    try:
        topics = {c.topic: c.msgtype for c in reader.connections}
        clouds = [t for t, kind in topics.items() if kind == CLOUD]
        likely = [t for t in clouds if t.strip("/").endswith(RAW)] or clouds
        topic = chosen(path, layout, clouds, likely, "topic")
        rate, unit = basics(path, layout, *_said(reader, topic))
        markers = _markers(path, reader, layout, topics)
        pieces = _blocks(path, reader, topic)
        names, first = next(pieces, ([], None))
        if first is None:
            raise ConfigError(f"{path}: {topic} has no samples")
        yield from cut(path, layout, block, _chain(path, names, first, pieces), names, markers, rate, unit)
    except ConfigError:
        raise
    except Exception as error:  # a file that is cut off in the middle
        raise ConfigError(f"{path} is a damaged bag: {' '.join(str(error).split())[:80]}") from error
    finally:
        reader.close()


def _messages(reader: Any, topic: str) -> Iterator[Any]:
    for connection, _, raw in reader.messages([c for c in reader.connections if c.topic == topic]):
        yield reader.deserialize(raw, connection.msgtype)


def _said(reader: Any, topic: str) -> tuple[float, str]:
    """Rate and unit as the specification beside the samples says, 0 and empty if there is none."""
    beside = topic[: -len(RAW)] + SPEC if topic.endswith(RAW) else ""
    spec = None
    for message in _messages(reader, beside):
        spec = SourceSpec.from_json(message.data)
    return (spec.rate, spec.unit) if spec else (0.0, "")


def _markers(path: Path, reader: Any, layout: Layout, topics: dict[str, str]) -> list[tuple[float, str]]:
    if not layout.label:
        return []
    texts = [t for t, kind in topics.items() if kind == TEXT]
    if layout.label not in texts:
        raise ConfigError(f"{path}: {unknown('topic of labels', layout.label, texts)}")
    there = [c for c in reader.connections if c.topic == layout.label]
    return [(1e-9 * at, reader.deserialize(raw, c.msgtype).data) for c, at, raw in reader.messages(there)]


def _blocks(path: Path, reader: Any, topic: str) -> Iterator[tuple[list[str], tuple[Array, Array]]]:
    """Names of the channels, and samples (n, n_channels) with times (n,), of each message."""
    for message in _messages(reader, topic):
        order = ">" if message.is_bigendian else "<"
        fields = [f for f in message.fields if f.count in (0, 1) and f.datatype in KINDS]
        channels = [f.name for f in fields if f.name != TIME]
        if TIME not in [f.name for f in fields] or not channels:
            raise ConfigError(f"{path}: {topic} is no EMG: fields for its channels and `{TIME}` are needed")
        kind = np.dtype({
            "names": [f.name for f in fields], "formats": [order + KINDS[f.datatype] for f in fields],
            "offsets": [f.offset for f in fields], "itemsize": message.point_step,
        })  # fmt: skip
        points = np.frombuffer(bytes(message.data), kind, message.width * message.height)
        stamp = message.header.stamp
        times = stamp.sec + (1e-9 * stamp.nanosec + points[TIME].astype(float))
        yield channels, (np.stack([points[c].astype(float) for c in channels], axis=1), times)


def _chain(path: Path, names: list[str], first: tuple[Array, Array], rest: Any) -> Iterator[tuple[Array, Array]]:
    yield first
    for other, piece in rest:
        if other != names:
            raise ConfigError(f"{path}: its channels change from {', '.join(names)} to {', '.join(other)}")
        yield piece

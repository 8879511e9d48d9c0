"""A topic of a recording as columns: for CSV files and data frames.

Every row has `time_s` (its stamp, or its receipt where it has none, s since the recording began), `stamp_ns` and
`received_ns` (by the clock on the wall); where the folder has several files, as several runs make them, `file` is the
one that it is from. JointState gives `position.<name>`, `velocity.<name>` and `effort.<name>`,
EMG (PointCloud2) one row per sample with a column per channel, other types one column per field (`pose.position.x`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, RecordingError
from myoprosthesis.core.extras import library
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.recording import message_decoding
from myoprosthesis.recording.bag import JOINT_STATE, STATUS, TEXT, Bag, Message

Columns = dict[str, Any]
"""Arrays or lists of one length, by name."""
ROWS = 2048
CLOUD = "sensor_msgs/msg/PointCloud2"
TIME, STAMP, RECEIVED, FILE = "time_s", "stamp_ns", "received_ns", "file"
_KINDS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""NumPy's names of the datatypes of sensor_msgs/PointField."""


def chunks(bag: Bag, topic: str) -> Iterator[Columns]:
    """Some rows of a topic at a time, in their order; columns may differ from one to the next.

    Raises `RecordingError` for an unknown topic, `ConfigError` where a type needs rosbags and that is not installed.
    """
    kind = bag.topic(topic).type
    if kind == JOINT_STATE:
        yield from _joint_states(bag, topic)
        return
    rows = {TEXT: _text, STATUS: _status}.get(kind) or _fields(kind)
    held: list[dict[str, Any]] = []
    for message in bag.messages([topic]):
        try:
            cells = rows(message)
        except RecordingError:
            bag.count_damaged(message.topic)
            continue
        stamp_ns = _own_time(cells, message.stamp_ns)
        time_s = (stamp_ns - bag.zero_ns) * 1e-9
        times = {TIME: time_s, STAMP: stamp_ns, RECEIVED: message.received_ns, **_file(bag, message.file)}
        if isinstance(cells, list):
            held += [{**times, **row} for row in cells]
        else:
            yield from _flushed(held)
            yield _samples(times, cells)
        if len(held) >= ROWS:
            yield from _flushed(held)
    yield from _flushed(held)


def _own_time(cells: Any, otherwise: int) -> int:
    """When what a status tells of happened, ns, where it says so: an event of a trial, which may be told of later."""
    own = cells[0].get("values.time_ns") if isinstance(cells, list) and len(cells) == 1 else None
    return own if isinstance(own, int) else otherwise


def names(bag: Bag, topic: str) -> list[str]:
    """All columns that the rows of a topic have, in the order in which they come up."""
    apart = Bag(bag.path)  # so that what is damaged is counted once
    return list(dict.fromkeys(name for part in chunks(apart, topic) for name in part))


def to_pandas(bag: Bag | str | Path, topic: str) -> Any:
    """A topic of a recording as a `pandas.DataFrame`; `bag` may be its folder or file."""
    pandas = library("pandas", "emg", "a data frame")
    opened = bag if isinstance(bag, Bag) else Bag(bag)
    parts = [pandas.DataFrame(part) for part in chunks(opened, topic)]
    return pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame({TIME: [], STAMP: [], RECEIVED: []})


def write_csv(bag: Bag, topic: str, path: Path) -> int:
    """Write a topic as CSV with a header, whole or not at all; the number of rows. What a row has not is empty."""
    header = names(bag, topic)
    count = 0

    def fill(file: BinaryIO) -> None:
        nonlocal count
        file.write(csv_text(header).encode())
        for part in chunks(bag, topic):
            n = len(part[TIME])
            columns = [_cells(part[name]) if name in part else [""] * n for name in header]
            file.write(csv_text(*zip(*columns, strict=True)).encode())
            count += n

    write_atomic(path, fill, RecordingError)
    return count


def _cells(values: Any) -> list[Any]:
    """Cells of a CSV row: empty for NaN."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    return ["" if isinstance(v, float) and v != v else v for v in plain]


def _joint_states(bag: Bag, topic: str) -> Iterator[Columns]:
    for table in bag.tables(topic):
        out: Columns = {
            TIME: (table.stamp_ns - bag.zero_ns) * 1e-9, STAMP: table.stamp_ns, RECEIVED: table.received_ns,
            **{key: [name] * len(table.stamp_ns) for key, name in _file(bag, table.file).items()},
        }  # fmt: skip
        for row in ("position", "velocity", "effort"):
            values: NDArray[np.float64] = getattr(table, row)
            if values.shape[1]:
                out |= {f"{row}.{name}": values[:, k] for k, name in enumerate(table.names)}
        yield out


def _file(bag: Bag, number: int) -> dict[str, Any]:
    """The name of a file, where there are several."""
    return {FILE: bag.files[number].path.name} if len(bag.files) > 1 else {}


def _text(message: Message) -> list[dict[str, Any]]:
    return [{"data": message_decoding.text(message.data)}]


def _status(message: Message) -> list[dict[str, Any]]:
    status = message_decoding.status(message.data)
    own = {"level": status.level, "name": status.name, "message": status.message}
    return [{**own, **{f"values.{k}": v for k, v in status.values.items()}}]


def _fields(kind: str) -> Any:
    """Reads messages of any type whose definition rosbags has."""
    stores = library("rosbags.typesys", "emg", f"exporting messages of type {kind}")
    store = stores.get_typestore(stores.Stores.ROS2_JAZZY)
    if kind not in store.types:
        raise ConfigError(f"messages of type {kind} are not known; export the other topics by name with --topics")

    def read(message: Message) -> Any:
        try:
            content = store.deserialize_cdr(message.data, kind)
        except Exception as error:  # whatever damaged bytes make of it
            raise RecordingError(f"a message of {len(message.data)} bytes is damaged") from error
        return _points(content) if kind == CLOUD else [dict(_flat(content, ""))]

    return read


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every number and text in a message with its path, such as `pose.position.x`; list elements are numbered."""
    if isinstance(value, (list, tuple, np.ndarray)):
        for k, item in enumerate(value):
            yield from _flat(item, f"{name}.{k}")
    elif hasattr(value, "__dataclass_fields__"):
        for field in value.__dataclass_fields__:
            if not field.startswith("__") and not (not name and field == "header"):
                yield from _flat(getattr(value, field), f"{name}.{field}" if name else field)
    else:
        yield name, value.item() if hasattr(value, "item") else value


def _points(message: Any) -> Columns:
    """The fields of each point, shape (n_points,) each."""
    order = ">" if message.is_bigendian else "<"
    fields = [f for f in message.fields if f.count in (0, 1) and f.datatype in _KINDS]
    kind = np.dtype({
        "names": [f.name for f in fields], "formats": [order + _KINDS[f.datatype] for f in fields],
        "offsets": [f.offset for f in fields], "itemsize": message.point_step,
    })  # fmt: skip
    try:
        points = np.frombuffer(bytes(message.data), kind, message.width * message.height)
    except ValueError as error:
        raise RecordingError(f"a block of samples is damaged: {error}") from error
    return {f.name: points[f.name] for f in fields}


def _samples(times: Mapping[str, Any], points: Columns) -> Columns:
    """Rows of a block of samples; a field `t` (s) is the time of each since the block's stamp."""
    n = len(next(iter(points.values()), ()))
    after = points.get("t", np.zeros(n))
    taken = times[STAMP] + np.round(after * 1e9).astype(np.int64)
    return {
        TIME: times[TIME] + after, STAMP: taken, RECEIVED: np.full(n, times[RECEIVED]),
        **({FILE: [times[FILE]] * n} if FILE in times else {}),
        **{name: values for name, values in points.items() if name != "t"},
    }  # fmt: skip


def _flushed(held: list[dict[str, Any]]) -> Iterator[Columns]:
    if held:
        keys = dict.fromkeys(key for row in held for key in row)
        yield {key: [row.get(key, "") for row in held] for key in keys}
        held.clear()

"""A recording being written: a rosbag2 folder, one MCAP file for each time that it is taken up."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from mcap.records import Channel, Schema

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.recording.definitions import definition, stamped, type_hash
from myoprosthesis.recording.mcap_reader import open_all, open_mcap
from myoprosthesis.recording.mcap_writer import McapWriter
from myoprosthesis.recording.metadata import FILE, HASH, LOG_TIME, QOS, SIMULATED, files_of, write_metadata

STEM = "recording"
NS = 1_000_000_000
SIMULATED_BEFORE_NS = 10**17
"""A stamp before this (1973) is of a simulation that began at 0, and none of a clock on the wall."""
_STAMPS = {b"\x00\x01": struct.Struct("<iI"), b"\x00\x00": struct.Struct(">iI")}


class BagWriter:
    """Writes `recording_0.mcap` of `folder`, or the next number where there are some; raises `RecordingError`.

    Messages are on the disk, as far as the operating system is concerned, with the next `flush`: call it every 50 ms.
    """

    def __init__(self, folder: Path, attachments: Mapping[str, bytes] | None = None) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = [int(m[1]) for p in folder.iterdir() if (m := re.fullmatch(rf"{STEM}_(\d+)\.mcap", p.name))]
        except OSError as error:
            raise RecordingError(f"{folder} cannot be a recording: {error.strerror}") from error
        self._file = McapWriter(folder / f"{STEM}_{max(taken, default=-1) + 1}.mcap")
        self.simulated_ns: int | None = None
        """The simulated time now. Messages are then filed under their own stamp, or this where they have none, and
        published when they were received, as `ros2 bag record --use-sim-time` has it. None: filed under their receipt.
        To be set before the first message."""
        self._stamped: list[bool] = [False]
        self._schemas: dict[str, Schema] = {}
        for name, data in (attachments or {}).items():
            self._file.attach(name, data, time.time_ns())
        if not (folder / FILE).exists():
            write_metadata(folder, [open_mcap(self._file.path)])

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._file.path

    @property
    def lost(self) -> int:
        """Messages that could not be written."""
        return self._file.lost

    def topic(self, name: str, kind: str, qos: Sequence[Mapping[str, Any]] = ()) -> int:
        """A channel for messages of type `kind` (`std_msgs/msg/String`), to be given to `add`.

        `qos` is what its publishers offer, as rosbag2 writes it.
        """
        schema = self._schemas.get(kind)
        if schema is None:
            text = definition(kind)
            schema = Schema(
                id=len(self._schemas) + 1, name=kind, encoding="ros2msg" if text else "", data=text.encode()
            )
            self._schemas[kind] = schema
        number = len(self._stamped)
        metadata = {QOS: yaml.safe_dump(list(map(dict, qos)), sort_keys=False) if qos else "", HASH: type_hash(kind)}
        if self.simulated_ns is not None:
            metadata[LOG_TIME] = SIMULATED
        channel = Channel(id=number, topic=name, message_encoding="cdr", metadata=metadata, schema_id=schema.id)
        self._file.define(channel, schema)
        self._stamped.append(stamped(kind))
        return number

    def add(self, channel: int, received_ns: int, data: bytes, number: int = 0) -> None:
        """A message in CDR that was received at `received_ns`; `number` is its publisher's, 0 for none."""
        if self.simulated_ns is None:
            publish_ns = stamp_ns(data, received_ns) if self._stamped[channel] else received_ns
            self._file.add(channel, received_ns, publish_ns, data, number)
        else:
            own = stamp_ns(data, 0) if self._stamped[channel] else 0
            log_ns = own if 0 < own < SIMULATED_BEFORE_NS else self.simulated_ns
            self._file.add(channel, log_ns, received_ns, data, number)

    def flush(self) -> bool:
        """Let nothing that was added be lost with this process; whether there was anything."""
        return self._file.flush()

    def close(self) -> None:
        """Finish the file with its index, and the folder's metadata; safe to call twice."""
        if not self._file.close():
            return
        write_metadata(self.folder, open_all(files_of(self.folder))[0])


def stamp_ns(data: bytes, otherwise: int) -> int:
    """The stamp of a message in CDR that begins with a header; `otherwise` where it has none that a file can hold."""
    layout = _STAMPS.get(data[:2])
    if layout is None or len(data) < 12:
        return otherwise
    seconds, nanoseconds = layout.unpack_from(data, 4)
    return seconds * NS + nanoseconds if seconds >= 0 else otherwise

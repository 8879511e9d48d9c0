"""Contents of one MCAP file, and its messages chunk by chunk."""

from __future__ import annotations

import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import lz4.frame
import numpy as np
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Attachment, Channel, Header, Schema

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.recording.mcap_writer import PROFILE

HEAD = struct.Struct("<BQ")
MESSAGE = struct.Struct("<BQHIQQ")
CHUNK = struct.Struct("<QQQII")
"""First and last log time, plain size, checksum, length of the compression's name."""
INDEX = struct.Struct("<QQQQI")
"""First and last log time, offset, length, size of the map from channels to indexes."""
FOOTER = struct.Struct("<BQQQI")
IDS = np.dtype([("id", "<u2"), ("at", "<u8")])
LARGEST = 1 << 28
"""Bytes of a chunk's content; one that claims more is not opened (writers make chunks of some MiB)."""
DAMAGE = (struct.error, ValueError, McapError, zstandard.ZstdError, RuntimeError, EOFError, IndexError)
"""What damaged bytes raise in those who decode them."""


class Raw(NamedTuple):
    """A message as it lies in a file."""

    log_ns: int
    channel: int
    publish_ns: int
    data: bytes
    number: int
    """Its publisher's."""


class Chunk(NamedTuple):
    """Where messages are: `length` bytes from `offset`, a chunk's record or (`bare`) messages one after the other."""

    first_ns: int
    last_ns: int
    offset: int
    length: int
    channels: frozenset[int] | None
    """Whose messages are in it; None: unknown."""
    bare: bool = False


@dataclass
class McapFile:
    """What one file holds."""

    path: Path
    size: int
    channels: dict[int, Channel] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    attachments: list[tuple[int, int]] = field(default_factory=list)
    """Offset and length of each record."""
    first_ns: int = 0
    last_ns: int = 0
    finished: bool = False
    """It has its index."""
    unusable: int = 0
    """Bytes that hold nothing which can be read."""
    unusable_messages: int = 0
    """Messages that were in them, as far as that is known."""
    faults: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        """How many can be read, by what its indexes say."""
        return sum(self.counts.values())

    def read(self, channels: Collection[int] | None = None, start_ns: int = 0, end_ns: int = 1 << 63) -> Iterator[Raw]:
        """Messages of these channels (None: of all) with start_ns <= log time < end_ns, in order of log time.

        One chunk is held at a time, and what overlaps it.
        """
        wanted = frozenset(self.channels if channels is None else channels)
        ordered = sorted(
            c
            for c in self.chunks
            if c.first_ns < end_ns and c.last_ns >= start_ns and (c.channels is None or c.channels & wanted)
        )
        held: list[Raw] = []
        with open(self.path, "rb", buffering=0) as file:
            for k, chunk in enumerate(ordered):
                try:
                    new = self.inside(content(file, chunk), wanted)
                except DAMAGE as error:
                    self.damaged(chunk, error)
                    continue
                if any(a[0] > b[0] for a, b in zip(new, new[1:], strict=False)):
                    new.sort(key=itemgetter(0))
                held = sorted(held + new, key=itemgetter(0)) if held else new
                bound = ordered[k + 1].first_ns if k + 1 < len(ordered) else 1 << 64
                ready = len(held) if held and held[-1][0] <= bound else bisect_right(held, bound, key=itemgetter(0))
                if start_ns <= chunk.first_ns and chunk.last_ns < end_ns and ready == len(held):
                    yield from held
                else:
                    yield from (m for m in held[:ready] if start_ns <= m[0] < end_ns)
                held = held[ready:]
            yield from (m for m in held if start_ns <= m[0] < end_ns)

    def attached(self) -> Iterator[Attachment]:
        """The files that were kept in the file."""
        with open(self.path, "rb", buffering=0) as file:
            for offset, length in self.attachments:
                record = os.pread(file.fileno(), length, offset)
                try:
                    yield Attachment.read(ReadDataStream(BytesIO(record[9:])))
                except DAMAGE:
                    self.faults.append(f"{self.path.name}: an attachment is damaged")

    def inside(self, data: bytes, wanted: Collection[int] | None = None) -> list[Raw]:
        """The messages of these channels (None: of all) in the content of a chunk; ends where it is cut."""
        out, at, size = [], 0, len(data)
        unpack, smallest = MESSAGE.unpack_from, MESSAGE.size
        while at + smallest <= size:
            opcode, length, channel, number, log_ns, publish_ns = unpack(data, at)
            stop = at + 9 + length
            if stop > size:
                break
            if opcode == Opcode.MESSAGE and (wanted is None or channel in wanted):
                out.append(Raw(log_ns, channel, publish_ns, data[at + smallest : stop], number))
            at = stop
        return out

    def damaged(self, chunk: Chunk, error: Exception) -> None:
        """Note a damaged chunk in `faults`."""
        if chunk.length:
            reason = " ".join(str(error).split())[:60] or type(error).__name__
            fault = f"{self.path.name}: {chunk.length} bytes at {chunk.offset} are damaged ({reason})"
            if fault not in self.faults:
                self.faults.append(fault)
                self.unusable += chunk.length


def parsed(kind: Any, body: bytes) -> Any:
    """A record of the mcap library from its content."""
    return kind.read(ReadDataStream(BytesIO(body)))


def check_profile(path: Path, body: bytes) -> None:
    """Raise `RecordingError` where the header's content is of something else than ROS 2."""
    profile = parsed(Header, body).profile
    if profile not in (PROFILE, ""):
        raise RecordingError(f"{path} is no recording of ROS 2: its profile is {profile!r}")


def records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Opcode, offset and length of the content of each whole record in `data`."""
    at, size = 0, len(data)
    while at + 9 <= size:
        opcode, length = HEAD.unpack_from(data, at)
        if at + 9 + length > size:
            return
        yield opcode, at + 9, length
        at += 9 + length


def define(into: McapFile, opcode: int, body: bytes) -> None:
    """Take in a schema or a channel; other records are passed over."""
    if opcode == Opcode.SCHEMA:
        schema = parsed(Schema, body)
        into.schemas[schema.id] = schema
    elif opcode == Opcode.CHANNEL:
        channel = parsed(Channel, body)
        into.channels[channel.id] = channel


def content(file: Any, chunk: Chunk) -> bytes:
    """The records in a chunk; of one that is cut off, what can still be had."""
    data = os.pread(file.fileno(), chunk.length, chunk.offset)
    if chunk.bare:
        return data
    _, _, plain_size, crc, n = CHUNK.unpack_from(data, 9)
    at = 9 + CHUNK.size + n
    name, (size,) = data[at - n : at].decode("ascii"), struct.unpack_from("<Q", data, at)
    whole, body = len(data) >= at + 8 + size, data[at + 8 : at + 8 + size]
    if plain_size > LARGEST:
        raise ValueError(f"a chunk of {plain_size} bytes, where {LARGEST} is the limit")
    plain = body
    if name == "zstd":
        plain = zstandard.ZstdDecompressor(max_window_size=LARGEST).stream_reader(body).read(plain_size + 1)
    elif name == "lz4":
        plain = lz4.frame.LZ4FrameDecompressor().decompress(body, max_length=plain_size + 1)
    elif name:
        raise ValueError(f"compressed as {name!r}, where zstd and lz4 are known")
    if len(plain) > plain_size:
        raise ValueError(f"more than the {plain_size} bytes that the chunk claims to hold")
    if whole and (len(plain) != plain_size or (crc and zlib.crc32(plain) != crc)):
        raise ValueError("checksum")
    return plain

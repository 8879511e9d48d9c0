"""One MCAP file being written: chunks that are whole on the disk as soon as they are flushed.

Format: https://mcap.dev/spec. What is rare is laid out by the mcap library's records; messages, of which there are
thousands a second, are packed here. A chunk with its indexes is one write, so that a process which is killed leaves a
file that ends with a whole chunk; a write that fails half-way is taken back.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Schema,
    Statistics,
    SummaryOffset,
)

from myoprosthesis import __version__
from myoprosthesis.core.errors import RecordingError

MAGIC = b"\x89MCAP0\r\n"
PROFILE = "ros2"
CHUNK_BYTES = 1 << 20
"""A chunk is closed at this size, however recent it is."""
FIRST_REPEAT = 4
"""What messages are is written again once the file is this many times as large as that, and at each doubling: a bad
place near the start of a file that has no index yet costs no more than what is in it."""
_MESSAGE = struct.Struct("<BQHIQQ")
"""Opcode, length of what follows, channel, sequence, log time, publish time; the data come next."""
_LENGTH = _MESSAGE.size - 9


def packed(*records: McapRecord) -> bytes:
    """Records as bytes."""
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    return bytes(builder.end())


class McapWriter:
    """A new file; a failure of the disk is a `RecordingError`, after which what was flushed before is still good."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost = 0
        """Messages that could not be written."""
        self._channels: dict[int, Channel] = {}
        self._schemas: dict[int, Schema] = {}
        self._chunks: list[bytes] = []
        self._attached: list[AttachmentIndex] = []
        self._counts: dict[int, int] = {}
        self._first_ns, self._last_ns = 0, 0
        self._size = self._defined_bytes = self._repeated_at = 0
        self._new: list[McapRecord] = []
        self._clear()
        self._compressor = zstandard.ZstdCompressor(level=1)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RecordingError(f"{path} cannot be created: {error.strerror}") from error
        try:
            self._write(MAGIC + packed(Header(profile=PROFILE, library=f"myoprosthesis {__version__}")))
        except RecordingError:
            os.close(self._file)
            raise

    def define(self, channel: Channel, schema: Schema | None) -> None:
        """Make a channel known, before its first message."""
        if schema is not None and schema.id not in self._schemas:
            self._schemas[schema.id] = schema
            self._new.append(schema)
        self._channels[channel.id] = channel
        self._new.append(channel)

    def add(self, channel: int, log_ns: int, publish_ns: int, data: bytes, number: int = 0) -> None:
        """A message, to be written with the next `flush`; `number` is its publisher's, 0 for none."""
        if self._length > CHUNK_BYTES:
            self.flush()
        index = self._index.get(channel)
        if index is None:
            index = self._index[channel] = []
        index += (log_ns, self._length)
        length = len(data)
        self._pieces += (
            _MESSAGE.pack(Opcode.MESSAGE, _LENGTH + length, channel, number & 0xFFFFFFFF, log_ns, publish_ns),
            data,
        )
        self._length += _MESSAGE.size + length

    def flush(self) -> bool:
        """Close the chunk and give it to the operating system; whether there was any.

        If that fails, its messages are lost, and counted.
        """
        if not self._pieces:
            return False
        plain, index = b"".join(self._pieces), self._index
        self._clear()
        times = [t for entries in index.values() for t in entries[::2]]
        first, last = min(times), max(times)
        data = self._compressor.compress(plain)
        new = packed(*self._new)
        chunk = packed(
            Chunk(
                compression="zstd", data=data, message_start_time=first, message_end_time=last,
                uncompressed_crc=zlib.crc32(plain), uncompressed_size=len(plain),
            )
        )  # fmt: skip
        at, entry = self._size + len(new) + len(chunk), {}
        indexes = []
        for channel, entries in index.items():
            entry[channel] = at
            size = 8 * len(entries)
            layout = f"<BQHI{len(entries)}Q"
            indexes.append(struct.pack(layout, Opcode.MESSAGE_INDEX, 6 + size, channel, size, *entries))
            at += len(indexes[-1])
        begin = self._size + len(new)
        try:
            self._write(b"".join((new, chunk, *indexes)))
        except RecordingError:
            self.lost += len(times)
            raise
        self._new.clear()
        self._defined_bytes += len(new)
        chunk_index = ChunkIndex(
            chunk_length=len(chunk), chunk_start_offset=begin, compression="zstd", compressed_size=len(data),
            message_end_time=last, message_index_length=sum(map(len, indexes)), message_index_offsets=entry,
            message_start_time=first, uncompressed_size=len(plain),
        )  # fmt: skip
        self._chunks.append(packed(chunk_index))
        self._first_ns = min(first, self._first_ns) if self._counts else first
        self._last_ns = max(last, self._last_ns)
        for channel, entries in index.items():
            self._counts[channel] = self._counts.get(channel, 0) + len(entries) // 2
        if self._size >= max(2 * self._repeated_at, FIRST_REPEAT * self._defined_bytes):
            with contextlib.suppress(RecordingError):  # the next messages will say so
                self._write(packed(*self._schemas.values(), *self._channels.values()))
            self._repeated_at = self._size
        return True

    def attach(self, name: str, data: bytes, at_ns: int, media_type: str = "") -> None:
        """Keep a file in the file."""
        self.flush()
        record = packed(Attachment(create_time=at_ns, log_time=at_ns, name=name, media_type=media_type, data=data))
        at = self._size
        self._write(record)
        self._attached.append(
            AttachmentIndex(
                offset=at, length=len(record), create_time=at_ns, log_time=at_ns, data_size=len(data), name=name,
                media_type=media_type,
            )
        )  # fmt: skip

    def close(self) -> bool:
        """Write what is left and the index, down to the disk; False when that was done before."""
        if self._file < 0:
            return False
        try:
            with contextlib.suppress(RecordingError):  # an index of the rest is better than none
                self.flush()
            self._write(self._summary())
            os.fsync(self._file)
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be written: {error.strerror}") from error
        finally:
            os.close(self._file)
            self._file = -1
        return True

    def _summary(self) -> bytes:
        end = packed(*self._new, DataEnd(data_section_crc=0))
        start = self._size + len(end)
        total = Statistics(
            attachment_count=len(self._attached), channel_count=len(self._channels),
            channel_message_counts=dict(self._counts), chunk_count=len(self._chunks),
            message_count=sum(self._counts.values()), message_end_time=self._last_ns,
            message_start_time=self._first_ns, metadata_count=0, schema_count=len(self._schemas),
        )  # fmt: skip
        groups = {
            Opcode.SCHEMA: packed(*self._schemas.values()),
            Opcode.CHANNEL: packed(*self._channels.values()),
            Opcode.STATISTICS: packed(total),
            Opcode.CHUNK_INDEX: b"".join(self._chunks),
            Opcode.ATTACHMENT_INDEX: packed(*self._attached),
        }
        offsets, at = [], start
        for opcode, part in groups.items():
            if part:
                offsets.append(SummaryOffset(group_opcode=opcode, group_start=at, group_length=len(part)))
            at += len(part)
        body = b"".join((*groups.values(), packed(*offsets)))
        foot = packed(Footer(summary_start=start, summary_offset_start=at, summary_crc=0))
        crc = zlib.crc32(foot[:-4], zlib.crc32(body))  # of all but itself
        return end + body + foot[:-4] + struct.pack("<I", crc) + MAGIC

    def _clear(self) -> None:
        self._pieces: list[bytes] = []
        self._index: dict[int, list[int]] = {}
        self._length = 0

    def _write(self, data: bytes) -> None:
        """All of `data`, or nothing and a `RecordingError`."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
            raise RecordingError(
                f"{self.path} cannot be written: {error.strerror}; what was recorded before can be read"
            ) from error
        self._size += len(data)

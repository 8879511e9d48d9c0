"""One MCAP file being read, whole or cut off anywhere: what is in it, and its messages chunk by chunk.

A file that was finished tells all in the summary at its end. Any other is walked through from record to record, over
chunks without opening them where their indexes tell what they hold.
"""

from __future__ import annotations

import os
import struct
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
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
from mcap.records import Attachment, AttachmentIndex, Channel, Header, Schema, Statistics

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.recording.mcap_writer import MAGIC, PROFILE

_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<BQHIQQ")
_CHUNK = struct.Struct("<QQQII")
"""First and last log time, plain size, checksum, length of the compression's name."""
_INDEX = struct.Struct("<QQQQI")
"""First and last log time, offset, length, size of the map from channels to indexes."""
_FOOTER = struct.Struct("<BQQQI")
_IDS = np.dtype([("id", "<u2"), ("at", "<u8")])
WINDOW = 1 << 18
LARGEST = 1 << 31
"""A chunk that claims to be larger than this is damaged."""
_DAMAGE = (struct.error, ValueError, McapError, zstandard.ZstdError, RuntimeError, EOFError, IndexError)
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
        """Messages of these channels (None: of all) with start_ns <= log time < end_ns, in order of log time. One chunk
        is held at a time, and what overlaps it."""
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
                    new = self._inside(_content(file, chunk), wanted)
                except _DAMAGE as error:
                    self._damaged(chunk, error)
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
                except _DAMAGE:
                    self.faults.append(f"{self.path.name}: an attachment is damaged")

    def _inside(self, data: bytes, wanted: Collection[int]) -> list[Raw]:
        """The messages in the content of a chunk; ends where it is cut."""
        out, at, size = [], 0, len(data)
        unpack, smallest = _MESSAGE.unpack_from, _MESSAGE.size
        while at + smallest <= size:
            opcode, length, channel, number, log_ns, publish_ns = unpack(data, at)
            stop = at + 9 + length
            if stop > size:
                break
            if opcode == Opcode.MESSAGE and channel in wanted:
                out.append(Raw(log_ns, channel, publish_ns, data[at + smallest : stop], number))
            at = stop
        return out

    def _damaged(self, chunk: Chunk, error: Exception) -> None:
        if chunk.length:
            said = " ".join(str(error).split())[:60] or type(error).__name__
            fault = f"{self.path.name}: {chunk.length} bytes at {chunk.offset} are damaged ({said})"
            if fault not in self.faults:
                self.faults.append(fault)
                self.unusable += chunk.length


def open_mcap(path: Path) -> McapFile:
    """What is in `path`; raises `RecordingError` when that is no MCAP file of ROS 2."""
    try:
        with open(path, "rb", buffering=0) as file:
            made = McapFile(path, os.fstat(file.fileno()).st_size)
            head = file.read(len(MAGIC))
            if head != MAGIC[: len(head)]:
                raise RecordingError(f"{path} is no MCAP file")
            if not _summarised(file, made):
                made = McapFile(path, made.size)
                _walk(file, made)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    other = next((c for c in made.channels.values() if c.message_encoding != "cdr"), None)
    if other is not None:
        raise RecordingError(
            f"{path} is no recording of ROS 2: topic {other.topic} has messages encoded as {other.message_encoding!r}, "
            "where ROS 2 has 'cdr'"
        )
    return made


def open_all(paths: Sequence[Path]) -> tuple[list[McapFile], list[str]]:
    """What is in those of `paths` that can be read, and a sentence on each of the others; `RecordingError` where that
    is none of them."""
    files: list[McapFile] = []
    errors: list[tuple[Path, RecordingError]] = []
    for path in paths:
        try:
            files.append(open_mcap(path))
        except RecordingError as error:
            errors.append((path, error))
    if errors and not files:
        raise errors[0][1]
    return files, [f"{error}; nothing of its {path.stat().st_size} bytes is used" for path, error in errors]


def parsed(kind: Any, body: bytes) -> Any:
    """A record of the mcap library from its content."""
    return kind.read(ReadDataStream(BytesIO(body)))


def _check_profile(path: Path, body: bytes) -> None:
    profile = parsed(Header, body).profile
    if profile not in (PROFILE, ""):
        raise RecordingError(f"{path} is no recording of ROS 2: its profile is {profile!r}")


def _summarised(file: Any, into: McapFile) -> bool:
    """Fill `into` from the summary at the end; False where there is none that can be trusted."""
    if into.size < 2 * len(MAGIC) + _FOOTER.size:
        return False
    tail = os.pread(file.fileno(), _FOOTER.size + len(MAGIC), into.size - _FOOTER.size - len(MAGIC))
    if tail[-len(MAGIC) :] != MAGIC:
        return False
    opcode, length, start, _, crc = _FOOTER.unpack_from(tail)
    stop = into.size - len(tail)
    if opcode != Opcode.FOOTER or length != 20 or not 0 < start <= stop:
        return False
    data = os.pread(file.fileno(), stop - start, start)
    if crc and zlib.crc32(tail[:-12], zlib.crc32(data)) != crc:
        return False
    ids: dict[bytes, frozenset[int]] = {}
    total = None
    try:
        head = os.pread(file.fileno(), 4096, len(MAGIC))
        _check_profile(into.path, head[9 : 9 + _HEAD.unpack_from(head)[1]])
        for opcode, at, length in _records(data):
            if opcode == Opcode.CHUNK_INDEX:
                first, last, offset, size, n = _INDEX.unpack_from(data, at)
                key = np.frombuffer(data, _IDS, n // 10, at + _INDEX.size)["id"].tobytes()
                if key not in ids:
                    ids[key] = frozenset(np.frombuffer(key, "<u2").tolist())
                into.chunks.append(Chunk(first, last, offset, size, ids[key] or None))
            elif opcode == Opcode.STATISTICS:
                total = parsed(Statistics, data[at : at + length])
            elif opcode == Opcode.ATTACHMENT_INDEX:
                index = parsed(AttachmentIndex, data[at : at + length])
                into.attachments.append((index.offset, index.length))
            else:
                _define(into, opcode, data[at : at + length])
    except _DAMAGE:
        return False
    if total is None or len(into.chunks) != total.chunk_count or (total.message_count and not into.chunks):
        return False
    into.counts = {k: n for k, n in total.channel_message_counts.items() if n}
    if set(into.counts) - set(into.channels):
        return False
    into.first_ns, into.last_ns = total.message_start_time, total.message_end_time
    into.finished = True
    return True


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Opcode, offset and length of the content of each whole record in `data`."""
    at, size = 0, len(data)
    while at + 9 <= size:
        opcode, length = _HEAD.unpack_from(data, at)
        if at + 9 + length > size:
            return
        yield opcode, at + 9, length
        at += 9 + length


def _define(into: McapFile, opcode: int, body: bytes) -> None:
    if opcode == Opcode.SCHEMA:
        schema = parsed(Schema, body)
        into.schemas[schema.id] = schema
    elif opcode == Opcode.CHANNEL:
        channel = parsed(Channel, body)
        into.channels[channel.id] = channel


def _content(file: Any, chunk: Chunk) -> bytes:
    """The records in a chunk; of one that is cut off, what can still be had."""
    data = os.pread(file.fileno(), chunk.length, chunk.offset)
    if chunk.bare:
        return data
    _, _, plain_size, crc, n = _CHUNK.unpack_from(data, 9)
    at = 9 + _CHUNK.size + n
    name, (size,) = data[at - n : at].decode("ascii"), struct.unpack_from("<Q", data, at)
    whole, body = len(data) >= at + 8 + size, data[at + 8 : at + 8 + size]
    if plain_size > LARGEST:
        raise ValueError(f"a chunk of {plain_size} bytes")
    plain = body
    if name == "zstd":
        plain = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    elif name == "lz4":
        plain = lz4.frame.LZ4FrameDecompressor().decompress(body)
    elif name:
        raise ValueError(f"compressed as {name!r}, where zstd and lz4 are known")
    if whole and (len(plain) != plain_size or (crc and zlib.crc32(plain) != crc)):
        raise ValueError("checksum")
    return plain


def _walk(file: Any, into: McapFile) -> None:
    """Fill `into` from the records themselves, as far as they go."""
    window, size = _Window(file, into.size), into.size
    at = len(MAGIC) if size >= len(MAGIC) else 0
    told: dict[int, int] = {}
    """Messages by channel in the newest chunk, as the indexes behind it say."""
    while at + 9 <= size:
        head = window.get(at, _MESSAGE.size)
        opcode, length = _HEAD.unpack_from(head)
        stop = at + 9 + length
        cut = stop > size
        if opcode == 0 or (cut and opcode != Opcode.CHUNK) or opcode == Opcode.DATA_END:
            at = size if opcode == Opcode.DATA_END else at
            break
        try:
            if opcode == Opcode.MESSAGE:
                _settle(file, into, told)
                _, _, channel, _, log_ns, _ = _MESSAGE.unpack(head)
                _add_bare(into, channel, log_ns, at, stop)
            elif opcode == Opcode.CHUNK:
                _settle(file, into, told)
                first, last, *_ = _CHUNK.unpack(window.get(at + 9, _CHUNK.size))
                into.chunks.append(Chunk(first, last, at, min(stop, size) - at, None))
            elif opcode == Opcode.MESSAGE_INDEX:
                channel, n = struct.unpack("<HI", window.get(at + 9, 6))
                told[channel] = n // 16
            elif opcode == Opcode.ATTACHMENT:
                into.attachments.append((at, 9 + length))
            elif opcode == Opcode.HEADER:
                _check_profile(into.path, window.get(at + 9, length))
            else:
                _define(into, opcode, window.get(at + 9, length))
        except _DAMAGE:
            break
        at = min(stop, size)
    into.unusable += size - at
    _settle(file, into, {})  # indexes of the last chunk may have been cut off
    into.faults.append(
        f"{into.path.name} ends without its index"
        + (f", and {into.unusable} bytes at its end hold nothing that can be read" if into.unusable else "")
    )
    if into.chunks:
        into.first_ns, into.last_ns = min(c.first_ns for c in into.chunks), max(c.last_ns for c in into.chunks)


def _settle(file: Any, into: McapFile, told: dict[int, int]) -> None:
    """Count the newest chunk: by its indexes, or where they are missing or name unknown channels, by looking inside."""
    if not into.chunks or into.chunks[-1].bare or into.chunks[-1].channels is not None:
        told.clear()
        return
    chunk = into.chunks.pop()
    counts = dict(told)
    told.clear()
    if not counts or set(counts) - set(into.channels):
        try:
            data = _content(file, chunk)
            for opcode, at, length in _records(data):
                _define(into, opcode, data[at : at + length])
            inside = into._inside(data, into.channels)
        except _DAMAGE as error:
            if chunk.offset + chunk.length < into.size:
                into._damaged(chunk, error)
            else:  # cut off
                into.unusable += chunk.length
            return
        counts = Counter(m.channel for m in inside)
        if not inside:
            into.unusable += chunk.length
            return
        chunk = chunk._replace(first_ns=min(m.log_ns for m in inside), last_ns=max(m.log_ns for m in inside))
    into.chunks.append(chunk._replace(channels=frozenset(counts)))
    for channel, n in counts.items():
        into.counts[channel] = into.counts.get(channel, 0) + n


def _add_bare(into: McapFile, channel: int, log_ns: int, at: int, stop: int) -> None:
    """A message outside of chunks: one more of a run of such."""
    into.counts[channel] = into.counts.get(channel, 0) + 1
    run = into.chunks[-1] if into.chunks else None
    if run is not None and run.bare and run.offset + run.length == at and run.length < WINDOW:
        first, last = min(run.first_ns, log_ns), max(run.last_ns, log_ns)
        into.chunks[-1] = run._replace(first_ns=first, last_ns=last, length=stop - run.offset)
    else:
        into.chunks.append(Chunk(log_ns, log_ns, at, stop - at, None, bare=True))


class _Window:
    """Bytes of a file by offset, read ahead."""

    def __init__(self, file: Any, size: int) -> None:
        self._file, self._size = file.fileno(), size
        self._at, self._data = 0, b""

    def get(self, at: int, n: int) -> bytes:
        """Fewer than `n` at the end of the file."""
        if not self._at <= at <= at + n <= self._at + len(self._data):
            self._at, self._data = at, os.pread(self._file, max(n, WINDOW), at)
        return self._data[at - self._at : at - self._at + n]

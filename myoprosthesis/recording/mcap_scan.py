"""Scan of an MCAP file without an index, from record to record.

Chunks are not opened where their indexes list their content; after damaged bytes the scan goes on at the next valid
record.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from typing import Any

import numpy as np
from mcap.opcode import Opcode
from mcap.records import Attachment, Channel, Header, Metadata, Schema

from myoprosthesis.recording.mcap_file import (
    CHUNK,
    DAMAGE,
    HEAD,
    MESSAGE,
    Chunk,
    McapFile,
    check_profile,
    content,
    define,
    parsed,
    records,
)
from myoprosthesis.recording.mcap_writer import MAGIC

WINDOW = 1 << 18


def scan(file: Any, into: McapFile) -> None:
    """Fill `into` from the records themselves; behind damaged bytes, from the next record that is sound."""
    window, size = _Window(file, into.size), into.size
    at = len(MAGIC) if size >= len(MAGIC) else 0
    indexed: dict[int, int] = {}
    """Messages by channel in the newest chunk, as the indexes behind it say."""
    while at + 9 <= size:
        stop = _end_of_record(window, at, into)
        if not stop:
            _settle(file, into, {})  # its indexes may be among what is damaged
            indexed.clear()
            behind = _next_sound(window, at + 1, into)
            if behind >= size:
                break
            _leave_out(into, at, behind, "are damaged")
            at = behind
            continue
        opcode, length = HEAD.unpack_from(window.get(at, 9))
        if opcode in (Opcode.DATA_END, Opcode.FOOTER):
            at = size
            break
        body = at + 9
        if opcode == Opcode.MESSAGE:
            _settle(file, into, indexed)
            _, _, channel, _, log_ns, _ = MESSAGE.unpack(window.get(at, MESSAGE.size))
            _add_bare(into, channel, log_ns, at, stop)
        elif opcode == Opcode.CHUNK:
            _settle(file, into, indexed)
            first, last, *_ = CHUNK.unpack(window.get(body, CHUNK.size))
            into.chunks.append(Chunk(first, last, at, min(stop, size) - at, None))
        elif opcode == Opcode.MESSAGE_INDEX:
            channel, n = struct.unpack("<HI", window.get(body, 6))
            indexed[channel] = n // 16
        elif opcode == Opcode.ATTACHMENT:
            into.attachments.append((at, 9 + length))
        elif opcode == Opcode.HEADER:
            check_profile(into.path, window.get(body, length))
        elif opcode > Opcode.DATA_END:
            _leave_out(into, at, stop, f"are a record of an unknown kind (0x{opcode:02x})")
        else:
            define(into, opcode, window.get(body, length))
        at = min(stop, size)
    into.unusable += size - at
    before = into.unusable
    _settle(file, into, {})  # indexes of the last chunk may have been cut off
    tail = size - at + into.unusable - before
    into.faults.append(
        f"{into.path.name} ends without its index"
        + (f", and {tail} bytes at its end hold nothing that can be read" if tail else "")
    )
    into.unusable_messages += sum(n for channel, n in into.counts.items() if channel not in into.channels)
    if into.unusable_messages:
        into.faults.append(
            f"{into.path.name}: {into.unusable_messages} messages cannot be read, because the record that says what "
            "they are is damaged"
        )
    into.counts = {channel: n for channel, n in into.counts.items() if channel in into.channels}
    if into.chunks:
        into.first_ns, into.last_ns = min(c.first_ns for c in into.chunks), max(c.last_ns for c in into.chunks)


def _leave_out(into: McapFile, start: int, stop: int, why: str) -> None:
    into.unusable += stop - start
    into.faults.append(f"{into.path.name}: {stop - start} bytes at {start} {why} and are left out")


_SUMMARY = frozenset(
    (Opcode.STATISTICS, Opcode.CHUNK_INDEX, Opcode.ATTACHMENT_INDEX, Opcode.METADATA_INDEX, Opcode.SUMMARY_OFFSET)
)
"""Records that stand only behind the end of the data."""
_DATA = frozenset(map(int, Opcode)) - _SUMMARY
_PARSED: dict[int, Any] = {
    Opcode.HEADER: Header,
    Opcode.SCHEMA: Schema,
    Opcode.CHANNEL: Channel,
    Opcode.ATTACHMENT: Attachment,
    Opcode.METADATA: Metadata,
}
_SMALLEST: dict[int, int] = {Opcode.MESSAGE: 22, Opcode.MESSAGE_INDEX: 6, Opcode.DATA_END: 4, Opcode.FOOTER: 20}


def _end_of_record(window: _Window, at: int, into: McapFile) -> int:
    """Where the record at `at` ends when it is sound as far as can be seen without reading its content, else 0.

    A chunk may end behind the end of the file, which was cut off then.
    """
    size = into.size
    opcode, length = HEAD.unpack_from(window.get(at, 9))
    stop = at + 9 + length
    if opcode == Opcode.CHUNK:
        return _end_of_chunk(window, at, size)
    if stop > size or length < _SMALLEST.get(opcode, 0) or not (opcode in _DATA or opcode >= 0x80):
        return 0
    if opcode == Opcode.MESSAGE_INDEX:
        (n,) = struct.unpack("<I", window.get(at + 11, 4))
        return stop if n == length - 6 and n % 16 == 0 else 0
    if opcode in _PARSED:
        try:
            parsed(_PARSED[opcode], window.get(at + 9, length))
        except DAMAGE:
            return 0
    return stop


def _end_of_chunk(window: _Window, at: int, size: int) -> int:
    """As `_end_of_record`.

    The length of the record and that of what is compressed in it must agree, or the one of them behind which a record
    follows is taken.
    """
    if at + 9 + CHUNK.size > size:
        return 0
    _, length = HEAD.unpack_from(window.get(at, 9))
    first, last, _, _, n = CHUNK.unpack(window.get(at + 9, CHUNK.size))
    if first > last or n > 4 or window.get(at + 9 + CHUNK.size, n) not in (b"", b"lz4", b"zstd"):
        return 0
    where = at + 9 + CHUNK.size + n
    if where + 8 > size:
        return 0
    (packed,) = struct.unpack("<Q", window.get(where, 8))
    ends = {at + 9 + length, where + 8 + packed}
    if len(ends) == 1:
        return ends.pop()
    likely = [stop for stop in sorted(ends) if stop + 9 <= size and window.get(stop, 1)[0] in _DATA]
    return likely[0] if len(likely) == 1 else 0


def _next_sound(window: _Window, at: int, into: McapFile) -> int:
    """Where the next two sound records in a row begin, or one that reaches to the end of the file; that end if none."""
    size = into.size
    while at + 9 <= size:
        data = window.ahead(at)
        heads = np.frombuffer(data, np.uint8)
        n = len(heads) - 8
        opcode = heads[:n]
        likely = np.isin(opcode, list(_DATA))
        for k in range(5, 9):  # no record is larger than 4 GiB
            likely &= heads[k : n + k] == 0
        for k in np.flatnonzero(likely).tolist():
            stop = _end_of_record(window, at + k, into)
            if not stop:
                continue
            if stop >= size or (stop + 9 <= size and _end_of_record(window, stop, into)):
                return at + int(k)
        at += n
    return size


def _settle(file: Any, into: McapFile, index_counts: dict[int, int]) -> None:
    """Count the newest chunk: by its indexes, or where they are missing or name unknown channels, by looking inside."""
    if not into.chunks or into.chunks[-1].bare or into.chunks[-1].channels is not None:
        index_counts.clear()
        return
    chunk = into.chunks.pop()
    counts = dict(index_counts)
    index_counts.clear()
    if not counts or set(counts) - set(into.channels):
        try:
            data = content(file, chunk)
            for opcode, at, length in records(data):
                define(into, opcode, data[at : at + length])
            inside = into.inside(data)
        except DAMAGE as error:
            if chunk.offset + chunk.length < into.size:
                into.damaged(chunk, error)
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

    def ahead(self, at: int) -> bytes:
        """All that is read ahead from `at` on: at least 9 bytes, where the file has them."""
        self.get(at, min(WINDOW, self._size - at))
        return self._data[at - self._at :]

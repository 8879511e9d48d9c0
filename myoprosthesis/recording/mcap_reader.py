"""Opening MCAP files of ROS 2: one that was finished tells all in the summary at its end; any other is scanned."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mcap.opcode import Opcode
from mcap.records import AttachmentIndex, Statistics

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.recording.mcap_file import (
    DAMAGE,
    FOOTER,
    HEAD,
    IDS,
    INDEX,
    Chunk,
    McapFile,
    check_profile,
    define,
    parsed,
    records,
)
from myoprosthesis.recording.mcap_scan import scan
from myoprosthesis.recording.mcap_writer import MAGIC


def open_mcap(path: Path) -> McapFile:
    """Contents of `path`; raises `RecordingError` when that is no MCAP file of ROS 2."""
    try:
        with open(path, "rb", buffering=0) as file:
            made = McapFile(path, os.fstat(file.fileno()).st_size)
            head = file.read(len(MAGIC))
            if head != MAGIC[: len(head)]:
                raise RecordingError(f"{path} is no MCAP file")
            if not _summarised(file, made):
                made = McapFile(path, made.size)
                scan(file, made)
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
    """Contents of the readable files of `paths`, and a sentence on each of the others.

    `RecordingError` where that is none of them.
    """
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


def _summarised(file: Any, into: McapFile) -> bool:
    """Fill `into` from the summary at the end; False where there is none that can be trusted."""
    if into.size < 2 * len(MAGIC) + FOOTER.size:
        return False
    tail = os.pread(file.fileno(), FOOTER.size + len(MAGIC), into.size - FOOTER.size - len(MAGIC))
    if tail[-len(MAGIC) :] != MAGIC:
        return False
    opcode, length, start, _, crc = FOOTER.unpack_from(tail)
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
        check_profile(into.path, head[9 : 9 + HEAD.unpack_from(head)[1]])
        for opcode, at, length in records(data):
            if opcode == Opcode.CHUNK_INDEX:
                first, last, offset, size, n = INDEX.unpack_from(data, at)
                key = np.frombuffer(data, IDS, n // 10, at + INDEX.size)["id"].tobytes()
                if key not in ids:
                    ids[key] = frozenset(np.frombuffer(key, "<u2").tolist())
                into.chunks.append(Chunk(first, last, offset, size, ids[key] or None))
            elif opcode == Opcode.STATISTICS:
                total = parsed(Statistics, data[at : at + length])
            elif opcode == Opcode.ATTACHMENT_INDEX:
                index = parsed(AttachmentIndex, data[at : at + length])
                into.attachments.append((index.offset, index.length))
            else:
                define(into, opcode, data[at : at + length])
    except DAMAGE:
        return False
    if total is None or len(into.chunks) != total.chunk_count or (total.message_count and not into.chunks):
        return False
    places = [*((c.offset, c.length) for c in into.chunks), *into.attachments]
    if any(offset + length > into.size for offset, length in places):
        return False
    into.counts = {k: n for k, n in total.channel_message_counts.items() if n}
    if set(into.counts) - set(into.channels):
        return False
    into.first_ns, into.last_ns = total.message_start_time, total.message_end_time
    into.finished = True
    return True

"""Making recordings whole again that were cut off: the index at the end of each file, and the folder's metadata."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.recording.mcap_reader import McapFile, open_all, open_mcap
from myoprosthesis.recording.mcap_writer import McapWriter
from myoprosthesis.recording.metadata import files_of, write_metadata


@dataclass(frozen=True)
class Repaired:
    """What was done to one file."""

    path: Path
    messages: int
    """Messages that it has now."""
    unusable_bytes: int
    unusable_messages: int
    """Messages that its indexes tell of and that could not be read; those cut off with their indexes are unknown."""

    def __str__(self) -> str:
        lost = f"{self.unusable_bytes} bytes" if self.unusable_bytes else "nothing"
        more = f", with {self.unusable_messages} messages" if self.unusable_messages else ""
        return f"{self.path.name}: {self.messages} messages are kept, {lost} of it could not be used{more}"


def repair(folder: Path) -> list[Repaired]:
    """Give every file without a sound index a new one, and the folder its metadata; the files that were mended.
    What is no recording is left as it is.

    A file is written anew beside the old one and then takes its place, so that nothing is worse off when this is
    interrupted.
    """
    files, _ = open_all(files_of(folder))
    if not files:
        raise RecordingError(f"{folder} is no recording: there is no .mcap file in it")
    done = []
    for k, file in enumerate(files):
        if not file.finished:
            done.append(_mend(file))
            files[k] = open_mcap(file.path)
    write_metadata(folder, files)
    return done


def _mend(file: McapFile) -> Repaired:
    new = file.path.with_name(file.path.name + ".new")
    new.unlink(missing_ok=True)
    told, kept = file.messages, 0
    try:
        writer = McapWriter(new)
        try:
            for one in file.attached():
                writer.attach(one.name, one.data, one.log_time, one.media_type)
            for channel in file.channels.values():
                writer.define(channel, file.schemas.get(channel.schema_id))
            for message in file.read():
                writer.add(message.channel, message.log_ns, message.publish_ns, message.data, message.number)
                kept += 1
        finally:
            writer.close()
        os.replace(new, file.path)
    except OSError as error:
        raise RecordingError(f"{file.path} cannot be mended: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
    return Repaired(file.path, kept, file.unusable, max(0, told - kept))

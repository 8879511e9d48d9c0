"""Making recordings whole again that were cut off: the index at the end of each file, and the folder's metadata."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from myoprosthesis.core.errors import RecordingError, UnreadableRecording
from myoprosthesis.recording.mcap_file import McapFile
from myoprosthesis.recording.mcap_reader import open_all, open_mcap
from myoprosthesis.recording.mcap_writer import McapWriter
from myoprosthesis.recording.metadata import files_of, without_files, write_metadata


@dataclass(frozen=True)
class Repaired:
    """What was done to one file."""

    path: Path
    original: Path
    """Where the file is as it was before."""
    messages: int
    """Messages that it has now."""
    unusable_bytes: int
    unusable_messages: int
    """Messages of its indexes that could not be read; those cut off with their indexes are unknown."""

    def __str__(self) -> str:
        if self.unusable_bytes or self.unusable_messages:
            known = f" and at least {self.unusable_messages} messages" if self.unusable_messages else ""
            lost = f"{self.unusable_bytes} bytes{known} could not be read and are missing in it"
        else:
            lost = "all that the file has was read (what would have followed its end is not in it)"
        return f"{self.path.name}: all {self.messages} readable messages are kept, {lost}; before: {self.original.name}"


def repair(folder: Path) -> list[Repaired]:
    """Give every file without a sound index a new one, and the folder its metadata; the files that were mended.

    A file is rewritten beside the old one, which is kept as `<name>.original`. A file without a readable message is
    left as it is; raises `UnreadableRecording` if there is no other.
    """
    files, _ = open_all(files_of(folder))
    if not files:
        raise RecordingError(without_files(folder))
    broken = [k for k, file in enumerate(files) if not file.finished]
    done = []
    for k in broken:
        if files[k].messages:
            done.append(_mend(files[k]))
            files[k] = open_mcap(files[k].path)
    if broken and not done:
        names = ", ".join(files[k].path.name for k in broken)
        raise UnreadableRecording(f"{folder}: no message of {names} can be read; nothing was changed")
    write_metadata(folder, files)
    return done


def _mend(file: McapFile) -> Repaired:
    new = file.path.with_name(file.path.name + ".new")
    new.unlink(missing_ok=True)
    count, kept = file.messages, 0
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
        original = _free(file.path)
        os.link(file.path, original)
        os.replace(new, file.path)
    except OSError as error:
        raise RecordingError(f"{file.path} cannot be mended: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
    return Repaired(file.path, original, kept, file.unusable, file.unusable_messages + max(0, count - kept))


def _free(path: Path) -> Path:
    """`<name>.original`, or with a number where that is taken."""
    taken = path.with_name(path.name + ".original")
    k = 2
    while taken.exists():
        taken, k = path.with_name(f"{path.name}.original{k}"), k + 1
    return taken

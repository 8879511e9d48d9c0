"""`metadata.yaml` of a rosbag2 folder, version 9: written for other tools, and read for the order of the files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from myoprosthesis.core.distribution import ros_distro
from myoprosthesis.core.errors import ConfigError, RecordingError
from myoprosthesis.files import yaml_text
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.recording.mcap_file import McapFile

FILE = "metadata.yaml"
VERSION = 9
QOS, HASH = "offered_qos_profiles", "topic_type_hash"
"""Keys of a channel's metadata."""
LOG_TIME, SIMULATED = "log_time", "simulated"
"""Key and value of a channel whose messages are filed under simulated time, and were published when received."""


def write_metadata(folder: Path, files: Sequence[McapFile]) -> None:
    """Tell in `folder` what is in its files, whole or not at all."""
    topics: dict[str, dict[str, Any]] = {}
    for file in files:
        for channel in file.channels.values():
            schema = file.schemas.get(channel.schema_id)
            entry = topics.setdefault(channel.topic, {"topic_metadata": {}, "message_count": 0})
            entry["topic_metadata"] = {
                "name": channel.topic,
                "type": schema.name if schema else "",
                "serialization_format": channel.message_encoding,
                "offered_qos_profiles": _profiles(channel.metadata.get(QOS, "")),
                "type_description_hash": channel.metadata.get(HASH, ""),
            }
            entry["message_count"] += file.counts.get(channel.id, 0)
    full = [f for f in files if f.messages]
    first, last = min((f.first_ns for f in full), default=0), max((f.last_ns for f in full), default=0)
    information = {
        "version": VERSION,
        "storage_identifier": "mcap",
        **_times(first, last),
        "message_count": sum(f.messages for f in files),
        "topics_with_message_count": list(topics.values()),
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [f.path.name for f in files],
        "files": [{"path": f.path.name, **_times(f.first_ns, f.last_ns), "message_count": f.messages} for f in files],
        "custom_data": None,
        "ros_distro": ros_distro(),
    }
    text = yaml.safe_dump({"rosbag2_bagfile_information": information}, sort_keys=False)
    write_atomic(folder / FILE, text, RecordingError)


def _profiles(text: str) -> Any:
    """Qualities of service as a channel tells them, or none where that is no YAML."""
    try:
        return yaml_text.parse(text, QOS) or []
    except ConfigError:
        return []


def files_of(folder: Path) -> list[Path]:
    """The MCAP files of a recording in their order: as its metadata list them, then those that they do not know of."""
    there = sorted((p for p in folder.glob("*.mcap") if p.is_file()), key=_natural)
    try:
        information = yaml_text.read(folder / FILE)["rosbag2_bagfile_information"]
        listed = [folder / Path(str(name)).name for name in information["relative_file_paths"]]
    except (KeyError, TypeError, ConfigError):
        listed = []
    listed = [p for p in listed if p in there]
    return [*listed, *(p for p in there if p not in listed)]


def without_files(folder: Path) -> str:
    """A sentence on a folder, or a file, that has no MCAP file."""
    other = [folder] if folder.is_file() else sorted(folder.glob("*.db3"))
    if other:
        return (
            f"{folder} holds SQLite ({other[0].name}), a recording is MCAP: `myoprosthesis emg info {other[0]}` and "
            "whatever reads EMG from files take it, `ros2 bag convert` makes MCAP of it"
        )
    return f"{folder} is no recording: there is no .mcap file in it"


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _times(first_ns: int, last_ns: int) -> dict[str, Any]:
    return {
        "duration": {"nanoseconds": last_ns - first_ns},
        "starting_time": {"nanoseconds_since_epoch": first_ns},
    }

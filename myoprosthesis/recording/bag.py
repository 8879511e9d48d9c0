"""Reader of a recording: topics, messages in order of their receipt, whole tables of JointState at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import CommandError, RecordingError, unknown
from myoprosthesis.core.joint_state import JointStateFrame, JointStateReader, JointStateTable, stacked
from myoprosthesis.recording import message_decoding
from myoprosthesis.recording.mcap_file import McapFile
from myoprosthesis.recording.mcap_reader import open_all
from myoprosthesis.recording.metadata import LOG_TIME, QOS, SIMULATED, files_of, without_files

JOINT_STATE, TEXT, STATUS = "sensor_msgs/msg/JointState", "std_msgs/msg/String", "diagnostic_msgs/msg/DiagnosticStatus"
FOR_EVER_NS = 1 << 63
ROWS = 2048
"""Messages in a table, at most."""


class Message(NamedTuple):
    """A message of a recording.

    Topic, the two times of its file (ns), bytes in CDR, the file it is in, its publisher's number (0: not known), and
    whether it is filed under simulated time.
    """

    topic: str
    log_ns: int
    publish_ns: int
    data: bytes
    file: int
    number: int
    simulated: bool = False

    @property
    def stamp_ns(self) -> int:
        """Of its header, or when it was received where it has none (in simulated time: the simulated time then)."""
        return self.log_ns if self.simulated else self.publish_ns

    @property
    def received_ns(self) -> int:
        """When it was received, by the clock on the wall."""
        return self.publish_ns if self.simulated else self.log_ns


@dataclass(frozen=True, eq=False)
class BagTable:
    """JointState messages of one topic and one file, with the same names, in order: see `JointStateTable`."""

    topic: str
    file: int
    log_ns: NDArray[np.int64]
    received_ns: NDArray[np.int64]
    """By the clock on the wall."""
    stamp_ns: NDArray[np.int64]
    names: tuple[str, ...]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]


@dataclass
class BagTopic:
    """What was recorded of a topic."""

    name: str
    type: str
    count: int = 0
    channels: list[set[int]] = field(default_factory=list)
    """Its channels in each file."""
    qos: str = ""
    """What its publishers offered, as rosbag2 writes it."""
    simulated: bool = False
    """Filed under simulated time."""


class Bag:
    """A recording, given as its folder or as one of its files; raises `RecordingError` when it is none.

    Topics are named as they were published, or by the end of that name: `state` for `/left/state`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder).expanduser()
        if not self.path.exists():
            raise RecordingError(f"{folder} does not exist; a recording is a folder with .mcap files")
        if not (self.path.is_dir() or self.path.is_file()):
            raise RecordingError(f"{folder} is neither a folder nor a file: a recording is a folder with .mcap files")
        paths = files_of(self.path) if self.path.is_dir() else [self.path]
        if not paths or paths[0].suffix.lower() == ".db3":
            raise RecordingError(without_files(self.path))
        self.files: list[McapFile]
        self.files, self._foreign = open_all(paths)
        self.topics: dict[str, BagTopic] = {}
        for k, file in enumerate(self.files):
            for channel in file.channels.values():
                schema = file.schemas.get(channel.schema_id)
                topic = self.topics.setdefault(channel.topic, BagTopic(channel.topic, schema.name if schema else ""))
                topic.channels += [set() for _ in range(len(self.files) - len(topic.channels))]
                topic.channels[k].add(channel.id)
                topic.count += file.counts.get(channel.id, 0)
                topic.qos = channel.metadata.get(QOS, "")
                topic.simulated = channel.metadata.get(LOG_TIME) == SIMULATED
        self._unreadable: dict[str, int] = {}

    @property
    def faults(self) -> list[str]:
        """Faults of the recording, as far as it has been read: one sentence each."""
        out = [*self._foreign, *(fault for file in self.files for fault in file.faults)]
        return out + [f"{n} messages of {topic} are damaged" for topic, n in self._unreadable.items()]

    @property
    def first_ns(self) -> int:
        """When the first message was received."""
        return min((f.first_ns for f in self.files if f.messages), default=0)

    @property
    def last_ns(self) -> int:
        """When the last message was received."""
        return max((f.last_ns for f in self.files if f.messages), default=0)

    @property
    def zero_ns(self) -> int:
        """The instant from which times in it are counted: 0 in simulated time, else when the first message came."""
        return 0 if any(t.simulated for t in self.topics.values()) else self.first_ns

    def has(self, name: str) -> bool:
        """Whether there are messages of a topic."""
        return any(self.topics[t].count for t in self._like(name))

    def topic(self, name: str) -> BagTopic:
        """The topic of this name, or the one whose name ends with it; of several the one nearest to the root."""
        names = self._like(name)
        if not names:
            raise RecordingError(str(unknown("topic", name, self.topics)))
        depth = min(t.count("/") for t in names)
        nearest = [t for t in names if t.count("/") == depth]
        if len(nearest) > 1:
            raise RecordingError(f"topic {name!r} may be any of {', '.join(sorted(nearest))}: give its whole name")
        return self.topics[nearest[0]]

    def messages(
        self, topics: Sequence[str] | None = None, start_ns: int = 0, end_ns: int = FOR_EVER_NS
    ) -> Iterator[Message]:
        """Messages of these topics (None: of all) with start_ns <= log time < end_ns, by file and log time."""
        chosen = self.topics.values() if topics is None else [self.topic(t) for t in topics]
        for k, file in enumerate(self.files):
            names = {channel: t.name for t in chosen for channel in t.channels[k]}
            for raw in file.read(names, start_ns, end_ns) if names else ():
                name = names[raw.channel]
                simulated = self.topics[name].simulated
                yield Message(name, raw.log_ns, raw.publish_ns, raw.data, k, raw.number, simulated)

    def tables(
        self, *topics: str, start_ns: int = 0, end_ns: int = FOR_EVER_NS, rows: int = ROWS
    ) -> Iterator[BagTable]:
        """JointState messages of these topics, decoded many at a time: the order holds within a topic.

        Damaged messages are left out and counted in `faults`.
        """
        chosen = [self.topic(t) for t in topics]
        wrong = next((t for t in chosen if t.type != JOINT_STATE), None)
        if wrong is not None:
            raise RecordingError(f"{wrong.name} has messages of type {wrong.type}; {JOINT_STATE} is needed")
        for k, file in enumerate(self.files):
            names = {channel: t.name for t in chosen for channel in t.channels[k]}
            held: dict[str, tuple[list[tuple[int, int]], list[bytes]]] = {t.name: ([], []) for t in chosen}
            by_channel = {channel: held[name] for channel, name in names.items()}
            for log_ns, channel, publish_ns, data, _ in file.read(names, start_ns, end_ns) if names else ():
                times, raw = by_channel[channel]
                times.append((log_ns, publish_ns))
                raw.append(data)
                if len(raw) >= rows:
                    yield from self._decoded(names[channel], k, times, raw)
                    times.clear()
                    raw.clear()
            for name, (times, raw) in held.items():
                yield from self._decoded(name, k, times, raw)

    def joint_states(self, topic: str, start_ns: int = 0, end_ns: int = FOR_EVER_NS) -> Iterator[JointStateFrame]:
        """The JointState messages of a topic, one at a time."""
        for table in self.tables(topic, start_ns=start_ns, end_ns=end_ns):
            rows = zip(table.stamp_ns.tolist(), table.position, table.velocity, table.effort, strict=True)
            for stamp_ns, position, velocity, effort in rows:
                yield JointStateFrame(stamp_ns, table.names, position, velocity, effort)

    def texts(self, topic: str) -> Iterator[tuple[int, str]]:
        """Time of receipt and text of the std_msgs/String messages of a topic."""
        yield from ((m.log_ns, message_decoding.text(m.data)) for m in self._sound(topic, TEXT))

    def statuses(self, topic: str) -> Iterator[tuple[int, message_decoding.Status]]:
        """Time of receipt and content of the DiagnosticStatus messages of a topic."""
        yield from ((m.log_ns, message_decoding.status(m.data)) for m in self._sound(topic, STATUS))

    def attachments(self) -> dict[str, bytes]:
        """The files that were kept in it, by name; of several with the same name the last."""
        return {one.name: one.data for file in self.files for one in file.attached()}

    def _like(self, name: str) -> list[str]:
        full = "/" + name.strip("/")
        return [full] if full in self.topics else [t for t in self.topics if f"/{t.lstrip('/')}".endswith(full)]

    def _sound(self, topic: str, kind: str) -> Iterator[Message]:
        chosen = self.topic(topic)
        if chosen.type != kind:
            raise RecordingError(f"{chosen.name} has messages of type {chosen.type}; {kind} is needed")
        read = message_decoding.text if kind == TEXT else message_decoding.status
        for message in self.messages([chosen.name]):
            try:
                read(message.data)
            except RecordingError:
                self.count_damaged(chosen.name)
                continue
            yield message

    def _decoded(self, name: str, file: int, times: list[tuple[int, int]], raw: list[bytes]) -> Iterator[BagTable]:
        if not raw:
            return
        both = np.array(times, np.int64)
        try:
            parts: list[tuple[NDArray[np.int64], JointStateTable]] = []
            at = 0
            for part in stacked(raw):
                n = len(part.stamp_ns)
                parts.append((both[at : at + n], part))
                at += n
        except CommandError:  # look for the damaged ones
            parts, reader = [], JointStateReader()
            for when, data in zip(both, raw, strict=True):
                try:
                    reader.read(data)
                except CommandError:
                    self.count_damaged(name)
                    continue
                parts.append((np.array([when]), next(stacked([data]))))
        received = int(self.topics[name].simulated)
        for when, s in parts:
            if any(row.shape[1] not in (0, len(s.names)) for row in (s.position, s.velocity, s.effort)):
                self.count_damaged(name, len(when))  # with values that no name belongs to
                continue
            instants = when[:, 0], when[:, received], s.stamp_ns
            yield BagTable(name, file, *instants, s.names, s.position, s.velocity, s.effort)

    def count_damaged(self, topic: str, number: int = 1) -> None:
        """Keep account of messages that could not be decoded, for `faults`."""
        self._unreadable[topic] = self._unreadable.get(topic, 0) + number

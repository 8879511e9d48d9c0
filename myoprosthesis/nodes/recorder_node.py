"""The recorder node: everything that a stack says, into a rosbag2 recording."""

from __future__ import annotations

import importlib
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.node_main import run, say
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.recorder_loop import AUTO, SIMULATED, WALL, Line, RecorderLoop
from myoprosthesis.nodes.timers import every
from myoprosthesis.nodes.wait_set import PolledSubscriptions
from myoprosthesis.recording.bag_writer import BagWriter

DEPTH = 5000
"""Messages of a topic that may wait: those of a second at least."""
DISCOVER_S = 0.2
SETTLED_S = 0.7
"""This long after a publisher was discovered it knows of us, too: some look twice a second for subscribers."""
NEEDED = (topics.STATE, topics.COMMAND, topics.APPLIED)
"""Topics that must be received before the recorder is ready."""
NEVER = ("/rosout", "/parameter_events")
NEVER_ENDS = ("/transition_event", "/markers", f"/{topics.HEARTBEAT.name}", f"/{topics.RECORDER_ACTIVE.name}")


@dataclass(frozen=True)
class RecorderNodeOptions:
    """Parameters of the recorder node."""

    folder: str = option("", "the folder of the recording; a new file in it, when there are some", file="path")
    views: bool = option(False, "also record the conventional views, which repeat `state`")
    flush_s: float = option(0.05, "what came before that is safe when the recorder is killed", "s", 0.005, 10.0)
    clock: str = option(
        AUTO, "time under which messages are filed; auto: simulated time in lockstep, else when they were received",
        choices=(AUTO, WALL, SIMULATED),
    )  # fmt: skip
    attachments: tuple[str, ...] = option((), "files to be kept in the recording", file="path")
    autostart: bool = option(True, "configure and activate at once")


def attachments(paths: tuple[str, ...]) -> dict[str, bytes]:
    """Files by name; raises `ConfigError` for one that cannot be read."""
    out = {}
    for path in map(Path, paths):
        try:
            out[path.name] = path.expanduser().read_bytes()
        except OSError as error:
            raise ConfigError(f"attachment {path} cannot be read: {error.strerror}") from error
    return out


class RecorderNode(LoopNode):
    """Subscribes to what is known beforehand, and to what else appears below its namespace.

    `recorder/active` (latched) tells what is recorded.
    """

    loop: RecorderLoop | None

    def __init__(self) -> None:
        super().__init__("recorder")
        declare(self, ("", RecorderNodeOptions))
        self._options = read(self, RecorderNodeOptions)
        self.check_parameters(RecorderNodeOptions)
        self._diagnostics = Diagnostics(self, "recorder")
        t = topics.RECORDER_ACTIVE
        self._publisher = self.create_publisher(t.type, t.name, t.qos)
        self._known: set[str] = set()
        self._since: dict[str, float] = {}
        self._reported: Any = None
        every(self, DISCOVER_S, self._discover)
        every(self, 1.0, self._report)
        if self._options.autostart:
            self.autostart()

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """What comes is recorded."""
        done = super().on_activate(state)
        self._discover()
        return done

    def _configure(self) -> None:
        o = self._options = read(self, RecorderNodeOptions)
        if not o.folder:
            raise ConfigError("the recorder needs a folder to record into: set its parameter folder")
        writer = BagWriter(Path(o.folder).expanduser(), attachments(o.attachments))
        self.loop = RecorderLoop(
            writer, o.flush_s, partial(say, self), o.clock, self.resolve_topic_name(topics.STATE.name)
        )
        self.loop.active = False
        self._inputs, self._known, self._since, self._reported = PolledSubscriptions(self), set(), {}, None
        for topic in (*topics.PRIMARY, *(topics.VIEWS if o.views else ())):
            package = topic.type.__module__.split(".")[0]
            name = self.resolve_topic_name(topic.name)
            self._record(self.loop, name, topic.type, topic.qos, f"{package}/msg/{topic.type.__name__}")
        self.loop.start(self.thread)

    def _record(self, loop: RecorderLoop, name: str, kind: Any, offered: QoSProfile, kind_name: str) -> None:
        """Record this topic from now on."""
        qos = topics.reliable(DEPTH)
        qos.reliability, qos.durability = offered.reliability, offered.durability
        subscription = self._inputs.subscribe(topics.Topic(name, kind, qos), raw=True)
        self._known.add(name)
        take = partial(PolledSubscriptions.drain, subscription, DEPTH)
        loop.lines.append(Line(name, kind_name, [as_yaml(offered)], take))

    def _discover(self) -> None:
        """Subscribe to topics that have appeared, and report those with a publisher."""
        if self.loop is None:
            return
        space = self.get_namespace().rstrip("/") + "/"
        for name, kinds in self.get_topic_names_and_types():
            if name not in self._known and name.startswith(space) and self._wanted(name):
                self._find(self.loop, name, kinds[0])
        now = time.monotonic()
        self._since = {name: self._since.get(name, now) for name in self._known if self.count_publishers(name)}
        received = self._received()
        status = (self._text(self.loop), received, self._complete(self.loop, set(received)))
        if status != self._reported:
            self._reported = status
            self._publish(self.loop)

    def _received(self) -> list[str]:
        """Topics of which nothing is lost any more."""
        before = time.monotonic() - SETTLED_S
        return sorted(name for name, since in self._since.items() if since <= before)

    def _find(self, loop: RecorderLoop, name: str, kind: str) -> None:
        publishers = self.get_publishers_info_by_topic(name)
        if not publishers:
            return
        self._known.add(name)
        package, _, short = kind.partition("/msg/")
        try:
            message_type = getattr(importlib.import_module(f"{package}.msg"), short)
        except (ImportError, AttributeError):
            say(self, "warning", f"{name} is not recorded: its type {kind} is not known on this machine")
            return
        offered = QoSProfile(depth=1)
        profiles = [p.qos_profile for p in publishers]
        if any(p.reliability != ReliabilityPolicy.RELIABLE for p in profiles):
            offered.reliability = ReliabilityPolicy.BEST_EFFORT
        if all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles):
            offered.durability = DurabilityPolicy.TRANSIENT_LOCAL
        self._record(loop, name, message_type, offered, kind)

    def _wanted(self, name: str) -> bool:
        if name in NEVER or name.endswith(NEVER_ENDS):
            return False
        views = tuple(f"/{t.name.lstrip('/')}" for t in topics.VIEWS)
        return self._options.views or not name.endswith(views)

    def _values(self, loop: RecorderLoop) -> dict[str, Any]:
        space, received = self.get_namespace().rstrip("/") + "/", self._received()
        return {
            "folder": str(loop.writer.folder),
            "file": loop.writer.path.name,
            "ready": loop.active and not loop.fault and self._complete(loop, set(received)),
            "matched": [name.removeprefix(space) for name in received],
            "received": {line.name.removeprefix(space): line.received for line in list(loop.lines) if line.received},
            "missing": {line.name.removeprefix(space): line.missing for line in list(loop.lines) if line.missing},
            "lost": loop.writer.lost,
            "fault": loop.fault,
        }

    def _complete(self, loop: RecorderLoop, received: set[str]) -> bool:
        """True when the publishers of the loops are known, and a state has been received.

        A process that replaces a killed one receives nothing for a second, until Fast DDS has noticed.
        """
        state = self.resolve_topic_name(topics.STATE.name)
        come = any(line.received for line in loop.lines if line.name == state)
        return come and {self.resolve_topic_name(t.name) for t in NEEDED} <= received

    def _text(self, loop: RecorderLoop) -> tuple[str, bytes]:
        if loop.fault:
            return loop.fault, diagnostic_status.ERROR
        if not loop.active:
            return "not active", diagnostic_status.OK
        return "recording", diagnostic_status.WARN if any(line.missing for line in loop.lines) else diagnostic_status.OK

    def _publish(self, loop: RecorderLoop) -> None:
        text, level = self._text(loop)
        self._publisher.publish(diagnostic_status.status("recorder", text, self._values(loop), level))

    def _report(self) -> None:
        if self.loop is None:
            return
        text, level = self._text(self.loop)
        self._diagnostics.tell(text, self._values(self.loop), level)
        self._publish(self.loop)


def as_yaml(qos: QoSProfile) -> dict[str, Any]:
    """A quality of service as rosbag2 writes it."""
    never = {"sec": 9223372036, "nsec": 854775807}
    return {
        "history": qos.history.name.lower(), "depth": qos.depth, "reliability": qos.reliability.name.lower(),
        "durability": qos.durability.name.lower(), "deadline": dict(never), "lifespan": dict(never),
        "liveliness": "automatic", "liveliness_lease_duration": dict(never), "avoid_ros_namespace_conventions": False,
    }  # fmt: skip


def main() -> None:
    """Entry point of the executable `recorder_node`."""
    run(RecorderNode, sys.argv)


if __name__ == "__main__":
    main()

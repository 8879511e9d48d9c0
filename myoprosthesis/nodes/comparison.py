"""A twin beside a hand: the differences between what was commanded, what the twin does and what the hand does."""

from __future__ import annotations

from rclpy.node import Node

from myoprosthesis.core.effector import EffectorSpec, EffectorState
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.posture import Comparison, Difference
from myoprosthesis.core.wire import Frame, Reader, Writer
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.inbox import Inbox


class Beside:
    """Hears the state of the effector that this one is the twin of, and publishes `difference` after every tick."""

    def __init__(self, node: Node, inbox: Inbox, spec: EffectorSpec, topic: str) -> None:
        """`topic` is the other's state, relative to the namespace above this one's unless it begins with /."""
        above = node.get_namespace().rstrip("/").rpartition("/")[0]
        name = topic if topic.startswith("/") else f"{above}/{topic}"
        self._inbox, self._spec, self._reader = inbox, spec, Reader()
        state = topics.Topic(name, topics.STATE.type, topics.STATE.qos)
        self._heard = inbox.subscribe(state, topics.reliable(1), raw=True)
        self._publisher = node.create_publisher(topics.DIFFERENCE.type, topics.DIFFERENCE.name, topics.DIFFERENCE.qos)
        self._comparison: Comparison | None = None
        self._names: tuple[str, ...] = ()
        self._writer: Writer | None = None
        self.newest: Difference | None = None

    def publish(self, stamp_ns: int, state: EffectorState) -> None:
        """Compare the newest of all three."""
        frame: Frame | None = None
        for data in self._inbox.take(self._heard, single=True):
            frame = self._reader.read(data)
        if frame is None:
            return
        if frame.names is not self._names:
            self._names = frame.names
            try:
                self._comparison = Comparison(self._spec.command.names, self._spec.joints, frame.names)
            except MyoError:
                self._comparison = None
        if self._comparison is None:
            return
        self.newest = self._comparison(state.applied, state.joint_position, frame.position)
        if self._writer is None:
            self._writer = Writer(self.newest.channels, ("position",), self._spec.frame)
        self._publisher.publish(self._writer.pack(stamp_ns, self.newest.values))

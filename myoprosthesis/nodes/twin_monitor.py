"""A twin beside a hand: the differences between what was commanded, what the twin does and what the hand does."""

from __future__ import annotations

from rclpy.node import Node

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.joint_state import JointStateFrame, JointStateReader, JointStateWriter
from myoprosthesis.core.twin_error import TwinComparison, TwinError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.wait_set import PolledSubscriptions


class TwinMonitor:
    """Hears the state of the effector that this one is the twin of, and publishes `difference` after every tick."""

    def __init__(self, node: Node, inputs: PolledSubscriptions, spec: EffectorSpec, topic: str) -> None:
        """`topic` is the other's state, relative to the namespace above this one's unless it begins with /."""
        above = node.get_namespace().rstrip("/").rpartition("/")[0]
        name = topic if topic.startswith("/") else f"{above}/{topic}"
        self._inputs, self._spec, self._reader = inputs, spec, JointStateReader()
        state = topics.Topic(name, topics.STATE.type, topics.STATE.qos)
        self._states = inputs.subscribe(state, topics.reliable(1), raw=True, wakes=False)
        self._publisher = node.create_publisher(topics.DIFFERENCE.type, topics.DIFFERENCE.name, topics.DIFFERENCE.qos)
        self._comparison: TwinComparison | None = None
        self._names: tuple[str, ...] = ()
        self._writer: JointStateWriter | None = None
        self.newest: TwinError | None = None

    def publish(self, stamp_ns: int, state: EffectorState) -> None:
        """Compare the newest of all three."""
        frame: JointStateFrame | None = None
        for data in self._inputs.take(self._states, single=True):
            frame = self._reader.read(data)
        if frame is None:
            return
        if frame.names is not self._names:
            self._names = frame.names
            try:
                self._comparison = TwinComparison(self._spec.command.names, self._spec.joints, frame.names)
            except MyoError:
                self._comparison = None
        if self._comparison is None:
            return
        self.newest = self._comparison(state.applied, state.joint_position, frame.position)
        if self._writer is None:
            self._writer = JointStateWriter(self.newest.channels, ("position",), self._spec.frame)
        self._publisher.publish(self._writer.pack(stamp_ns, self.newest.values))

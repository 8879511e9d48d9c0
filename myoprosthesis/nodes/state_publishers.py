"""The conventional views of a state, for people and tools: published only while somebody subscribes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from geometry_msgs.msg import PoseStamped, TwistStamped, WrenchStamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.time_codec import time_message


class StatePublishers:
    """Builds each view from a state. `refresh` asks who listens; views without listeners cost nothing."""

    def __init__(self, node: Node, spec: EffectorSpec, clocks: Sequence[topics.Topic] = ()) -> None:
        """`clocks`: topics on which the time of the states is published."""
        self._frame = spec.frame
        nj, nm = len(spec.joints), len(spec.muscles)
        joints, muscles = (
            JointStateWriter(spec.joints, frame=spec.frame),
            JointStateWriter(spec.muscles, frame=spec.frame),
        )
        activation = JointStateWriter(spec.muscles, ("position",), spec.frame)
        loads = JointStateWriter(spec.joints, ("effort",), spec.frame)
        self._done = JointStateWriter(spec.command.names, (spec.command.quantity,), spec.frame)
        self._applied = node.create_publisher(topics.APPLIED.type, topics.APPLIED.name, topics.APPLIED.qos)
        self._applied_wanted = False
        build: dict[topics.Topic, Callable[[int, EffectorState], Any]] = {
            topics.JOINT_STATES: lambda t, s: joints.pack(t, *s.table[:, :nj]),
        }
        if nm:
            build[topics.MUSCLE_STATES] = lambda t, s: muscles.pack(t, *s.table[:, nj : nj + nm])
            build[topics.ACTIVATION] = lambda t, s: activation.pack(t, s.activation)
        if spec.endpoint:
            build |= {topics.ENDPOINT_POSE: self._pose, topics.ENDPOINT_TWIST: self._twist, topics.LOAD: self._load}
        if "joint" in spec.sites:
            build[topics.LOAD_JOINTS] = lambda t, s: loads.pack(t, s.joint_load)
        build |= dict.fromkeys(clocks, lambda t, s: Clock(clock=time_message(t)))
        self._all = [(node.create_publisher(t.type, t.name, t.qos), make) for t, make in build.items()]
        self._wanted: list[tuple[Any, Callable[[int, EffectorState], Any]]] = []

    def refresh(self) -> None:
        """Find out which views have listeners."""
        self._applied_wanted = self._applied.get_subscription_count() > 0
        self._wanted = [(p, make) for p, make in self._all if p.get_subscription_count()]

    def publish(self, stamp_ns: int, state: EffectorState) -> None:
        """Publish the views that somebody wants."""
        for publisher, make in self._wanted:
            publisher.publish(make(stamp_ns, state))

    def applied(self, stamp_ns: int, state: EffectorState) -> None:
        """Publish what was done, if somebody wants to know."""
        if self._applied_wanted:
            self._applied.publish(self._done.pack(stamp_ns, state.applied))

    def _header(self, stamp_ns: int) -> Header:
        return Header(stamp=time_message(stamp_ns), frame_id=self._frame)

    def _pose(self, stamp_ns: int, state: EffectorState) -> PoseStamped:
        message = PoseStamped(header=self._header(stamp_ns))
        p = message.pose.position
        p.x, p.y, p.z = (float(v) for v in state.endpoint_position)
        return message

    def _twist(self, stamp_ns: int, state: EffectorState) -> TwistStamped:
        message = TwistStamped(header=self._header(stamp_ns))
        v = message.twist.linear
        v.x, v.y, v.z = (float(x) for x in state.endpoint_velocity)
        return message

    def _load(self, stamp_ns: int, state: EffectorState) -> WrenchStamped:
        message = WrenchStamped(header=self._header(stamp_ns))
        f = message.wrench.force
        f.x, f.y, f.z = (float(x) for x in state.load)
        return message

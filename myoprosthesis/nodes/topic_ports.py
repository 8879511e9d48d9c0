"""What the control loops see of the graph: frames and plans in, frames out."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.followed_state import FollowedCommand
from myoprosthesis.core.following import Following
from myoprosthesis.core.joint_state import JointStateFrame, JointStateReader, JointStateWriter
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.decoders.decoder_controller import DecoderController
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.effector_loop import PARTICIPANTS
from myoprosthesis.nodes.emg_block_codec import EmgSampleReader, EmgSamples, read_arrival
from myoprosthesis.nodes.node_main import say
from myoprosthesis.nodes.state_publishers import StatePublishers
from myoprosthesis.nodes.twin_monitor import TwinMonitor
from myoprosthesis.nodes.wait_set import PolledSubscriptions
from myoprosthesis.policies.switching import ControllerSwitcher

WRITERS = 16
"""Commands that are kept between two ticks, so that a second writer does not push out what the first one says."""
ARRIVALS = 64
"""Blocks of EMG whose arrival is remembered until the command that they brought about comes."""
LOST_S = 0.2
"""An effector without a state for this time is not known to follow commands."""
_PLANS = ((topics.TARGET, TrialPlan), (topics.PERTURBATION, PerturbationPlan))
_ANNOUNCED = {"task": topics.TARGET, "perturbation": topics.PERTURBATION}
"""Where the participants announce their plans."""


class GraphPort:
    """Frames of one topic and the plans of both participants, waited for together.

    Damaged messages are reported and dropped.
    """

    def __init__(self, node: Node, frames: topics.Topic, depth: int, watch: bool, wakes: bool = True) -> None:
        """`watch`: follow whether the participants are alive; `wakes`: a frame ends the wait."""
        self._node = node
        self._inputs = PolledSubscriptions(node)
        self._reader = JointStateReader()
        self._single = depth == 1
        self._frames = self._inputs.subscribe(frames, topics.reliable(depth), raw=True, wakes=wakes)
        self._plans = [(self._inputs.subscribe(topic), kind) for topic, kind in _PLANS]
        self._heartbeats = self._inputs.subscribe(topics.HEARTBEAT) if watch else None
        self._alive_at: dict[str, float] = {}

    def wake(self) -> None:
        """Let the waiting loop look at its requests."""
        self._inputs.wake()

    def wait(self, timeout_s: float) -> None:
        """Until something has come, or the time is over."""
        self._inputs.wait(timeout_s)
        if self._heartbeats is not None:
            for heartbeat in self._inputs.take(self._heartbeats):
                if heartbeat.frame_id in PARTICIPANTS:
                    self._alive_at[heartbeat.frame_id] = time.monotonic()

    def frames(self) -> list[JointStateFrame]:
        """Frames that came, oldest first."""
        return list(self._inputs.read(self._frames, self._reader.read, self._single))

    def plans(self) -> list[TrialPlan | PerturbationPlan]:
        """Plans that came, oldest first."""
        out: list[TrialPlan | PerturbationPlan] = []
        for subscription, kind in self._plans:
            out.extend(self._inputs.read(subscription, lambda m, k=kind: k.from_json(m.data)))  # type: ignore[misc]
        return out

    def alive(self, participant: str) -> bool:
        """False when a participant has been silent for `topics.DEAD_S`, or was never seen."""
        return time.monotonic() - self._alive_at.get(participant, -topics.DEAD_S) < topics.DEAD_S

    def say(self, level: str, text: str) -> None:
        """Tell people."""
        say(self._node, level, text)


class EffectorPort(GraphPort):
    """`effector_loop`'s port over ROS topics, made once in a node's life.

    Fast DDS does not report to a new subscription the participants that were alive before it.
    """

    def __init__(self, node: Node, follow: str = "") -> None:
        """With `follow`, the name of another effector's state, its joints are the commands while it follows its own.

        So the emergency stop of the one is the end of commands for the other.

        Raises:
            ConfigError: `follow` is no name of a state.
        """
        commands = topics.Topic(follow, topics.STATE.type, topics.STATE.qos) if follow else topics.COMMAND
        super().__init__(node, commands, WRITERS, watch=True)
        self._follows = bool(follow)
        space, slash, name = follow.rpartition("/")
        if follow and not (slash and name == topics.STATE.name):
            raise ConfigError(f"follow takes the state of another effector, such as /arm/state, got {follow!r}")
        account = topics.Topic(f"{space}/{topics.FOLLOWING.name}", topics.FOLLOWING.type, topics.FOLLOWING.qos)
        self._accounts = self._inputs.subscribe(account) if follow else None
        self._leads = not follow
        self._read_command: Callable[[bytes], JointStateFrame] = self._reader.read
        self._present: dict[bytes, tuple[float, bool]] = {}
        self._arrivals = self._inputs.subscribe(topics.EMG_ARRIVAL)
        self._arrived: dict[int, int] = {}

    def fit(self, spec: EffectorSpec, clocks: Sequence[topics.Topic] = (), beside: str = "") -> None:
        """Publish for this effector from now on, and its time on the topics `clocks`.

        With `beside`, it is the twin of the effector whose state is on that topic.
        """
        node = self._node
        self.beside = TwinMonitor(node, self._inputs, spec, beside) if beside else None
        self._writer = JointStateWriter(spec.channels, frame=spec.frame)
        self._state, self._following = (
            node.create_publisher(t.type, t.name, t.qos) for t in (topics.STATE, topics.FOLLOWING)
        )
        self.views = StatePublishers(node, spec, clocks)
        if self._follows:
            followed, read = FollowedCommand(spec.command), self._reader.read
            self._read_command = lambda message: followed.of(read(message))

    def commands(self) -> list[tuple[JointStateFrame, bytes]]:
        """See the protocol."""
        for message in self._inputs.take(self._arrivals):
            taken, arrived = read_arrival(message)
            self._arrived[taken] = arrived
            if len(self._arrived) > ARRIVALS:
                del self._arrived[next(iter(self._arrived))]
        if self._accounts is not None:
            for account in self._inputs.read(self._accounts, lambda m: Following.from_json(m.data)):
                self._leads = not account.held
        commands = list(self._inputs.read_with_writer(self._frames, self._read_command))
        return commands if self._leads else []

    def arrival_ns(self, stamp_ns: int) -> int | None:
        """See the protocol."""
        return self._arrived.get(stamp_ns)

    def present(self, writer: bytes) -> bool:
        """See the protocol; asked of the graph a few times a second at most."""
        asked, there = self._present.get(writer, (-math.inf, False))
        if time.monotonic() - asked > 0.1:
            there = bool(self._publisher(writer))
            self._present = {writer: (time.monotonic(), there)}
        return there

    def name_of(self, writer: bytes) -> str:
        """See the protocol."""
        return self._publisher(writer) or "another program"

    def _publisher(self, writer: bytes) -> str:
        """The node that publishes as this writer; empty when there is none."""
        name = self._frames.topic_name
        for info in self._node.get_publishers_info_by_topic(name):
            if bytes(info.endpoint_gid)[: len(writer)] == writer[: len(info.endpoint_gid)] and writer:
                return f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        return ""

    def publish(self, stamp_ns: int, state: EffectorState) -> None:
        """See the protocol."""
        self._state.publish(self._writer.pack(stamp_ns, *state.table))
        self.views.publish(stamp_ns, state)
        if self.beside is not None:
            self.beside.publish(stamp_ns, state)

    def following(self, account: Following) -> None:
        """See the protocol."""
        self._following.publish(topics.FOLLOWING.type(data=account.to_json()))

    def applied(self, stamp_ns: int, state: EffectorState) -> None:
        """See the protocol."""
        self.views.applied(stamp_ns, state)


class CommandingPort(GraphPort):
    """A port of a loop around a switcher: what it commands, and what the shadow would."""

    def __init__(self, node: Node, spec: EffectorSpec, depth: int, wakes: bool = True) -> None:
        super().__init__(node, topics.STATE, depth, watch=False, wakes=wakes)
        rows = (spec.command.quantity,)
        self._writer = JointStateWriter(spec.command.names, rows, spec.frame)
        self._shadow_writer = JointStateWriter(spec.command.names, rows, spec.frame)
        self._hidden_writer = JointStateWriter((), ("position",))
        self._hidden_size = 0
        self._command, self._shadow, self._hidden = (
            node.create_publisher(t.type, t.name, t.qos)
            for t in (topics.COMMAND, topics.POLICY_SHADOW, topics.POLICY_HIDDEN)
        )
        self.hidden_wanted = False

    def command(self, stamp_ns: int, command: Any) -> None:
        """See the protocol."""
        self._command.publish(self._writer.pack(stamp_ns, command))

    def updated(self, stamp_ns: int, switcher: ControllerSwitcher) -> None:
        """See the protocol."""
        if switcher.shadow is not None and switcher.shadow.command is not None:
            self._shadow.publish(self._shadow_writer.pack(stamp_ns, switcher.shadow.command))
        if self.hidden_wanted and switcher.current is not None:
            hidden = switcher.current.policy.hidden
            if self._hidden_size != hidden.size:
                self._hidden_size = hidden.size
                self._hidden_writer = JointStateWriter([f"hidden/{i}" for i in range(hidden.size)], ("position",))
            if hidden.size:
                self._hidden.publish(self._hidden_writer.pack(stamp_ns, hidden))

    def refresh(self) -> None:
        """Find out who listens."""
        self.hidden_wanted = self._hidden.get_subscription_count() > 0


class PolicyPort(CommandingPort):
    """`policy_loop`'s port over ROS topics; `goal` names the state of the effector that is the goal, if one is."""

    def __init__(self, node: Node, spec: EffectorSpec, goal: str = "") -> None:
        super().__init__(node, spec, 10)
        followed = topics.Topic(goal, topics.STATE.type, topics.STATE.qos)
        self._goals = self._inputs.subscribe(followed, topics.reliable(1), raw=True, wakes=False) if goal else None
        self._goal: JointStateFrame | None = None
        self._goal_at = -math.inf
        self._goal_reader = JointStateReader()

    def states(self) -> list[JointStateFrame]:
        """See the protocol."""
        return self.frames()

    def hears(self, participants: Sequence[str]) -> bool:
        """See the protocol."""
        names = (self._node.resolve_topic_name(_ANNOUNCED[p].name) for p in participants)
        return all(map(self._node.count_publishers, names))

    def goal(self) -> JointStateFrame | None:
        """See the protocol; one of `LOST_S` ago is old."""
        if self._goals is not None:
            for frame in self._inputs.read(self._goals, self._goal_reader.read, True):
                self._goal, self._goal_at = frame, time.monotonic()
        return self._goal if time.monotonic() - self._goal_at < LOST_S else None


class DecoderPort(CommandingPort):
    """`decoder_loop`'s port over ROS topics."""

    def __init__(self, node: Node, spec: EffectorSpec) -> None:
        super().__init__(node, spec, 1, wakes=False)
        self._blocks, self._block_reader = self._inputs.subscribe(topics.EMG_FILTERED, raw=True), EmgSampleReader()
        self._prompts, self._followings = (
            self._inputs.subscribe(topic, wakes=False) for topic in (topics.EMG_PROMPT, topics.FOLLOWING)
        )
        self._imposed: Schedule[PerturbationPlan] = Schedule()
        self._held, self._lost = "", False
        self._state_at = time.monotonic()
        self._names = spec.command.names
        self._asked: deque[tuple[int, str]] = deque([(0, "")], topics.PROMPTS)
        self._posture: NDArray[np.float64] | None = None
        self._decision = node.create_publisher(
            topics.EMG_DECISION.type, topics.EMG_DECISION.name, topics.EMG_DECISION.qos
        )
        self._decision_writer: tuple[Sequence[str], JointStateWriter] | None = None

    def wait(self, timeout_s: float) -> None:
        """See the protocol: EMG alone is waited for. Of the effector, where it is now is all that is kept."""
        super().wait(timeout_s)
        for plan in self.plans():
            if isinstance(plan, PerturbationPlan):
                self._imposed.add(plan)
        for message, sent_ns in self._inputs.read_with_time(self._prompts, lambda m: m):
            self._asked.append((sent_ns, message.data))
        for message in self._inputs.read(self._followings, lambda m: Following.from_json(m.data)):
            self._held = message.held
        frames, now = self.frames(), time.monotonic()
        if now - self._state_at > LOST_S:
            self._lost = True
        if frames:
            self._state_at = now
        if frames and set(self._names) <= set(frames[-1].names):
            self._posture = frames[-1].position[[frames[-1].names.index(n) for n in self._names]]

    def blocks(self) -> list[EmgSamples]:
        """See the protocol."""
        read = self._inputs.read_with_time(self._blocks, self._block_reader.read)
        return [replace(block, sent_ns=sent_ns) for block, sent_ns in read]

    def posture(self) -> NDArray[np.float64] | None:
        """See the protocol."""
        return self._posture

    def following(self) -> bool:
        """See the protocol. An effector whose state did not come for `LOST_S` may have been started again."""
        lost, self._lost = self._lost, False
        return not (lost or self._held)

    def imposed(self, stamp_ns: int) -> str:
        """See the protocol."""
        plan = self._imposed.current(stamp_ns)
        return "" if plan is None else str(plan.name)

    def prompt(self, sent_ns: int) -> str:
        """See the protocol. A prompt is published before its samples, by the same node: their order is that of both."""
        known = [text for then, text in self._asked if then <= sent_ns or not sent_ns]
        return known[-1] if known else ""

    def decided(self, stamp_ns: int, controller: DecoderController) -> None:
        """See the protocol. `position`: scores; `effort`: 1 for the class that is chosen; then what is known of it."""
        d = controller.decision
        if d is None:
            return
        if self._decision_writer is None or self._decision_writer[0] is not controller.names:
            more = ("confidence", "rejected", "speed", "novelty", "drifting")
            self._decision_writer = (
                controller.names,
                JointStateWriter((*controller.names, *more), ("position", "effort")),
            )
        chosen = [float(n == d.choice) for n in controller.names]
        values = np.array([*d.scores, d.confidence, d.rejected, d.speed, d.novelty, d.drifting], float)
        self._decision.publish(
            self._decision_writer[1].pack(stamp_ns, values, np.array([*chosen, 0.0, 0.0, 0.0, 0.0, 0.0]))
        )

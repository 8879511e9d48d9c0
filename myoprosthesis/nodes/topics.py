"""Topics: names, types and qualities of service, written once. All names are relative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped, WrenchStamped
from rcl_interfaces.msg import ParameterEvent
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState, PointCloud2, TimeReference
from std_msgs.msg import Header, String

HEARTBEAT_S = 0.02
"""Period of a participant's heartbeat."""
DEAD_S = 0.08
"""A participant (task, perturbation) without a heartbeat for this time is dead."""


def reliable(depth: int) -> QoSProfile:
    """Every message, in order."""
    return QoSProfile(depth=depth, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.RELIABLE)


def latched(depth: int = 1) -> QoSProfile:
    """Reliable, and kept for those who come later."""
    profile = reliable(depth)
    profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile


def newest() -> QoSProfile:
    """The newest message alone, which is neither sent again nor acknowledged: for a picture beside a control loop."""
    profile = reliable(1)
    profile.reliability = ReliabilityPolicy.BEST_EFFORT
    return profile


def is_latched(qos: QoSProfile) -> bool:
    """Whether messages are kept for those who come later."""
    return bool(qos.durability == DurabilityPolicy.TRANSIENT_LOCAL)


@dataclass(frozen=True, eq=False)
class Topic:
    """A name with its type and quality of service."""

    name: str
    type: Any
    qos: QoSProfile


STATE = Topic("state", JointState, reliable(1))
COMMAND = Topic("command", JointState, reliable(1))
APPLIED = Topic("applied", JointState, reliable(1))
TWIN_STATE = Topic("twin/state", JointState, reliable(1))
TARGET = Topic("target", String, latched(4))
PERTURBATION = Topic("perturbation", String, latched(4))
HEARTBEAT = Topic("heartbeat", Header, reliable(10))
"""A participant's heartbeat, every `HEARTBEAT_S`; `frame_id` is its name."""
TARGET_POSE = Topic("target/pose", PoseStamped, latched())
TRIAL = Topic("trial", DiagnosticStatus, latched())
"""The newest event of a trial, for those who come late."""
TRIAL_EVENTS = Topic("trial/events", DiagnosticStatus, latched(200))
"""Each event, in order: for those who must miss none."""
TASK_COMMAND = Topic("task/command", String, reliable(10))
"""What a person asks of the trial that runs, see `core.way_step`."""
TASK_ANSWER = Topic("task/answer", DiagnosticStatus, latched(10))
"""What comes of each command: `carried out` or `refused`, with its id."""
SPEC = Topic("effector/spec", String, latched())
FOLLOWING = Topic("effector/following", String, latched(4))
"""When the effector did not follow commands and why, said at each change and at the end of each trial."""
POLICY_ACTIVE = Topic("policy/active", DiagnosticStatus, latched())
POLICY_SHADOW = Topic("policy/shadow", JointState, reliable(1))
POLICY_HIDDEN = Topic("policy/hidden", JointState, reliable(1))
DIFFERENCE = Topic("difference", JointState, reliable(10))
"""Of a twin: what it, and the hand beside it, are beyond the command, and apart; rad."""
EMG_RAW = Topic("emg/raw", PointCloud2, reliable(50))
EMG_FILTERED = Topic("emg/filtered", PointCloud2, reliable(50))
EMG_ENVELOPE = Topic("emg/envelope", JointState, reliable(10))
EMG_ARRIVAL = Topic("emg/arrival", TimeReference, reliable(10))
"""Of each block, when it came in (`header.stamp`) and when its newest sample was taken (`time_ref`)."""
EMG_DECISION = Topic("emg/decision", JointState, reliable(10))
PROMPTS = 32
"""Prompts that are kept for whoever reads blocks of EMG late, and must know under which each was done."""
EMG_PROMPT = Topic("emg/prompt", String, latched(PROMPTS))
EMG_SPEC = Topic("emg/spec", String, latched())
RECORDER_ACTIVE = Topic("recorder/active", DiagnosticStatus, latched())
"""What is recorded; `ready` once nothing that the loops say is lost any more."""
DIAGNOSTICS = Topic("/diagnostics", DiagnosticArray, reliable(10))
PARAMETER_EVENTS = Topic("/parameter_events", ParameterEvent, reliable(100))
CLOCK = Topic("/clock", Clock, reliable(1))

JOINT_STATES = Topic("joint_states", JointState, reliable(10))
MUSCLE_STATES = Topic("muscle_states", JointState, reliable(10))
ACTIVATION = Topic("activation", JointState, reliable(10))
ENDPOINT_POSE = Topic("endpoint/pose", PoseStamped, reliable(10))
ENDPOINT_TWIST = Topic("endpoint/twist", TwistStamped, reliable(10))
LOAD = Topic("load", WrenchStamped, reliable(10))
LOAD_JOINTS = Topic("load/joints", JointState, reliable(10))

PRIMARY = (
    *(STATE, COMMAND, APPLIED, TARGET, PERTURBATION, TARGET_POSE, TRIAL, TRIAL_EVENTS, SPEC, DIFFERENCE, DIAGNOSTICS),
    *(TASK_COMMAND, TASK_ANSWER),
    *(POLICY_ACTIVE, POLICY_SHADOW, POLICY_HIDDEN),
    *(EMG_RAW, EMG_FILTERED, EMG_ENVELOPE, EMG_ARRIVAL, EMG_DECISION, EMG_PROMPT, EMG_SPEC),
)
"""What a stack says, each thing once."""
VIEWS = (JOINT_STATES, MUSCLE_STATES, ACTIVATION, ENDPOINT_POSE, ENDPOINT_TWIST, LOAD, LOAD_JOINTS, CLOCK)
"""What repeats it, for people and tools."""

"""Stops of real processes, as physics: a body of position servos and a hand stand where they are."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.effectors.bodies import MjcfOptions, mjcf
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import data_sheets
from myoprosthesis.nodes import topics
from myoprosthesis.onnx_graphs.untrained import untrained

pytestmark = pytest.mark.realtime

ARM = """<mujoco><compiler angle="radian" autolimits="true"/><option integrator="implicitfast" timestep="0.002"/>
<worldbody><body pos="0 0 1"><joint name="shoulder" axis="0 1 0" range="-2 2" damping="1" armature="0.1"/>
<geom type="capsule" size="0.03" fromto="0 0 0 0.3 0 0" mass="1"/>
<body pos="0.3 0 0"><joint name="elbow" axis="0 1 0" range="-2.5 2.5" damping="1" armature="0.1"/>
<geom type="capsule" size="0.03" fromto="0 0 0 0.3 0 0" mass="1"/></body></body></worldbody>
<actuator><position joint="shoulder" kp="60" kv="180" forcerange="-60 60"/>
<position joint="elbow" kp="60" kv="180" forcerange="-60 60"/></actuator>
<keyframe><key name="home" qpos="0.8 0.8"/></keyframe></mujoco>"""
"""Servos that take seconds to come to their targets; without an endpoint."""
TOLERANCE = 0.03
"""rad beside the braking distance."""
HELD, LAG = 20, 3
"""Ticks for which a command is the same once the arm holds; and from a state to the command that answers it."""


class Watched:
    """What a stack's effector measured and applied, by stamp."""

    def __init__(self, stack):
        self.stack, self.states, self.applied = stack, [], []
        stack.probe.node.create_subscription(
            topics.STATE.type, topics.STATE.name, self.states.append, topics.reliable(5000)
        )
        stack.probe.node.create_subscription(
            topics.APPLIED.type, topics.APPLIED.name, self.applied.append, topics.reliable(5000)
        )

    def clear(self):
        self.states.clear(), self.applied.clear()

    def held(self):
        """Index of the first command that is applied twenty times in a row; None before there is one."""
        values = [tuple(m.position) for m in self.applied]
        return next((k for k in range(len(values) - HELD) if len(set(values[k : k + HELD])) == 1), None)

    def state_before(self, k):
        """Index of a state at most `LAG` ticks before the command `k` was applied: a command has the stamp of the state
        that it answers, and goes on being applied, tick by tick, once none follows."""
        stamps = [stamp(m) for m in self.applied]
        answered = max(i for i in range(k + 1) if i == 0 or stamps[i] != stamps[i - 1])
        state = next(i for i, m in enumerate(self.states) if stamp(m) >= stamps[answered])
        return state + k - answered


def stamp(message):
    return message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec


@pytest.fixture(scope="module")
def arm(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arm")
    file, policy = folder / "slow.xml", folder / "policy" / "policy.onnx"
    file.write_text(ARM)
    policy.parent.mkdir()
    spec = mjcf(MjcfOptions(file=str(file))).spec
    policy.write_bytes(untrained(spec, "far", 8))
    stack = start(
        {"effector": {"file": str(file), "participants": []}, "policy": {"participants": []}},
        only=("effector", "policy"), effector="mjcf", policy=str(policy),
    )  # fmt: skip
    stack.spec, stack.watched = spec, Watched(stack)
    try:
        yield stack.ready()
    finally:
        stack.close()


@pytest.mark.parametrize("stop", ["emergency stop", "kill -9 of the policy", "policy deactivated"])
def test_a_servo_arm_stops_where_it_is(arm, stop):
    probe, watched = arm.probe, arm.watched
    assert arm.until(lambda: arm.diagnostics and not arm.diagnostics[-1]["idle"])
    assert probe.trigger("/effector/reset")[0]
    assert arm.until(lambda: watched.states and abs(watched.states[-1].position[0] - 0.8) < 0.1), arm.words[-3:]
    moved = arm.until(lambda: watched.states and abs(watched.states[-1].position[0] - 0.8) > 0.2)
    assert moved, arm.words[-3:]
    watched.clear()  # from here on it is under way: what is held next is what it is stopped with
    if stop == "emergency stop":
        assert probe.trigger("/effector/estop")[0]
    elif stop == "kill -9 of the policy":
        arm.kill("policy")
    else:
        assert probe.change("/policy", "deactivate")
    assert arm.until(lambda: watched.held() is not None), arm.words[-3:]
    arm.spin(0.1)
    n = len(arm.spec.command.names)
    positions = np.array([m.position[:n] for m in watched.states])
    speeds = np.array([m.velocity[:n] for m in watched.states])
    begin = watched.state_before(watched.held())
    last = begin + HELD
    way = np.abs(positions[begin:last] - positions[begin]).max(axis=0)
    full = np.abs(speeds).max(axis=0)
    assert (way <= full * LAG * arm.spec.dt + full**2 / (2 * np.array(arm.spec.braking)) + TOLERANCE).all()
    assert np.abs(positions[begin] - arm.spec.command.low).max() > 0.5  # far from where it was to go
    if stop == "emergency stop":
        arm.spin(0.5)
        np.testing.assert_allclose(arm.watched.states[-1].position[:n], positions[last], atol=TOLERANCE)
        assert probe.trigger("/effector/resume")[0]
    elif stop == "policy deactivated":
        assert arm.policy[-1]["text"] == "inactive"
        assert probe.change("/policy", "activate")
        assert arm.until(lambda: arm.policy[-1]["text"] == "active")


def test_after_its_shutdown_a_policy_is_not_told_as_active(arm, command, tmp_path):
    if arm.policy[-1]["text"] == "inactive":
        assert arm.probe.change("/policy", "activate")
    assert arm.until(lambda: arm.policy[-1]["text"] == "active")
    assert arm.probe.change("/policy", "shutdown")
    assert arm.until(lambda: arm.policy[-1]["text"] != "active", 5.0)
    figures = tmp_path / "status.json"
    done = command("status", "--json", str(figures))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "policy.onnx  inactive" in done.stdout, done.stdout


def test_a_policy_slower_than_the_body_is_followed_for_as_long_as_its_contract_says(start, tmp_path):
    """Ten commands a second, for a body of a hundred ticks: its own limit of 80 ms would idle it between any two."""
    file, policy = tmp_path / "slow.xml", tmp_path / "slow" / "policy.onnx"
    file.write_text(ARM)
    spec = mjcf(MjcfOptions(file=str(file))).spec
    policy.parent.mkdir()
    policy.write_bytes(untrained(spec, "slow", 8, dt=0.1))
    model = onnx.load(policy)
    text = next(p for p in model.metadata_props if p.key == "myoprosthesis.contract")
    text.value = json.dumps(json.loads(text.value) | {"deadline_s": 1.0})
    onnx.save(model, policy)
    assert spec.timeout_s < 0.1
    stack = start(
        {"effector": {"file": str(file), "participants": []}, "policy": {"participants": []}},
        only=("effector", "policy"), effector="mjcf", policy=str(policy), namespace="slow",
    )  # fmt: skip
    try:
        stack.ready()
        assert stack.until(lambda: stack.policy[-1].get("deadline_s") == 1.0)
        assert stack.until(lambda: not stack.report()["idle"])
        before = stack.report()
        watched = Watched(stack)
        assert stack.until(lambda: len(watched.applied) > 200)
        after = stack.report()
        assert after["ticks"] > before["ticks"] + 150 and after["events"].get("stale", 0) == before["events"].get(
            "stale", 0
        )
        assert len({tuple(m.position) for m in watched.applied}) > 10  # it is followed, not held
    finally:
        stack.close()


SLOW = 0.1
"""rad/s of the emulated fingers: what they move while a measurement is under way is small, however busy the machine."""


@pytest.fixture(scope="module")
def hand(start):
    """Its own watchdog would stop it after the test: what stops it is what it is commanded."""
    sheet = data_sheets.load("ability_hand")
    slow = replace(sheet, joints=tuple(replace(joint, speed=SLOW) for joint in sheet.joints), watchdog_s=10.0)
    with EmulatedPort(registry.factory("emulators", "ability_hand")(slow)) as port:
        stack = start(
            {"effector": {"participants": []}}, only=("effector",), stack="emg-hand", effector="ability_hand",
            port=str(Path(port.path)), namespace="hand",
        )  # fmt: skip
        stack.port = port
        try:
            assert stack.until(lambda: stack.diagnostics)
            yield stack
        finally:
            stack.close()


@pytest.mark.parametrize("stop", ["emergency stop", "silence of who commands"])
def test_a_hand_stops_where_it_is(hand, stop):
    """The emulated fingers themselves are watched, in a thread of their own."""
    data, fingers = hand.port.emulator.spec, hand.port.emulator.motors
    publisher, probe = hand.probe.speak(topics.COMMAND), hand.probe
    writer = JointStateWriter(data.names, ("position",))
    trace, over, begin = [], threading.Event(), fingers.position.copy()

    def watch():
        while not over.wait(0.002):
            trace.append((time.monotonic(), fingers.position.copy()))

    def closes():
        publisher.publish(writer.pack(time.time_ns(), data.column("closed")))
        return np.abs(fingers.position - begin).max() > 0.2

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        assert probe.until(closes), hand.words[-3:]
        stopped = time.monotonic()
        if stop == "emergency stop":
            assert probe.trigger("/hand/effector/estop")[0]
        assert hand.until(lambda: np.abs(fingers.velocity).max() < 1e-3 and time.monotonic() > stopped + 0.5)
        over.set(), thread.join()
        rest = fingers.position.copy()
        hand.spin(0.5)
        np.testing.assert_allclose(fingers.position, rest, atol=1e-3)
        assert np.abs(data.column("closed") - rest).max() > 0.5  # far from where it was to go
        way = np.sign(data.column("closed") - data.column("open"))
        back = max(((p - rest) * way).max() for t, p in trace if t > stopped)
        assert back < 0.05  # it did not turn back: at this speed, a measurement half a second old would be 0.05
    finally:
        over.set(), thread.join()
        probe.node.destroy_publisher(publisher)
        if stop == "emergency stop":
            assert probe.trigger("/hand/effector/resume")[0]


def test_a_stop_that_the_parameter_follows_late_does_not_undo_a_resume():
    """The stop server was asked to stop, then to resume, before the executor came to the first: the second counts."""
    from types import SimpleNamespace

    from rclpy.parameter import Parameter

    from myoprosthesis.nodes.emergency_stop import EmergencyStop

    asked: list[bool] = []
    stop = SimpleNamespace(
        _following=True, _wanted=False, _mark=SimpleNamespace(keep=lambda stopped: None),
        _node=SimpleNamespace(loop=object()), _request=lambda loop, stopped: asked.append(stopped),
    )  # fmt: skip
    EmergencyStop._obey(stop, [Parameter("stopped", value=True)])
    assert asked == [] and stop._wanted is False  # the parameter is resumed next
    EmergencyStop._obey(stop, [Parameter("stopped", value=False)])
    assert asked == [False]
    stop._following = False
    EmergencyStop._obey(stop, [Parameter("stopped", value=True)])  # a person's own, over the graph
    assert asked == [False, True] and stop._wanted is None

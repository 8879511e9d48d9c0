"""A real stack in real time, steered over the graph as ROS users would."""

import json
import os
import re
import time

import numpy as np
import pytest
from geometry_msgs.msg import WrenchStamped
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.nodes import diagnostic_status, topics

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def stack(start):
    made = start({"task": {"trial_s": 0.5}}, perturbation="curl_cw")
    try:
        yield made.ready()
    finally:
        made.close()


@pytest.fixture
def spec(stack):
    heard = stack.probe.hear(topics.SPEC)
    assert stack.until(lambda: heard)
    return EffectorSpec.from_json(heard[0].data)


@pytest.fixture(autouse=True)
def running(request):
    """Every test leaves the stack as it found it: following commands."""
    yield
    if "stack" in request.fixturenames:
        s = request.getfixturevalue("stack")
        assert s.until(lambda: s.diagnostics[-1]["idle"] == "", 10.0), (s.diagnostics[-1], s.words[-5:])


def test_the_specification_is_latched(spec):
    assert spec.name == "arm26" and len(spec.muscles) == 6 and spec.pausable and spec.simulator.startswith("mujoco")


def test_discovery_stays_on_this_machine(stack):
    for pid in stack.supervisor.pids().values():
        with open(f"/proc/{pid}/environ") as f:
            assert "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST" in f.read().split("\0")


def test_diagnostics_tell_of_loop_guard_and_ledger(stack):
    report = stack.report()
    assert {"effector", "dt", "tick", "ticks", "missed_ticks", "events", "idle", "stopped", "paused"} <= set(report)
    for ledger in ("lateness_ms", "command_age_ms"):
        assert 0 <= report[ledger]["p50"] <= report[ledger]["p99"], ledger
    assert len(report["trace_sha256"]) == 64
    assert stack.until(lambda: stack.report()["text"] == "following commands", 30.0)


VIEWS = [
    topics.JOINT_STATES,
    topics.MUSCLE_STATES,
    topics.ACTIVATION,
    topics.ENDPOINT_POSE,
    topics.ENDPOINT_TWIST,
    topics.LOAD,
    topics.LOAD_JOINTS,
    topics.APPLIED,
]


def test_views_agree_with_the_state(stack, spec):
    """Every view says under the same stamp what the state says."""
    views = {t.name: stack.probe.hear(t, QoSProfile(depth=200, reliability=t.qos.reliability)) for t in VIEWS}
    states = stack.probe.hear(topics.STATE, topics.reliable(200))
    assert stack.until(lambda: all(len(v) > 30 for v in views.values())), {k: len(v) for k, v in views.items()}

    def key(m):
        return m.header.stamp.sec, m.header.stamp.nanosec

    def row(message, names, field):
        return [getattr(message, field)[list(message.name).index(n)] for n in names]

    by_stamp = {key(m): m for m in states}
    ends = [f"endpoint/{a}" for a in "xyz"]
    seen = set()
    for name, messages in views.items():
        for m in messages:
            state = by_stamp.get(key(m))
            if state is None or name == "applied":
                continue
            seen.add(name)
            assert m.header.frame_id == spec.frame
            if name in ("joint_states", "muscle_states"):
                assert tuple(m.name) == (spec.joints if name == "joint_states" else spec.muscles)
                for field in ("position", "velocity", "effort"):
                    assert list(getattr(m, field)) == row(state, m.name, field)
            elif name == "activation":
                assert list(m.position) == row(state, [f"{n}/activation" for n in spec.muscles], "position")
            elif name == "endpoint/pose":
                assert [getattr(m.pose.position, a) for a in "xyz"] == row(state, ends, "position")
            elif name == "endpoint/twist":
                assert [getattr(m.twist.linear, a) for a in "xyz"] == row(state, ends, "velocity")
            elif name == "load":
                assert [getattr(m.wrench.force, a) for a in "xyz"] == row(state, ends, "effort")
            elif name == "load/joints":
                assert tuple(m.name) == spec.joints and len(m.effort) == len(spec.joints)
    assert seen == set(views) - {"applied"}
    assert all(tuple(m.name) == spec.command.names and len(m.effort) == 6 for m in views["applied"])
    assert tuple(states[0].name) == spec.channels


def test_the_load_is_the_curl_of_the_velocity(stack):
    """F = b·[v_y, −v_x] with b = 10: evaluated in the physics, so at the speed of this instant."""
    states = stack.probe.hear(topics.STATE, topics.reliable(200))
    assert stack.until(lambda: len(states) > 120)
    v, f = [], []
    for m in states:
        at = [list(m.name).index(f"endpoint/{a}") for a in "xy"]
        v.append([m.velocity[k] for k in at])
        f.append([m.effort[k] for k in at])
    v, f = np.array(v), np.array(f)
    moving = np.linalg.norm(v, axis=1) > 0.1
    moving &= np.roll(moving, 1) & np.roll(moving, -1)
    assert moving.sum() > 10
    wanted = 10 * np.stack([v[:, 1], -v[:, 0]], 1)
    lag = np.abs(f - wanted)[moving].max(axis=1) / np.linalg.norm(wanted[moving], axis=1)
    assert np.median(lag) < 0.1


@pytest.mark.parametrize("view", VIEWS, ids=lambda t: t.name)
def test_a_plain_subscriber_hears_every_view(stack, view):
    """As a script has it: the type, the name, a depth of 10."""
    heard = []
    subscription = stack.probe.node.create_subscription(view.type, view.name, heard.append, 10)
    assert stack.until(lambda: len(heard) > 5)
    stack.probe.node.destroy_subscription(subscription)


def test_who_comes_late_hears_the_newest_event_of_a_trial_first(stack):
    assert stack.until(lambda: len({t["trial"] for t in stack.trials}) > 2)
    newest = stack.trials[-1]["time_ns"]
    heard, plain = stack.probe.hear(topics.TRIAL, topics.latched(10)), stack.probe.hear(topics.TRIAL)
    assert stack.until(lambda: heard and plain)
    for message in (heard[0], plain[0]):
        assert (
            message.message in ("start", "go", "end", "lost") and diagnostic_status.values(message)["time_ns"] >= newest
        )


def test_who_comes_late_may_have_each_event_of_the_trials(stack):
    heard = stack.probe.hear(topics.TRIAL_EVENTS)
    before = [(t["trial"], t["text"]) for t in stack.trials]
    assert stack.until(lambda: len(heard) >= len(before))
    assert [(diagnostic_status.values(m)["trial"], m.message) for m in heard[: len(before)]] == before
    assert before[0] == (0, "start") and {text for _, text in before} >= {"start", "go", "end"}


def test_beats_have_the_time_of_their_making(stack):
    heard = stack.probe.hear(topics.HEARTBEAT)
    began = time.time()
    assert stack.until(lambda: {m.frame_id for m in heard} >= {"task", "perturbation"} and len(heard) > 20)
    for party in ("task", "perturbation"):
        stamps = [m.stamp.sec + m.stamp.nanosec * 1e-9 for m in heard if m.frame_id == party]
        assert stamps == sorted(set(stamps)) and began - 1.0 < stamps[0] < stamps[-1] <= time.time()


def test_views_cost_nothing_when_nobody_listens(stack):
    publishers = stack.probe.node.count_publishers("load")
    assert publishers == 1
    heard = stack.probe.node.create_subscription(WrenchStamped, "load", lambda m: None, topics.LOAD.qos)
    stack.spin(1.2)
    stack.probe.node.destroy_subscription(heard)


def test_emergency_stop_is_latched(stack, spec):
    applied = stack.probe.hear(topics.APPLIED, topics.reliable(500))
    assert stack.until(lambda: any(any(m.effort) for m in applied))
    ok, words = stack.probe.trigger("effector/estop")
    asked = time.monotonic()
    assert ok and "until resume" in words
    report = stack.report()
    assert report["stopped"] and report["idle"] == "emergency stop"
    assert int.from_bytes(report["level"], "big") == 2
    applied.clear()
    assert stack.until(lambda: len(applied) > 50)
    assert not any(any(m.effort) for m in applied)  # the policy goes on sending
    assert time.monotonic() - asked > 0.3
    assert stack.probe.trigger("effector/resume") == (True, "resumed")
    assert stack.until(lambda: any(any(m.effort) for m in applied))


def test_pause_step_and_go(stack):
    assert stack.probe.call(SetBool, "effector/pause", data=True).success
    report = stack.report()
    assert report["paused"] and stack.report()["tick"] == report["tick"]
    for _ in range(3):
        assert stack.probe.trigger("effector/step")[0]
    assert stack.report()["tick"] == report["tick"] + 3
    assert stack.probe.call(SetBool, "effector/pause", data=False).success
    assert stack.until(lambda: stack.diagnostics[-1]["tick"] > report["tick"] + 10)


def test_reset_is_the_start(stack, spec):
    states = stack.probe.hear(topics.STATE, topics.reliable(500))
    assert stack.probe.call(SetBool, "effector/pause", data=True).success
    assert stack.probe.trigger("effector/reset") == (True, "reset")
    states.clear()
    assert stack.until(lambda: len(states) > 20)
    end = [list(states[-1].name).index(f"endpoint/{a}") for a in "xyz"]
    assert [states[-1].position[k] for k in end] == pytest.approx(spec.home, abs=1e-9)
    assert stack.probe.call(SetBool, "effector/pause", data=False).success


# -- parameters -------------------------------------------------------------------------------------------------

REFUSED = [
    ("policy", {"policy": "nobody"}, "unknown policy 'nobody': known are"),
    ("policy", {"policy": ""}, "unknown policy ''"),
    ("policy", {"policy": "point_mass_null"}, "commands 4 channels, effector 'arm26' takes 6"),
    ("policy", {"policy": 3}, "3 is not text"),
    ("policy", {"policy": "p" * 10_000}, "cannot be looked for"),
    ("policy", {"policy": "p" * 100_000}, "policy has 100000 characters, at most 65536 are read"),
    ("policy", {"policy": "~nobody_of_that_name"}, "cannot be looked for"),
    ("policy", {"shadow": "nobody"}, "unknown policy 'nobody'"),
    ("policy", {"blend_s": -1.0}, "outside 0 to 10"),
    ("policy", {"blend_s": float("nan")}, "not a finite number"),
    ("policy", {"lockstep": True}, "cannot be changed while"),
    ("policy", {"policies": "reach_cw"}, "undeclared"),
    ("perturbation", {"perturbation": "nobody"}, "unknown perturbation 'nobody': known are .*curl_cw"),
    ("perturbation", {"perturbation": "x" * 10_000}, "unknown perturbation"),
    ("perturbation", {"gain": 1e6}, "outside -100 to 100"),
    ("perturbation", {"gain": "strong"}, "not a number"),
    ("perturbation", {"options": "{slope: 3}"}, "has no option slope"),
    ("perturbation", {"options": "{{{"}, "not YAML"),
    ("perturbation", {"catch_rate": 1.5}, "outside 0 to 1"),
    ("effector", {"dt": 0.002}, "dt cannot be changed while the node is configured"),
    ("effector", {"effector": "point_mass"}, "effector cannot be changed"),
    ("effector", {"lockstep": True}, "lockstep cannot be changed"),
    ("effector", {"speed": 1.0}, "undeclared"),
    ("task", {"distance": 0.2}, "distance cannot be changed"),
    ("task", {"targets": 0}, "targets"),
]


@pytest.mark.parametrize("node, values, sentence", REFUSED, ids=lambda v: str(v)[:30])
def test_a_parameter_is_refused_with_a_reason(stack, node, values, sentence):
    before = stack.probe.get(node, next(iter(values)))
    reason = stack.probe.set(node, **values)
    assert re.search(sentence, reason), reason
    assert stack.probe.get(node, next(iter(values))) == before


def test_all_or_none(stack):
    assert "outside" in stack.probe.set("perturbation", perturbation="curl_ccw", gain=1e6)
    assert stack.probe.get("perturbation", "perturbation") == "curl_cw"


def test_a_perturbation_holds_from_the_next_trial(stack):
    plans = stack.probe.hear(topics.PERTURBATION, topics.latched(10))
    assert stack.probe.set("perturbation", perturbation="curl_ccw") == ""
    assert stack.until(lambda: [m for m in plans if json.loads(m.data)["name"] == "curl_ccw"])
    plan = next(json.loads(m.data) for m in plans if json.loads(m.data)["name"] == "curl_ccw")
    began = [t for t in stack.trials if t["text"] == "start"][-1]
    assert plan["trial"] >= began["trial"]
    assert stack.probe.set("perturbation", perturbation="curl_cw") == ""


@pytest.mark.parametrize(
    "perturbation, sentence",
    [
        ({"perturbation": "joint_load", "options": "{joints: [tail], torque: 1.0}"}, "has no joint 'tail'"),
        ({"perturbation": "weakness", "options": "{muscles: [wing]}"}, "has no muscle 'wing'"),
        ({"perturbation": "delay", "options": "{terms: [smell]}"}, "observes no 'smell'"),
        ({"perturbation": "delay", "options": "{terms: [vision], delay_s: 0.013}"}, "0.013"),
    ],
)
def test_what_no_node_can_do_is_refused_and_the_former_perturbation_stays(stack, perturbation, sentence):
    """The options are sound by themselves; only in this stack nothing can act so."""
    reason = stack.probe.set("perturbation", **perturbation)
    assert sentence in reason and "'curl_cw' stays on" in reason
    assert stack.probe.get("perturbation", "perturbation") == "curl_cw"
    assert stack.probe.get("perturbation", "options") == "" and stack.until(lambda: stack.report()["idle"] == "")


# -- messages that must not pass --------------------------------------------------------------------------------


def flood(stack, publisher, payloads, seconds=1.0):
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        publisher.publish(payloads[n % len(payloads)])
        n += 1
        if n % 20 == 0:
            stack.spin(0.002)
    return n


def test_a_flood_of_damaged_commands_moves_nothing(stack, spec):
    """Damaged bytes, wrong names, wrong sizes, wrong encodings: the policy's own commands go on being followed."""
    publisher = stack.probe.speak(topics.COMMAND)
    good = JointStateWriter(spec.command.names, ("effort",)).pack(time.time_ns(), np.ones(6))
    huge = JointStateWriter(tuple(f"{'n' * 200}{k}" for k in range(500)), ("effort",)).pack(
        time.time_ns(), np.ones(500)
    )
    payloads = [
        good[:40],
        b"\x00\x00" + good[2:],
        good[:4] + b"\xff" * (len(good) - 4),
        b"",
        b"\x00\x01\x00\x00",
        huge,
        JointStateWriter(("a", "b"), ("effort",)).pack(time.time_ns(), np.ones(2)),
        JointStateWriter(spec.command.names[:-1], ("effort",)).pack(time.time_ns(), np.ones(5)),
        JointStateWriter(spec.command.names, ("position",)).pack(time.time_ns(), np.ones(6)),
        JointStateWriter(spec.command.names, ("effort",)).pack(0, np.ones(6)),
    ]
    before = stack.report()
    assert flood(stack, publisher, [p for p in payloads if p]) > 50
    after = stack.report()
    stack.probe.node.destroy_publisher(publisher)
    gained = {k: after["events"].get(k, 0) - before["events"].get(k, 0) for k in ("wrong_names", "wrong_size")}
    assert min(gained.values()) > 0, gained
    assert after["tick"] > before["tick"] + 50 and not after["error"]
    assert not stack.supervisor.restarts


@pytest.mark.parametrize("value", [0.77, np.nan])
def test_a_second_writer_of_commands_is_named_and_not_obeyed(stack, spec, value):
    applied = stack.probe.hear(topics.APPLIED, topics.reliable(500))
    publisher = stack.probe.speak(topics.COMMAND)
    writer, before = JointStateWriter(spec.command.names, ("effort",)), stack.report()
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        publisher.publish(writer.pack(time.time_ns(), np.full(6, value)))
        stack.spin(0.002)
    after = stack.report()
    stack.probe.node.destroy_publisher(publisher)
    assert after["events"]["second_writer"] > 5 + before["events"].get("second_writer", 0)
    assert after["events"].get("non_finite", 0) == before["events"].get("non_finite", 0)
    assert applied and not any(np.allclose(m.effort, value) for m in applied)
    assert all(np.isfinite(m.effort).all() and max(m.effort) <= 1 for m in applied)
    assert any("/probe publishes commands too and is not obeyed, since /policy does" in w for w in stack.words)


@pytest.mark.parametrize("topic", [topics.TARGET, topics.PERTURBATION], ids=lambda t: t.name)
def test_plans_that_cannot_be_read_are_said_and_nothing_ends(stack, topic):
    publisher = stack.probe.speak(topic)
    assert stack.until(lambda: publisher.get_subscription_count() > 1)
    now = time.time_ns()
    trial = {"trial": 10**6, "from_ns": now, "until_ns": now + 10**9, "start": [0, 0, 0], "target": [0, 0, 0]}
    trial["go_ns"] = None
    law = {"site": "endpoint", "kind": "law", "values": {}}
    entries = [law, {**law, "values": None}, {**law, "site": "moon"}, {**law, "from_ns": "x"}, {**law, "ramp_s": "x"}]
    entries.append(3)
    entries.append({"site": "observation", "kind": "rotation", "values": {}})
    bad = ["", "{", "[]", "null", "3", '{"name": 3}', "{}"]
    bad += [json.dumps({"name": "odd", "until_ns": now + 10**8, "entries": [e]}) for e in entries]
    bad += [json.dumps({"name": "odd", "until_ns": u}) for u in ("x", None, 1e400)]
    bad += [
        json.dumps({**trial, **change})
        for change in (
            {"from_ns": "x"},
            {"from_ns": 0.5},
            {"target": [1]},
            {"target": [1, 2, None]},
            {"start": 3},
            {"trial": -7},
            {"trial": "one"},
            {"go_ns": "soon"},
            {"wings": 2},
            {"until_ns": now - 1},
        )
    ]
    stack.words.clear()
    for text in bad:
        publisher.publish(topic.type(data=text))
        stack.spin(0.02)
    stack.spin(0.5)
    stack.probe.node.destroy_publisher(publisher)
    assert any("cannot be read" in w or "is not JSON" in w for w in stack.words)
    assert not stack.supervisor.restarts, stack.words
    n = len(stack.trials)
    assert stack.until(lambda: len(stack.trials) > n + 2)
    assert stack.report()["idle"] == "" and not stack.report()["error"]


def test_states_of_someone_else_do_not_end_the_policy(stack, spec):
    publisher = stack.probe.speak(topics.STATE)
    good = JointStateWriter(spec.channels, frame="world").pack(time.time_ns(), *np.zeros((3, len(spec.channels))))
    for payload in (good[:50], b"\x00\x03" + good[2:], JointStateWriter(("a",), ()).pack(time.time_ns()), JointState()):
        publisher.publish(payload)
        stack.spin(0.1)
    stack.probe.node.destroy_publisher(publisher)
    assert not stack.supervisor.restarts
    assert deserialize_message(good, JointState).name[0] == spec.joints[0]


def test_odd_specifications_do_not_end_anyone(stack):
    publisher = stack.probe.speak(topics.SPEC)
    for text in ("", "{}", "[]", '{"command": 3}', '{"command": {}}'):
        publisher.publish(topics.SPEC.type(data=text))
        stack.spin(0.1)
    stack.probe.node.destroy_publisher(publisher)
    assert not stack.supervisor.restarts and all(os.path.exists(f"/proc/{p}") for p in stack.supervisor.pids().values())


# -- lifecycle --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", ["policy", "effector", "perturbation", "task"])
def test_down_and_up_again_twice(stack, node):
    """deactivate, cleanup, configure, activate; nothing moves without an active effector and policy."""
    for _ in range(2):
        assert stack.probe.change(node, "deactivate")
        if node in ("policy", "effector"):
            assert stack.until(lambda: stack.diagnostics[-1]["idle"] != "", 5.0)
        assert stack.probe.change(node, "cleanup")
        assert not stack.probe.change(node, "activate")  # not in this state
        assert stack.probe.change(node, "configure")
        assert stack.probe.change(node, "activate")
        assert stack.until(lambda: stack.report()["idle"] == "", 10.0), stack.diagnostics[-1]["idle"]
    n = len([t for t in stack.trials if t["text"] == "start"])
    assert stack.until(lambda: len([t for t in stack.trials if t["text"] == "start"]) > n + 1)
    assert not stack.supervisor.restarts, stack.words
    topic = {"policy": "command", "effector": "state", "task": "target"}.get(node, "perturbation")
    assert stack.until(lambda: stack.probe.node.count_publishers(topic) == 1)


def exchanged(stack, name):
    assert stack.probe.change("effector", "deactivate") and stack.probe.change("effector", "cleanup")
    return stack.probe.set("effector", effector=name)


def test_a_node_that_cannot_be_configured_stays_and_may_be_tried_again(stack):
    assert exchanged(stack, "mjcf") == ""
    assert not stack.probe.change("effector", "configure")
    assert stack.until(lambda: [w for w in stack.words if "[effector]" in w and "mjcf" in w])
    assert "unknown effector 'nobody'" in stack.probe.set("effector", effector="nobody")
    assert stack.probe.set("effector", effector="arm26") == ""
    assert "not a number" in stack.probe.set("effector", dt="fast")
    assert stack.probe.change("effector", "configure") and stack.probe.change("effector", "activate")
    assert not stack.supervisor.restarts


def test_another_effector_is_commanded_once_a_policy_fits_it_and_the_first_one_again(stack):
    assert exchanged(stack, "point_mass") == ""
    assert stack.probe.change("effector", "configure") and stack.probe.change("effector", "activate")
    assert stack.until(lambda: [w for w in stack.words if "[policy]" in w and "effector 'point_mass' takes" in w])
    assert stack.until(lambda: stack.diagnostics[-1]["effector"] == "point_mass" and stack.diagnostics[-1]["idle"])
    assert exchanged(stack, "arm26") == ""
    assert stack.probe.change("effector", "configure") and stack.probe.change("effector", "activate")
    assert stack.until(lambda: stack.diagnostics[-1]["effector"] == "arm26" and not stack.diagnostics[-1]["idle"])
    assert not stack.supervisor.restarts


def test_two_effectors_that_do_not_fit_one_after_the_other_end_nothing(stack):
    """Neither the policy nor the task can do anything with them; with the first one both go on by themselves."""
    for name in ("point_mass", "myoelbow"):
        stack.words.clear()
        assert exchanged(stack, name) == ""
        assert stack.probe.change("effector", "configure") and stack.probe.change("effector", "activate")
        assert stack.until(lambda: [w for w in stack.words if w.startswith("[policy] [ERROR]")])
        assert stack.until(lambda n=name: stack.diagnostics[-1]["effector"] == n and stack.diagnostics[-1]["idle"])
    assert exchanged(stack, "arm26") == ""
    assert stack.probe.change("effector", "configure") and stack.probe.change("effector", "activate")
    assert stack.until(lambda: stack.diagnostics[-1]["effector"] == "arm26" and not stack.diagnostics[-1]["idle"])
    n = len(stack.trials)
    assert stack.until(lambda: len(stack.trials) > n + 2), stack.words
    assert not stack.supervisor.restarts


def test_an_exchange_for_a_port_that_is_not_there_is_refused_before_anything_is_let_go(command):
    done = command("switch-effector", "ability_hand", "--option", "port=/dev/ttyNOWHERE")
    assert done.returncode == 2 and "no port /dev/ttyNOWHERE" in done.stderr and "goes on" in done.stderr

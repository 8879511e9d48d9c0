"""The task node with a body that the test plays: whose clock may jump, and whose states may be lost."""

import time
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.following import Following
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.graph_connection import GraphConnection

pytestmark = pytest.mark.realtime

DT_NS = 10_000_000
HOUR = 360_000


@pytest.fixture
def body(start, request):
    """A task alone, with options of its own as parameter; `show` shows it states from one tick to another."""
    options = {"trial_s": 0.5, "trials": 6, **getattr(request, "param", {})}
    stack = start({"task": options}, only=("task",), effector="point_mass", namespace="alone")
    spec = registry.factory("effectors", "point_mass")(registry.options("effectors", "point_mass")()).spec
    state, told = stack.probe.speak(topics.STATE), stack.probe.speak(topics.SPEC)
    stack.plans = []
    stack.probe.node.create_subscription(
        topics.TARGET.type,
        topics.TARGET.name,
        lambda m: stack.plans.append(TrialPlan.from_json(m.data)),
        topics.latched(10),
    )
    told.publish(topics.SPEC.type(data=spec.to_json()))
    writer = JointStateWriter(spec.channels, frame=spec.frame)
    assert stack.until(lambda: state.get_subscription_count() == 1)
    stack.spin(1.0)

    def show(first, last, every=1):
        for tick in range(first, last, every):
            state.publish(writer.pack(tick * DT_NS, *np.zeros((3, len(spec.channels)))))
            time.sleep(0.001)
        stack.spin(0.5)

    stack.show, stack.spec, stack.tell, stack.options = show, spec, told.publish, options
    yield stack
    stack.close()


def events(stack, *kinds):
    return [(t["text"], t["trial"]) for t in stack.trials if t["text"] in kinds]


def follow(body):
    """The effector says that it follows commands."""
    account = body.probe.speak(topics.FOLLOWING)
    assert body.until(lambda: account.get_subscription_count() == 1)
    account.publish(topics.FOLLOWING.type(data=Following(0, 1).to_json()))
    body.spin(0.3)


def test_trials_are_planned_one_ahead_and_told_in_order(body):
    body.show(1000, 1330)
    begun = events(body, "start", "go", "end", "lost")[:9]
    assert begun == [(k, n) for n in range(3) for k in ("start", "go", "end")]
    assert [p.trial for p in body.plans] == list(range(6)) and [p.last for p in body.plans] == [False] * 5 + [True]
    assert all(a.until_ns == b.from_ns for a, b in zip(body.plans, body.plans[1:], strict=False))
    end = [t for t in body.trials if t["text"] == "end"]
    assert [t["last"] for t in end] == [False] * 5 + [True]
    assert all(t["samples"] == t["expected"] == 50 and not t["success"] for t in end)


def test_a_trial_whose_states_were_lost_is_not_scored(body):
    body.show(1000, 1140, every=3)
    assert ("lost", 0) in events(body, "lost", "end") and not events(body, "end")


@pytest.mark.parametrize("jump", [HOUR, -HOUR // 2], ids=["forwards", "backwards"])
def test_a_clock_that_jumps_costs_a_trial_and_not_the_session(body, jump):
    body.show(HOUR, HOUR + 75)  # in the middle of trial 1
    body.show(HOUR + 75 + jump, HOUR + 75 + jump + 330)
    ended = events(body, "end", "lost")
    assert len([e for e in ended if e[0] == "lost"]) <= 1
    assert [n for _, n in ended] == list(range(6)), ended
    assert [p.from_ns for p in body.plans if p.last][-1] > (HOUR + 75 + jump) * DT_NS


def test_states_of_an_effector_that_was_before_are_no_fault_of_this_one(body):
    """One without an endpoint, with which the task does nothing, and then the first one again."""
    state = body.probe.speak(topics.STATE)
    assert body.until(lambda: state.get_subscription_count() == 1)
    joints = JointStateWriter(body.spec.joints, frame=body.spec.frame)
    body.show(1000, 1030)
    body.tell(topics.SPEC.type(data=replace(body.spec, name="hand", endpoint="").to_json()))
    assert body.until(lambda: any("no endpoint" in w for w in body.words))
    for tick in range(1030, 1400):
        state.publish(joints.pack(tick * DT_NS, *np.zeros((3, len(body.spec.joints)))))
        time.sleep(0.001)
    body.tell(topics.SPEC.type(data=body.spec.to_json()))
    body.spin(1.0)
    body.show(1400, 1600)
    assert events(body, "end"), body.words
    assert not any("is ignored" in w for w in body.words), body.words


def test_trials_follow_the_skill_of_the_policy_that_is_played(start):
    """Its contract says which way it turns the balls: the targets of the trial that runs turn back, and all to come."""
    options = {"trials": 6, "policy_options": "{direction: cw}"}
    stack = start({"task": options}, only=("task",), stack="baoding", policy="reach_null", namespace="skills")
    spec = registry.factory("effectors", "baoding_hand")(registry.options("effectors", "baoding_hand")()).spec
    state, specs = stack.probe.speak(topics.STATE), stack.probe.speak(topics.SPEC)
    active, plans = stack.probe.speak(topics.POLICY_ACTIVE), []
    target = topics.TARGET
    stack.probe.node.create_subscription(
        target.type, target.name, lambda m: plans.append(TrialPlan.from_json(m.data)), topics.latched(10)
    )
    specs.publish(topics.SPEC.type(data=spec.to_json()))
    writer, dt_ns = JointStateWriter(spec.channels, frame=spec.frame), 25_000_000
    assert stack.until(lambda: state.get_subscription_count() == 1)
    stack.spin(1.0)

    def show(first, last):
        for tick in range(first, last):
            table = np.zeros((3, len(spec.channels)))
            table[0, [spec.channels.index(f"ball{k}/z") for k in (1, 2)]] = 1.5
            state.publish(writer.pack(tick * dt_ns, *table))
            time.sleep(0.001)
        stack.spin(0.5)

    show(1000, 1050)
    assert [(p.trial, p.label) for p in plans] == [(0, "cw"), (1, "cw")]
    active.publish(diagnostic_status.status("policy", "ready", {"task_options": {"direction": "hold"}}))  # not yet
    active.publish(diagnostic_status.status("policy", "active", {"task_options": {"direction": "ccw"}}))
    assert stack.until(lambda: len(plans) >= 4)
    assert [(p.trial, p.label) for p in plans[2:4]] == [(0, "cw → ccw"), (1, "ccw")]
    assert (plans[2].from_ns, plans[2].until_ns, plans[3].from_ns) == (
        plans[0].from_ns, plans[0].until_ns, plans[1].from_ns,
    )  # fmt: skip
    switched = plans[2].goals[0]
    assert switched.before == plans[0].goals[0] and 1.0 < switched.at_s < 1.6
    active.publish(diagnostic_status.status("policy", "active", {"task_options": {"noise": 1.0}}))
    assert stack.until(lambda: any("sets noise of task 'baoding', which are no skills" in w for w in stack.words))
    show(1050, 1250)
    ended = [t for t in stack.trials if t["text"] == "end"]
    assert [(t["trial"], t["label"]) for t in ended] == [(0, "cw → ccw")] and plans[-1].label == "ccw"
    stack.close()


def test_trials_are_planned_as_far_as_they_are_released(start):
    options = {"trials": 6, "first": 2, "released": 3, "trial_s": 0.3}
    stack = start({"task": options}, effector="point_mass", lockstep=True)
    done = [t for t in stack.trials if t["text"] == "end"]
    assert stack.until(lambda: [t["trial"] for t in stack.trials if t["text"] == "end"] == [2]), done
    stack.spin(0.5)
    assert [t["trial"] for t in stack.trials if t["text"] == "end"] == [2]
    assert not stack.probe.set("task", released=5)
    assert stack.until(lambda: [t["trial"] for t in stack.trials if t["text"] == "end"] == [2, 3, 4])
    stack.spin(0.3)
    begun = [t["time_ns"] for t in stack.trials if t["text"] == "start"]
    assert begun == [0, 300_000_000, 600_000_000]
    assert not stack.probe.set("task", released=-1)
    assert stack.until(lambda: [t["trial"] for t in stack.trials if t["text"] == "end"] == [2, 3, 4, 5])
    stack.close()


@pytest.mark.parametrize("body", [{"lsl": f"trials-{time.time_ns()}"}], indirect=True)
def test_the_events_of_trials_go_out_as_lsl_markers(body):
    import pylsl

    found = pylsl.resolve_byprop("name", body.options["lsl"], 1, 20.0)
    assert found and found[0].type() == "Markers"
    inlet, markers = pylsl.StreamInlet(found[0]), []
    inlet.open_stream()
    body.show(1000, 1330)

    def all_came():
        text, _ = inlet.pull_sample(0.0)
        markers.extend(text or [])
        return len(markers) == len(body.trials) == 18

    assert body.until(all_came), markers
    assert [m.split()[:2] for m in markers] == [[k, str(n)] for n in range(6) for k in ("start", "go", "end")]
    assert markers == [f"{t['text']} {t['trial']} {t['label']}" for t in body.trials]


def test_an_effector_that_does_not_speak_of_a_trial_is_told_the_plans_again(body):
    """It may have missed them: it speaks of those that it has."""
    body.probe.speak(topics.COMMAND)
    follow(body)
    body.show(1000, 1110)
    assert [p.trial for p in body.plans] == [0, 1, 2][: len(body.plans)]
    told = len(body.plans)
    assert body.until(lambda: ("lost", 0) in events(body, "lost"))
    assert body.until(lambda: len(body.plans) > told)
    assert body.plans[told].trial == 1, [p.trial for p in body.plans]
    assert body.until(lambda: any("in trial 0: its last word is of 10.6 s before its end" in w for w in body.words))


def test_in_real_time_the_first_trial_is_announced_ahead_to_a_policy_that_listens(body):
    body.probe.speak(topics.COMMAND)
    follow(body)
    body.show(1000, 1001)
    assert body.until(lambda: body.plans) and body.plans[0].from_ns == 1010 * DT_NS


def test_a_policy_that_does_not_listen_is_waited_for_but_not_for_ever(body):
    with GraphConnection("alone", "deaf") as deaf:
        deaf.node.create_publisher(topics.COMMAND.type, topics.COMMAND.name, topics.COMMAND.qos)
        follow(body)
        body.show(1000, 1001)
        assert not body.plans
        assert body.until(lambda: body.plans)


def test_what_trials_wait_for_is_said(body):
    """The test shows the first one its beginning, and then nothing."""
    body.show(1000, 1020)
    assert body.until(lambda: any("no state of the effector comes" in w for w in body.words)), body.words

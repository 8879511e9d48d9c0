"""Processes that die: the effector is idle within 100 ms, the node comes back, what it was told meanwhile is kept."""

import json
import os
import signal
import time

import pytest

from myoprosthesis.nodes import topics

pytestmark = pytest.mark.realtime

IDLE_S = 0.1
"""What is promised."""
PERIODS = round(IDLE_S / 0.01) + 2
"""Ticks in it, and those under way."""


@pytest.fixture(scope="module")
def stack(start):
    made = start({"task": {"trial_s": 0.5}}, perturbation="null")
    made.applied, made.states, made.kept = [], [], {}
    for topic, heard in ((topics.APPLIED, made.applied), (topics.STATE, made.states)):
        made.probe.node.create_subscription(
            topic.type, topic.name, lambda m, heard=heard: heard.append((time.time(), m)), topics.reliable(5000)
        )
    # what `up` does: values that were set while running are remembered
    from rcl_interfaces.msg import ParameterEvent
    from rclpy.parameter import parameter_value_to_python

    def changed(event):
        values = {p.name: parameter_value_to_python(p.value) for p in event.changed_parameters}
        name = event.node.rpartition("/")[2]
        made.supervisor.remember(name, values)
        made.kept.setdefault(name, {}).update(values)

    made.probe.node.create_subscription(ParameterEvent, "/parameter_events", changed, 100)
    try:
        yield made.ready()
    finally:
        made.close()


def stamp(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def following(stack):
    if not (stack.diagnostics and stack.applied):
        return False
    return stack.diagnostics[-1]["idle"] == "" and any(stack.applied[-1][1].effort)


def trials_go_on(stack):
    """Two more come to their end."""
    n = len([t for t in stack.trials if t["text"] == "end"])
    more = stack.until(lambda: len([t for t in stack.trials if t["text"] == "end"]) > n + 1)
    last = [(t["trial"], t["text"], t.get("why", "")) for t in stack.trials[-3:]]
    words = "; ".join(w[:300] for w in stack.words[-4:])
    assert more, f"{last}; idle: {stack.diagnostics[-1]['idle']!r}; {words}"


@pytest.mark.parametrize("name", ["policy", "perturbation", "task"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_node_that_dies_leaves_the_effector_idle(stack, name, how):
    """Killed or frozen alike. Each tick publishes what it applied, stamped when it began; ticks are counted, since a
    busy machine has fewer in a second."""
    assert stack.until(lambda: following(stack)), stack.words[-3:]
    pid = stack.supervisor.pids()[name]
    stack.applied.clear(), stack.states.clear(), stack.diagnostics.clear()
    os.kill(pid, how)
    dead = time.time()

    def idle():
        return [m for _, m in stack.applied if not any(m.effort)]

    try:  # nobody is started again meanwhile
        assert stack.probe.until(lambda: any(d["idle"] for d in stack.diagnostics) and len(idle()) > 10)
    finally:
        if how == signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    moved = [m for _, m in stack.applied if any(m.effort) and stamp(m) > dead]
    assert len(moved) <= PERIODS, f"{len(moved)} commands were followed after its death"
    if how == signal.SIGKILL:
        stack.until(lambda: stack.supervisor.restarts.get(name))
        assert stack.supervisor.restarts.get(name) and stack.supervisor.pids()[name] != pid
        assert any(f"[{name}] died by signal 9" in w for w in stack.words)
    assert stack.until(lambda: following(stack)), (stack.diagnostics[-1]["idle"], stack.words[-3:])
    trials_go_on(stack)


def test_the_effector_itself_comes_back(stack):
    assert stack.until(lambda: following(stack))
    stack.kill("effector")
    assert stack.until(lambda: stack.supervisor.restarts.get("effector"))
    stack.diagnostics.clear(), stack.applied.clear()  # what the one before it said last comes until then
    assert stack.until(lambda: following(stack)), stack.words[-3:]
    assert min(d["tick"] for d in stack.diagnostics) < 1000
    trials_go_on(stack)


def test_what_was_set_while_running_survives(stack):
    assert stack.probe.set("policy", policy="reach_cw") == ""
    assert stack.probe.set("perturbation", perturbation="curl_cw", gain=7.0) == ""
    assert stack.until(lambda: stack.policy[-1]["policy"] == "reach_cw" and stack.policy[-1]["text"] == "active")
    assert stack.until(lambda: stack.kept.get("perturbation", {}).get("gain") == 7.0 and "policy" in stack.kept)
    for name in ("policy", "perturbation"):
        stack.kill(name)
    before = dict(stack.supervisor.restarts)
    assert stack.until(lambda: sum(stack.supervisor.restarts.values()) >= sum(before.values()) + 2)
    assert stack.until(lambda: following(stack))
    assert stack.probe.get("policy", "policy") == "reach_cw"
    assert stack.probe.get("perturbation", "perturbation") == "curl_cw"
    assert stack.probe.get("perturbation", "gain") == 7.0
    plans = stack.probe.hear(topics.PERTURBATION)
    assert stack.until(lambda: plans and json.loads(plans[-1].data)["entries"])
    assert json.loads(plans[-1].data)["entries"][0]["values"]["B"][0][1] == 7.0


def test_an_emergency_stop_outlives_the_effector_where_nobody_remembers_it(start):
    """As under ros2 launch, which starts a process again as it was first started."""
    stack = start(effector="point_mass", only=("effector",), namespace="forgetful")
    try:
        assert stack.until(lambda: stack.diagnostics)
        for stopped in (True, False):
            assert stack.probe.trigger(f"effector/{'estop' if stopped else 'resume'}")[0]
            assert stack.until(lambda s=stopped: stack.diagnostics[-1]["stopped"] is s)
            before = stack.supervisor.restarts.get("effector", 0)
            stack.kill("effector")
            assert stack.until(lambda b=before: stack.supervisor.restarts.get("effector", 0) > b)
            stack.diagnostics.clear()
            assert stack.until(lambda: stack.diagnostics)
            assert {d["stopped"] for d in stack.diagnostics} == {stopped}
    finally:
        stack.close()


def test_an_emergency_stop_outlives_the_effector(stack):
    assert stack.until(lambda: following(stack))
    assert stack.probe.trigger("effector/estop") == (
        True,
        "stopped until resume; its actuators are relaxed, and it may move on",
    )
    assert stack.until(lambda: stack.diagnostics[-1]["idle"] == "emergency stop")
    assert stack.until(lambda: stack.kept.get("effector", {}).get("stopped"))
    before = stack.supervisor.restarts.get("effector", 0)
    stack.diagnostics.clear()
    stack.kill("effector")
    assert stack.until(lambda: stack.supervisor.restarts.get("effector", 0) > before)
    assert stack.until(lambda: stack.diagnostics and stack.diagnostics[-1]["idle"] == "emergency stop")
    stack.spin(1.0)
    assert {d["idle"] for d in stack.diagnostics} <= {"emergency stop", "not started"}
    assert stack.diagnostics[-1]["idle"] == "emergency stop" and stack.probe.get("effector", "stopped")
    assert stack.probe.trigger("effector/resume")[0]
    assert stack.until(lambda: following(stack))


@pytest.fixture(scope="module")
def stepped(start):
    made = start({"task": {"trial_s": 0.5}}, lockstep=True, effector="point_mass", namespace="stepped")
    try:
        yield made.ready()
    finally:
        made.close()


@pytest.mark.parametrize("name", ["policy", "perturbation", "task", "effector"])
def test_lockstep_waits_for_the_dead_and_goes_on(stepped, name):
    """No simulated time passes without the one that is missing, and it is named."""

    def ends():
        return len([t for t in stepped.trials if t["text"] == "end"])

    n, before = ends(), stepped.supervisor.restarts.get(name, 0)
    assert stepped.until(lambda: ends() > n)
    stepped.kill(name)
    assert stepped.until(lambda: stepped.supervisor.restarts.get(name, 0) > before)
    stepped.trials.clear()
    assert stepped.until(lambda: ends() > 3), (stepped.diagnostics[-1]["waiting_for"], stepped.words[-5:])

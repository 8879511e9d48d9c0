"""One hostile or huge message, on any topic, costs a sentence: nothing dies, and the effector goes on."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from myoprosthesis.core.errors import MyoError
from myoprosthesis.nodes import diagnostic_status, topics

pytestmark = pytest.mark.realtime

DEEP = "[" * 50_000


def shots():
    """Messages by topic, none of which can be used."""
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from sensor_msgs.msg import JointState
    from std_msgs.msg import Header, String

    now = time.time_ns()
    trial = {
        "participant": "task",
        "trial": 5,
        "from_ns": now,
        "until_ns": now + 10**9,
        "start": [0, 0, 0],
        "go_ns": None,
    }
    law = {"site": "endpoint", "kind": "law", "values": {"a": [1]}, "from_ns": now}
    plan = {"participant": "perturbation", "name": "x", "until_ns": now + 10**12, "from_ns": now, "entries": [law]}
    strength = {"site": "muscle", "kind": "strength", "values": {"strength": "a", "muscles": [1, {}]}, "from_ns": now}
    odd = [
        {"site": site, "kind": kind, "values": {"a": [1], "terms": 5, "units": "x", "angle_rad": "a"}, "from_ns": now}
        for site in ("observation", "hidden", "joint")
        for kind in ("rotation", "delay", "noise", "withhold", "clamp", "law")
    ]

    def state(name, message, **values):
        pairs = [KeyValue(key=k, value=v if isinstance(v, str) else json.dumps(v)) for k, v in values.items()]
        return DiagnosticStatus(name=name, message=message, values=pairs)

    for text in (
        DEEP,
        "x" * 10_000_000,
        json.dumps(trial | {"target": [10**400, 0, 0]}),
        json.dumps(trial | {"target": [math.nan] * 3}),
    ):
        yield topics.TARGET, String(data=text)
        yield topics.SPEC, String(data=text)
        yield topics.PERTURBATION, String(data=text)
    for entries in ([law], [strength], odd, [{"site": 5, "kind": [], "values": {}}]):
        yield topics.PERTURBATION, String(data=json.dumps(plan | {"entries": entries}))
    yield topics.TRIAL_EVENTS, state("trial", "start", x=1)
    yield topics.TRIAL_EVENTS, state("trial", "start", trial=DEEP)
    yield topics.TRIAL_EVENTS, state("trial", "end", trial=1)
    figures = {"success": True, "endpoint_error_mm": "x", "lateral_deviation_mm": 1.0}
    yield topics.TRIAL_EVENTS, state("trial", "end", trial=1, time_ns=1, **figures)
    yield topics.TRIAL_EVENTS, state("trial", "lost", trial=[1])
    yield topics.POLICY_ACTIVE, state("policy", "active", policy=5, deadline_s="1" + "0" * 400)
    yield topics.POLICY_ACTIVE, state("policy", "active", deadline_s=math.nan, policy=DEEP)
    for values in ({"ticks": "abc"}, {"dt": [1]}, {"tick": 10**30}, {"command_age_ms": 5}, {"events": DEEP}):
        yield topics.DIAGNOSTICS, DiagnosticArray(status=[state("effector", "x", **values)])
    yield topics.DIAGNOSTICS, DiagnosticArray(status=[state("effector", "x", error="made up by a stranger")])
    yield topics.DIAGNOSTICS, DiagnosticArray(status=[state(f"n{k}", "x" * 40) for k in range(50_000)])
    yield topics.HEARTBEAT, Header(frame_id="nobody" * 1000)
    names = [f"n{k}" for k in range(300_000)]
    yield topics.COMMAND, JointState(name=names, effort=[0.5] * len(names))
    yield topics.COMMAND, JointState(name=["a"] * 10, effort=[math.nan] * 7)
    yield topics.STATE, JointState(name=["a", "a"], position=[math.inf])


def test_no_message_ends_anything(start):
    stack = start({"task": {"trials": 0}}).ready()
    try:
        publishers, before = {}, stack.supervisor.pids()
        for topic, message in shots():
            if topic.name not in publishers:
                publishers[topic.name] = stack.probe.speak(topic)
                assert stack.until(publishers[topic.name].get_subscription_count, 5.0)
            publisher = publishers[topic.name]
            publisher.publish(message)
            stack.spin(0.05)
        # the parameters, likewise
        for node, name in (("perturbation", "options"), ("policy", "policy"), ("effector", "effector")):
            refused = stack.probe.set(f"/{node}", **{name: "x" * 10_000_000})
            assert refused and len(refused) < 500
        done = len(stack.trials)
        assert stack.until(lambda: len(stack.trials) > done + 2 and stack.diagnostics[-1]["idle"] == "", 40.0)
        assert stack.supervisor.pids() == before and not stack.supervisor.restarts
        words = "\n".join(stack.words)
        assert "Traceback" not in words and len(words) < 40_000
        assert words.count("nested too deeply") >= 4  # whoever hears plans or specifications says so
    finally:
        stack.close()


def test_up_itself_goes_on_whatever_strangers_send_on_the_topics_that_it_reads(probe, begin, tmp_path):
    with (tmp_path / "words").open("w") as out:
        up = begin("up", "reach", "--quiet", "--json", str(tmp_path / "figures.json"), stdout=out, stderr=out)
    ends = probe.hear(topics.TRIAL_EVENTS)
    assert probe.until(lambda: ends, 60.0)
    publishers = {}
    for topic, message in shots():
        if topic in (topics.TRIAL_EVENTS, topics.DIAGNOSTICS, topics.POLICY_ACTIVE):
            if topic.name not in publishers:
                publishers[topic.name] = probe.speak(topic)
                assert probe.until(lambda t=topic: publishers[t.name].get_subscription_count(), 5.0)
            publishers[topic.name].publish(message)
            probe.spin(0.05)
    before = len(ends)
    assert probe.until(lambda: len(ends) > before + 8) and up.poll() is None, (tmp_path / "words").read_text()
    up.terminate()
    assert up.wait(90) == 0
    words, figures = (tmp_path / "words").read_text(), json.loads((tmp_path / "figures.json").read_text())
    assert "Traceback" not in words and len(words) < 10_000, words[:10_000]
    assert figures["trials"] >= 2 and not figures["restarts"]
    assert {t["policy"] for t in figures["by_trial"]} == {"reach_null"}


def test_the_monitor_keeps_its_status_whatever_comes(domain):
    from myoprosthesis.cli.display import status_table, summary_table
    from myoprosthesis.stack.monitor import StackMonitor

    with StackMonitor() as monitor:
        status, s = monitor.status, monitor.subscriptions
        s.trial_event(diagnostic_status.status("trial", "start", {"trial": 3, "time_ns": 1}))
        s.diagnostics(SimpleNamespace(status=[diagnostic_status.status("effector", "ok", {"ticks": 7, "dt": 0.01})]))
        handlers = {
            topics.TRIAL_EVENTS.name: s.trial_event, topics.DIAGNOSTICS.name: s.diagnostics,
            topics.POLICY_ACTIVE.name: s.policy, topics.PERTURBATION.name: s.perturbation,
        }  # fmt: skip
        refused = 0
        for topic, message in shots():
            if topic.name in handlers:
                try:
                    handlers[topic.name](message)
                except MyoError:
                    refused += 1
                status_table(status, {})
                summary_table({**status.summary(), "task": None})
        assert refused > 15 and (status.effector.ticks or status.effector.error) and not status.trials


@pytest.mark.parametrize("at", [12, 20, 28])
def test_a_length_that_lies_is_a_sentence_in_bounded_memory(at):
    """Of the frame's name, of the statuses, and of the first one's name; also a message that ends too early."""
    import resource

    from rclpy.serialization import serialize_message

    from myoprosthesis.nodes.subscription import decode

    kind = topics.DIAGNOSTICS.type
    whole = serialize_message(kind(status=[diagnostic_status.status("effector", "x", {"a": 1})]))
    assert decode(whole, kind, "diagnostics").status[0].name == "effector"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for length in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x10"):
        with pytest.raises(MyoError, match="a message on diagnostics cannot be read"):
            decode(whole[:at] + length + whole[at + 4 :], kind, "diagnostics")
    with pytest.raises(MyoError):
        decode(whole[: at + 4], kind, "diagnostics")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_flood_of_refusals_is_a_few_sentences_and_a_count():
    from myoprosthesis.nodes import subscription

    now, said = [100.0], []
    refusals = subscription.Refusals(said.append, lambda: now[0])
    for k in range(3000):
        now[0] += 0.001
        refusals.add(f"bad {k}")
    now[0] += 20.0
    refusals.add("worse")
    assert len(said) <= 5 and said[0] == "bad 0" and said[-1].startswith("worse (")
    counts = [int(text.split("(")[1].split()[0]) for text in said if "(" in text]
    assert sum(counts) + len(said) == 3001


def test_a_parameter_that_is_too_long_is_refused_before_it_is_looked_at():
    from myoprosthesis.nodes import parameters

    with pytest.raises(MyoError, match="has 70000 characters, at most 65536"):
        parameters._short("options", "x" * 70_000)
    with pytest.raises(MyoError, match="at most"):
        parameters._short("grips", ["x" * 10] * 7000)
    assert parameters._short("grips", ["a", "b"]) == ["a", "b"] and parameters._short("x", 3) == 3


def test_every_subscription_of_the_executor_is_guarded():
    """`create_subscription` is called in one place for the executor, and in one for the loops."""
    import myoprosthesis

    folder = Path(myoprosthesis.__file__).parent
    callers = [p for p in folder.rglob("*.py") if "create_subscription(" in p.read_text()]
    known = {"nodes/subscription.py", "nodes/wait_set.py", "nodes/ping_node.py"}
    assert {p.relative_to(folder).as_posix() for p in callers} == known


def test_the_stop_is_answered_while_nobody_reads_what_the_nodes_say(probe, tmp_path):
    """`up` is held as Ctrl-S in its terminal, or a pager, holds it; then there are a thousand refusals to be told."""
    from sensor_msgs.msg import JointState
    from std_msgs.msg import String

    command = [sys.executable, "-m", "myoprosthesis.cli.main", "up", "reach", "--quiet"]
    with (tmp_path / "words").open("w") as out:
        up = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        applied = probe.hear(topics.APPLIED)
        plans = probe.speak(topics.PERTURBATION)
        assert probe.until(lambda: len(applied) > 20 and any(applied[-1].effort), 60.0)
        os.kill(up.pid, signal.SIGSTOP)
        for k in range(700):
            plans.publish(String(data=f"{{bad {chr(97 + k % 26)}{chr(97 + k // 26 % 26)} {k}" + " x" * 60))
            probe.spin(0.002)  # one at a time, or the newest four are all that come
        ticks = len(applied)
        assert probe.until(lambda: len(applied) > ticks + 20, 20.0), "the control loop has stopped"
        assert probe.trigger("/effector/estop")[0]
        assert probe.until(lambda: not any(applied[-1].effort), 20.0)
        assert isinstance(applied[-1], JointState)
    finally:
        os.kill(up.pid, signal.SIGCONT)
        up.terminate()
        assert up.wait(90) == 0
    words = (tmp_path / "words").read_text()
    assert "is not JSON" in words and len(words) < 60_000

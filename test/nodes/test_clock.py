"""Who gives the time, and to whom: `use_sim_time`, and stacks side by side."""

import pytest

from myoprosthesis.nodes import topics

pytestmark = pytest.mark.realtime

NODES = ("policy", "perturbation", "task")


def times(probe, name):
    """What comes on a clock from now on, ns."""
    from dataclasses import replace

    heard = []
    topic = replace(topics.CLOCK, name=name)
    probe.node.create_subscription(
        topic.type, topic.name, lambda m: heard.append(m.clock.sec * 10**9 + m.clock.nanosec), topic.qos
    )
    return heard


def listeners(probe, name):
    return {(i.node_namespace, i.node_name) for i in probe.node.get_subscriptions_info_by_topic(name)}


@pytest.mark.parametrize("lockstep", [True, False], ids=["simulated time", "real time"])
def test_a_stack_that_takes_its_time_from_clock_runs_and_publishes_it(start, lockstep):
    stack = start({"task": {"trial_s": 0.5}}, effector="point_mass", lockstep=lockstep, use_sim_time=True)
    try:
        heard = times(stack.probe, "/clock")
        assert stack.until(lambda: len([t for t in stack.trials if t["text"] == "end"]) >= 3, 60.0), stack.words
        assert stack.until(lambda: len(heard) > 20 and len(stack.diagnostics) > 2), (len(heard), stack.words)
        assert heard == sorted(heard)
        assert stack.until(lambda: {("/", n) for n in NODES} <= listeners(stack.probe, "/clock"))
        assert all(stack.probe.get(n, "use_sim_time") is True for n in (*NODES, "effector"))
    finally:
        stack.close()


def test_two_stacks_in_lockstep_keep_their_clocks_apart(start):
    """The first one gives /clock to everybody; either gives its own to its own nodes."""
    options = {"effector": "point_mass", "lockstep": True, "use_sim_time": True}
    left = start({"task": {"trial_s": 0.5}}, namespace="left", **options)
    right = None
    try:
        left.ready()
        right = start({"task": {"trial_s": 0.5}}, namespace="right", **options).ready()
        heard = {name: times(left.probe, name) for name in ("/clock", "/left/clock", "/right/clock")}
        assert left.until(lambda: all(len(t) > 50 for t in heard.values())), {k: len(t) for k, t in heard.items()}
        assert all(t == sorted(t) for t in heard.values())
        assert len(left.probe.node.get_publishers_info_by_topic("/clock")) == 1
        for space in ("/left", "/right"):
            wanted = {(space, n) for n in NODES}
            assert left.until(lambda s=space, w=wanted: w <= listeners(left.probe, f"{s}/clock"))
            assert not wanted & listeners(left.probe, "/clock")
        assert any("the time of this one is on /right/clock alone" in w for w in right.words), right.words
    finally:
        left.close()
        if right is not None:
            right.close()

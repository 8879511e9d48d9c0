"""Trials in which the effector did not follow commands throughout, in a whole stack: lost, and in no figure."""

import re

import pytest

from myoprosthesis.nodes import diagnostic_status, topics

pytestmark = pytest.mark.realtime


def ended(stack, n=0):
    """Trials that are over, from the n-th on: text, number and reason."""
    return [(t["text"], t["trial"], t.get("why", "")) for t in stack.trials if t["text"] in ("end", "lost")][n:]


def estop(stack):
    assert stack.probe.trigger("effector/estop")[0]


def resume(stack):
    assert stack.probe.trigger("effector/resume")[0]


def pause(stack, hold=True):
    from std_srvs.srv import SetBool

    assert stack.probe.call(SetBool, "effector/pause", data=hold).success


def deactivate(stack):
    assert stack.probe.change("policy", "deactivate")


def activate(stack):
    assert stack.probe.change("policy", "activate")


HOLDS = {
    "emergency stop": (estop, resume),
    "paused": (pause, lambda stack: pause(stack, False)),
    "older than|without a policy": (deactivate, activate),
}


@pytest.fixture(scope="module", params=[False, True], ids=["real time", "simulated time"])
def stack(start, request):
    # trials of simulated time that are long enough to be interrupted by hand
    trial_s = 20.0 if request.param else 0.5
    made = start({"task": {"trial_s": trial_s}}, effector="point_mass", lockstep=request.param).ready()
    made.lockstep = request.param
    yield made
    made.close()


@pytest.mark.parametrize("why", HOLDS)
def test_an_interrupted_trial_is_lost_and_the_next_ones_count(stack, why):
    hold, release = HOLDS[why]
    n = len(ended(stack))
    assert stack.until(lambda: any(text == "end" for text, *_ in ended(stack, n)))
    assert stack.until(lambda: stack.trials[-1]["text"] in ("start", "go"))
    running = stack.trials[-1]["trial"]
    hold(stack)
    stack.spin(0.3)
    release(stack)
    assert stack.until(lambda: any(text == "end" and k > running + 1 for text, k, _ in ended(stack, n)), 90.0)
    over = {k: (text, reason) for text, k, reason in ended(stack, n)}
    # on a busy machine others may be lost for reasons of their own
    befallen = [k for k in (running, running + 1) if over.get(k, ("", ""))[0] == "lost"]
    assert befallen and any(re.search(why, over[k][1]) for k in befallen), over
    assert all(reason for text, reason in over.values() if text == "lost"), over


def test_a_policy_that_is_started_again_costs_its_trial(stack):
    assert stack.until(lambda: stack.trials and stack.trials[-1]["text"] == "go")
    n, running = len(ended(stack)), stack.trials[-1]["trial"]
    stack.kill("policy")
    assert stack.until(lambda: any(text == "end" and k >= running + 3 for text, k, _ in ended(stack, n)), 90.0)
    over = {k: text for text, k, _ in ended(stack, n)}
    assert "lost" in (over.get(running), over.get(running + 1)), ended(stack, n)


def test_a_trial_of_which_the_policy_was_told_too_late_is_lost(stack):
    why = "the policy was told of it 0.2 s after its start"
    said = stack.probe.speak(topics.POLICY_ACTIVE)
    assert stack.until(lambda: said.get_subscription_count() > 1)
    assert stack.until(lambda: stack.trials and stack.trials[-1]["text"] == "go")
    n, values = len(ended(stack)), {"pid": stack.supervisor.pids()["policy"], "unaware": why}
    said.publish(diagnostic_status.status("policy", "active", values, diagnostic_status.OK))
    assert stack.until(lambda: any(reason == why for *_, reason in ended(stack, n)))


def test_in_real_time_the_first_trial_waits_for_the_policy(start):
    made = start({"task": {"trial_s": 0.3, "trials": 3}}, effector="point_mass", namespace="waiting")
    try:
        assert made.until(lambda: len(ended(made)) == 3, 60.0)
        assert not [why for *_, why in ended(made) if why in ("no command yet", "not active")], ended(made)
    finally:
        made.close()

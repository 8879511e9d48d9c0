"""What trials wait for is said once it takes long, and once."""

import pytest

from myoprosthesis.core.following import Following
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes import trial_wait
from myoprosthesis.nodes.trial_wait import TrialWait

NS = 10**9
NONE = Following(0, 0)


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(trial_wait, "time", made)
    return made


def plan(trial, from_s, until_s):
    return TrialPlan(trial, from_s * NS, until_s * NS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), None)


@pytest.mark.parametrize(
    ("running", "ahead", "said", "why"),
    [
        (None, None, Following(0, 0, (), "emergency stop"), "the effector does not follow commands: emergency stop"),
        (None, plan(3, 90, 91), NONE, "trial 3 begins in 60 s by the effector's clock"),
        (plan(2, 0, 90), plan(3, 90, 91), NONE, "trial 2 is not over by the effector's clock"),
        (None, None, None, "none is planned"),
    ],
)
def test_the_reason_is_said_once_until_trials_go_on(clock, running, ahead, said, why):
    wait = TrialWait()
    wait.moved(2.0)
    clock.now += 6.9  # 4.9 s more than the trial takes
    wait.state()
    assert wait.sentence(30 * NS, running, ahead, said) == ""
    clock.now += 0.2
    assert wait.sentence(30 * NS, running, ahead, said) == f"no trial has begun or ended for 7 s: {why}"
    assert wait.sentence(30 * NS, running, ahead, said) == ""
    wait.moved()
    clock.now += 5.1
    wait.state()
    assert wait.sentence(30 * NS, running, ahead, said).endswith(why)


def test_an_effector_that_says_nothing_comes_first(clock):
    wait = TrialWait()
    clock.now += 5.1
    said = Following(0, 0, (), "emergency stop")
    assert wait.sentence(0, None, None, said) == "no trial has begun or ended for 5 s: no state of the effector comes"
    wait.state()
    assert wait.sentence(0, None, None, said).endswith("does not follow commands: emergency stop")

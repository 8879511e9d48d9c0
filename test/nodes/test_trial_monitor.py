"""Which states are those of a trial, in both kinds of time."""

import numpy as np
import pytest

from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes.trial_monitor import TrialMonitor, missing_states

MS = 1_000_000
PLACE = (0.0, 0.0, 0.0)
PLAN = TrialPlan(0, 1000 * MS, 2000 * MS, PLACE, PLACE, None)
NAMES = ("endpoint/x", "endpoint/y", "endpoint/z")


def monitored(stamps_ns, lockstep=False):
    """The trial of states at these times, ended with the first that ends it; and how many states that took."""
    monitor = TrialMonitor(0.01, lockstep=lockstep)
    monitor.begin(PLAN)
    for k, stamp in enumerate(stamps_ns):
        if monitor.add(JointStateFrame(int(stamp), NAMES, *np.zeros((3, 3)))):
            return monitor.end(), k + 1
    raise AssertionError("it did not end")


@pytest.mark.parametrize("phase_ms", [0.0, 0.1, 2.0, 4.9, 5.1, 9.9])
def test_in_real_time_every_state_before_the_end_is_one_of_the_trial(phase_ms):
    ticks = np.arange(95, 205) * 10 * MS + round(phase_ms * MS)
    trial, _ = monitored(ticks)
    inside = ticks[(ticks >= PLAN.from_ns) & (ticks < PLAN.until_ns)]
    np.testing.assert_array_equal(trial.record.time_ns, inside)
    assert trial.samples == trial.expected == 100


def test_in_lockstep_it_is_over_with_its_last_state():
    ticks = np.arange(100, 205) * 10 * MS
    trial, taken = monitored(ticks, lockstep=True)
    assert taken == trial.samples == trial.expected == 100 and trial.record.time_ns[-1] == 1990 * MS


def test_states_that_did_not_come_are_counted_and_jitter_is_none():
    ticks = np.arange(100, 200) * 10 * MS + 3 * MS
    assert missing_states(PLAN, ticks, 10 * MS) == 0
    for gone in (slice(0, 2), slice(50, 53), slice(97, 100)):
        left = np.delete(ticks, gone)
        assert missing_states(PLAN, left, 10 * MS) == 100 - len(left)
    assert missing_states(PLAN, np.zeros(0, np.int64), 10 * MS) == 100
    late = ticks - 3 * MS + np.random.default_rng(0).integers(-MS // 10, MS // 10, 100)
    assert missing_states(PLAN, late[(late >= PLAN.from_ns) & (late < PLAN.until_ns)], 10 * MS) == 0

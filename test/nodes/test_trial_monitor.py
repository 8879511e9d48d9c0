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


def test_states_that_did_not_come_are_counted():
    ticks = np.arange(95, 205) * 10 * MS + 3 * MS
    for gone in (slice(5, 7), slice(50, 53), slice(102, 105), slice(3, 8), slice(103, 107)):
        left = np.delete(ticks, gone)
        inside = left[(left >= PLAN.from_ns) & (left < PLAN.until_ns)]
        trial, _ = monitored(left)
        assert (trial.samples, trial.expected) == (len(inside), 100)
    assert missing_states(PLAN, np.zeros(0, np.int64), 10 * MS) == 100


def test_the_state_before_a_trial_is_known_though_the_first_one_is_added_twice():
    """As the task does, which begins a trial with its first state."""
    ticks = np.arange(95, 205) * 10 * MS - MS // 10
    monitor, frames = TrialMonitor(0.01), [JointStateFrame(int(t), NAMES, *np.zeros((3, 3))) for t in ticks]
    for frame in frames:
        over = monitor.add(frame)
        if monitor.plan is None and frame.stamp_ns >= PLAN.from_ns:
            monitor.begin(PLAN)
            over = monitor.add(frame)
            assert monitor._before_ns == PLAN.from_ns - MS // 10
        if over:
            break
    trial = monitor.end()
    assert trial.samples == trial.expected == 100


def test_ticks_that_fall_to_either_side_of_the_ends_are_not_missing():
    ticks = np.arange(95, 205) * 10 * MS
    for early, late in ((5, None), (None, 105), (5, 105)):  # just before the start, or just before the end
        moved = ticks + MS // 10
        for k in (k for k in (early, late) if k is not None):
            moved[k] -= MS // 5
        trial, _ = monitored(moved)
        assert trial.samples == 100 - (early is not None) + (late is not None)
        assert trial.expected == trial.samples
    assert missing_states(PLAN, ticks[6:105] + MS // 10, 10 * MS) == 0, "though nothing is known of the others"


def test_one_that_begins_late_lacks_what_came_before():
    ticks = np.arange(130, 205) * 10 * MS
    trial, _ = monitored(ticks)
    assert trial.samples == 70 and trial.expected in (99, 100) and not trial.complete  # the phase is not known

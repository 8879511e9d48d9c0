from dataclasses import replace

import pytest

from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan

TRIAL = TrialPlan(4, ns(4.0), ns(5.0), (0.0, 0.3, 0.0), (0.1, 0.3, 0.0), ns(4.2), label="target 0")


def trial(k, begin, end):
    return replace(TRIAL, trial=k, from_ns=ns(begin), until_ns=ns(end), go_ns=None)


def perturbation(k, begin, end):
    return PerturbationPlan("p", ns(end), k, (), ns(begin))


@pytest.fixture(params=[trial, perturbation])
def make(request):
    return request.param


def heard(schedule, *times):
    plans = [schedule.current(ns(t)) for t in times]
    return [p if p is None else p.trial for p in plans]


def test_plans_hold_in_their_times_though_sent_ahead(make):
    schedule = Schedule()
    assert schedule.current(0) is None and schedule.horizon_ns < 0
    for k in range(3):
        schedule.add(make(k, k, k + 1))
    assert schedule.horizon_ns == 3 * NS
    assert heard(schedule, 0, 0.99, 1, 1.5, 2, 2.99, 3) == [0, 0, 1, 1, 2, 2, None]


def test_before_the_first_plan_and_in_a_gap_there_is_none(make):
    schedule = Schedule()
    schedule.add(make(0, 1, 2))
    schedule.add(make(1, 3, 4))
    assert heard(schedule, 0.5, 1, 2, 2.9, 3, 4) == [None, 0, None, None, 1, None]


@pytest.mark.parametrize(
    "newest, begin, late_s",
    [(0.9, 1.0, 0.0), (1.0, 1.0, 1e-9), (1.25, 1.0, 0.25), (2.0, 1.0, 0.0), (3.5, 3.0, 0.0)],
)
def test_a_plan_that_is_announced_within_its_time_is_late(make, newest, begin, late_s):
    schedule = Schedule()
    schedule.add(make(3, 3.0, 4.0))  # and is told again
    assert schedule.unannounced_s(make(0, begin, begin + 1.0), ns(newest)) == pytest.approx(late_s, abs=2e-9)


def test_saying_it_again_changes_nothing(make):
    schedule = Schedule()
    for _ in range(3):
        schedule.add(make(0, 0, 1))
    assert schedule.horizon_ns == NS and len(schedule.plans) == 1


def test_a_restarted_party_is_the_only_one_heard(make):
    """It begins with trial 0 again in the middle of trial 7, when trial 8 had been announced."""
    schedule = Schedule()
    schedule.add(make(7, 7, 8))
    schedule.add(make(8, 8, 9))
    schedule.add(make(0, 7.3, 8.3))
    assert schedule.horizon_ns == ns(8.3)
    schedule.add(make(1, 8.3, 9.3))
    assert heard(schedule, 7.2, 7.3, 7.9, 8.1, 8.3, 9.1, 9.3) == [7, 0, 0, 0, 1, 1, None]


def test_a_shorter_plan_does_not_let_the_old_one_come_back(make):
    schedule = Schedule()
    schedule.add(make(7, 7, 9))
    schedule.add(make(0, 7.3, 8.0))
    assert heard(schedule, 7.2, 7.5, 8.5) == [7, 0, None]


def test_a_new_plan_for_the_present_trial_replaces_it_and_what_was_announced(make):
    schedule = Schedule()
    schedule.add(make(4, 4, 5))
    schedule.add(make(5, 5, 6))
    assert heard(schedule, 4.5) == [4]
    again = make(4, 4, 5)
    schedule.add(again)
    assert schedule.current(ns(4.6)) == again and schedule.horizon_ns == ns(5)
    schedule.add(make(5, 5, 6))
    assert heard(schedule, 4.7, 5.0) == [4, 5]


def test_a_plan_that_is_announced_again_stays_what_it_was(make):
    """What has been made of it need not be made again."""
    schedule, first = Schedule(), make(4, 4, 5)
    for plan in (first, make(5, 5, 6), make(4, 4, 5)):
        schedule.add(plan)
    assert schedule.current(ns(4.6)) is first and schedule.horizon_ns == ns(5)


def test_old_plans_are_forgotten(make):
    schedule = Schedule()
    for k in range(1000):
        schedule.add(make(k, k, k + 1))
        assert schedule.current(ns(k + 0.5)).trial == k
    assert len(schedule.plans) == 1

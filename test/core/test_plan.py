import json
from dataclasses import replace

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan

TRIAL = TrialPlan(4, ns(4.0), ns(5.0), (0.0, 0.3, 0.0), (0.1, 0.3, 0.0), ns(4.2), label="target 0")
ENTRY = PerturbationEntry("endpoint", "law", {"f": [0.1, 1 / 3]}, ns(4.0), ns(5.0), 0.5)
PLAN = PerturbationPlan(
    "curl", ns(5.0), 4, (ENTRY, PerturbationEntry("muscle", "fatigue", {"F": 0.01, "R": 0.002})), ns(4.0)
)


def test_json_brings_plans_back():
    assert TrialPlan.from_json(TRIAL.to_json()) == TRIAL
    still = replace(TRIAL, go_ns=None, reset=False, scored=False)
    assert TrialPlan.from_json(still.to_json()) == still
    assert PerturbationPlan.from_json(PLAN.to_json()) == PLAN
    assert PerturbationPlan.from_json(PerturbationPlan("null", 7).to_json()) == PerturbationPlan("null", 7)


def test_times_are_exact_in_json():
    far = replace(TRIAL, from_ns=1_764_000_000_123_456_789, until_ns=1_764_000_001_123_456_789)
    assert TrialPlan.from_json(far.to_json()).from_ns == far.from_ns


@pytest.mark.parametrize("kind", [TrialPlan, PerturbationPlan])
@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '{"trial": 1}', '{"name": "a", "until_ns": "soon"}'])
def test_damaged_plans_are_refused(kind, text):
    with pytest.raises(ConfigError):
        kind.from_json(text)


def test_impossible_plans_are_refused():
    for change in ({"until_ns": TRIAL.from_ns}, {"target": (0.1, float("nan"), 0.0)}):
        with pytest.raises(ConfigError, match="trial 4"):
            replace(TRIAL, **change)
    with pytest.raises(ConfigError, match="'elbow': known are endpoint"):
        replace(ENTRY, site="elbow")
    bad = {**json.loads(PLAN.to_json()), "entries": [{"site": "endpoint", "kind": "law", "values": {}, "colour": 1}]}
    with pytest.raises(ConfigError, match="colour"):
        PerturbationPlan.from_json(json.dumps(bad))


def test_the_goal_is_seen_from_the_start_and_the_go_signal_from_its_time():
    assert TRIAL.goal(ns(4.2) - 1) == {"target/x": 0.1, "target/y": 0.3, "target/z": 0.0, "go": 0.0}
    assert TRIAL.goal(ns(4.2))["go"] == 1.0
    assert replace(TRIAL, go_ns=None).goal(ns(4.9))["go"] == 0.0


def test_an_entry_rises_over_its_ramp_and_ends():
    gains = [ENTRY.gain(ns(t)) for t in (3.9, 4.0, 4.1, 4.25, 4.5, 4.999, 5.0)]
    assert gains == pytest.approx([0, 0, 0.2, 0.5, 1, 1, 0])
    at_once = replace(ENTRY, ramp_s=0.0, until_ns=None)
    assert [at_once.gain(ns(t)) for t in (3.999, 4.0, 1e6)] == [0, 1, 1]


def test_entries_by_site():
    assert [e.kind for e in PLAN.at("muscle")] == ["fatigue"]
    assert PLAN.at("endpoint", "muscle") == PLAN.entries and PLAN.at("observation") == ()


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
    assert schedule.current(ns(4.6)) is again and schedule.horizon_ns == ns(5)
    schedule.add(make(5, 5, 6))
    assert heard(schedule, 4.7, 5.0) == [4, 5]


def test_old_plans_are_forgotten(make):
    schedule = Schedule()
    for k in range(1000):
        schedule.add(make(k, k, k + 1))
        assert schedule.current(ns(k + 0.5)).trial == k
    assert len(schedule.plans) == 1

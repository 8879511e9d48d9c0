"""The account that an effector gives of its following commands, and which trials it leaves."""

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.following import KEPT, Attendance, Following, Lapse
from myoprosthesis.core.trial_plan import TrialPlan

DT = 10


def trial(from_ns, until_ns):
    return TrialPlan(0, from_ns, until_ns, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), None)


def account(ticks):
    kept = Attendance(DT)
    for now, why in ticks:
        kept.note(now, why)
    return kept


def test_json_brings_it_back():
    word = Following(3, 90, (Lapse(10, 30, "paused"), Lapse(50, 60, "emergency stop")), "paused")
    assert Following.from_json(word.to_json()) == word


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"from_ns": "x", "until_ns": 0, "lapses": [], "held": ""}'])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ConfigError, match="cannot be read"):
        Following.from_json(text)


def test_a_lapse_costs_the_trials_that_it_touches_and_no_other():
    kept = account([(now, "paused" if 40 <= now < 60 else "") for now in range(0, 100, DT)])
    word = kept.following(90)
    assert word.lapses == (Lapse(40, 60, "paused"),) and not word.held and word.until_ns == 90
    spans = {(0, 40): "", (10, 50): "paused", (40, 60): "paused", (50, 80): "paused", (30, 90): "paused", (60, 90): ""}
    assert {span: word.fault(trial(*span)) for span in spans} == spans


def test_a_reason_that_changes_is_another_lapse_and_the_first_one_in_a_trial_is_told():
    word = account([(0, ""), (10, "stale"), (20, "stale"), (30, "emergency stop"), (40, "")]).following(50)
    assert word.lapses == (Lapse(10, 30, "stale"), Lapse(30, 40, "emergency stop"))
    assert word.fault(trial(0, 100)) == "stale" and word.fault(trial(30, 100)) == "emergency stop"


def test_an_effector_says_nothing_of_the_time_before_it_was_started():
    word = account([(50, "")]).following(60)
    assert "started within it" in word.fault(trial(40, 80)) and word.fault(trial(50, 80)) == ""


def test_a_clock_that_is_set_back_begins_another_account():
    kept = account([(1000, "paused"), (1010, "")])
    kept.note(500, "")
    assert kept.following(510) == Following(500, 510)


def test_of_many_lapses_the_newest_are_kept():
    kept = account([(now, "stale" if now % 20 else "") for now in range(0, 2000, DT)])
    word = kept.following(2000)
    assert len(word.lapses) == KEPT and word.lapses[-1] == Lapse(1990, 2000, "stale")

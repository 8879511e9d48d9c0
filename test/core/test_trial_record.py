import json

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.goal import OrbitGoal
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord, TrialResult

PLAN = TrialPlan(0, 0, ns(1.0), (0.0,) * 3, (0.1, 0.0, 0.0), 0, goals=(OrbitGoal((0, 0, 0), (0.1, 0.1), 1.0),))
CHANNELS = ("elbow", *ENDPOINT)
TABLE = np.arange(5 * 3 * 4, dtype=float).reshape(5, 3, 4)
RECORD = TrialRecord(PLAN, 0.01, CHANNELS, np.arange(5) * ns(0.01), TABLE)


def test_columns_are_found_by_name_and_row():
    np.testing.assert_array_equal(RECORD.columns("endpoint/y", "elbow", field="velocity"), TABLE[:, 1, [2, 0]])
    np.testing.assert_array_equal(RECORD.position, TABLE[:, 0, 1:])
    np.testing.assert_array_equal(RECORD.velocity, TABLE[:, 1, 1:])
    np.testing.assert_array_equal(RECORD.load, TABLE[:, 2, 1:])


def test_the_goal_is_that_of_each_sample():
    goal = RECORD.goal("target/x", "go")
    assert goal.shape == (5, 2) and list(goal[:, 1]) == [1.0] * 5
    assert goal[4, 0] == PLAN.goal(ns(0.04))["target/x"] != goal[0, 0]


def test_what_is_not_recorded_is_refused_and_an_endpoint_that_is_not_there_is_empty():
    with pytest.raises(ConfigError, match="'wrist' is not recorded: `needs` of the task"):
        RECORD.columns("wrist")
    blind = TrialRecord(PLAN, 0.01, ("elbow",), RECORD.time_ns, TABLE[:, :, :1])
    assert blind.position.shape == (5, 0)


def test_the_newest_sample_is_a_record_of_its_own():
    newest = RECORD.newest
    np.testing.assert_array_equal(newest.columns(*CHANNELS), RECORD.columns(*CHANNELS)[-1:])
    np.testing.assert_array_equal(
        newest.goal("target/x", field="velocity"), RECORD.goal("target/x", field="velocity")[-1:]
    )
    assert newest.time_ns.tolist() == [ns(0.04)]


def test_a_goal_is_evaluated_once_for_each_sample(monkeypatch):
    evaluated = []
    monkeypatch.setattr(TrialPlan, "goal_motion", lambda plan, now_ns: evaluated.append(now_ns) or {"go": (1.0, 0.0)})
    record = TrialRecord(PLAN, 0.01, CHANNELS, RECORD.time_ns, TABLE)
    assert record.goal("go").ravel().tolist() == [1.0] * 5 and not record.goal("target/x", "go")[:, 0].any()
    assert evaluated == RECORD.time_ns.tolist()


def test_what_numpy_counts_becomes_numbers_that_can_be_sent():
    figures = {"d": np.bool_(True), "c": np.float32(3.0), "n": np.int64(2)}
    result = TrialResult(np.bool_(False), {**figures, "none": None, "text": "left"})
    assert json.loads(json.dumps(dict(result.figures))) == {"d": True, "c": 3.0, "n": 2, "none": None, "text": "left"}
    assert result.success is False and TrialResult().success is None


@pytest.mark.parametrize(
    ("success", "figures", "sentence"),
    [
        ("no", {}, "success of a trial is true, false or none, got no"),
        (1, {}, "success of a trial is true, false or none, got 1"),
        (True, {"trial": 77.0}, "called trial, which the table of trials has already"),
        (True, {"success": 1.0}, "called success, which"),
        (True, {"path": [1, 2]}, r"figure 'path' of a trial is a number, a text or none, got \[1, 2\]"),
    ],
)
def test_what_the_table_of_trials_cannot_hold_is_refused(success, figures, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TrialResult(success, figures)

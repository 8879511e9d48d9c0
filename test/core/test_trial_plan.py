import json
import math
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.goal import CommandGoal, ConstantGoal, OrbitGoal
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TASK_CHANNELS, TrialPlan

TRIAL = TrialPlan(4, ns(4.0), ns(5.0), (0.0, 0.3, 0.0), (0.1, 0.3, 0.0), ns(4.2), label="target 0")
ORBIT = OrbitGoal((0.0, 0.3, 0.0), (0.1, 0.05), 2.0, 0.7)


def test_json_brings_plans_back():
    assert TrialPlan.from_json(TRIAL.to_json()) == TRIAL
    still = replace(TRIAL, go_ns=None, reset=False, scored=False)
    assert TrialPlan.from_json(still.to_json()) == still
    moving = replace(TRIAL, goals=(ORBIT, CommandGoal(1.2, 0.3), ConstantGoal({"ball/x": 0.1})))
    assert TrialPlan.from_json(moving.to_json()) == moving


def test_a_trial_whose_goal_does_not_move_is_sent_without_goals():
    assert json.loads(TRIAL.to_json()) == {
        "participant": "task", "trial": 4, "from_ns": ns(4.0), "until_ns": ns(5.0), "start": [0.0, 0.3, 0.0],
        "target": [0.1, 0.3, 0.0], "go_ns": ns(4.2), "reset": True, "scored": True, "last": False, "label": "target 0",
    }  # fmt: skip


def test_a_plan_of_a_former_version_is_read():
    assert TrialPlan.from_json(TRIAL.to_json().replace('"participant"', '"party"')) == TRIAL


def test_times_are_exact_in_json():
    far = replace(TRIAL, from_ns=1_764_000_000_123_456_789, until_ns=1_764_000_001_123_456_789)
    assert TrialPlan.from_json(far.to_json()).from_ns == far.from_ns


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '{"trial": 1}', '{"name": "a", "until_ns": "soon"}'])
def test_damaged_plans_are_refused(text):
    with pytest.raises(ConfigError):
        TrialPlan.from_json(text)


@pytest.mark.parametrize("change", [{"until_ns": TRIAL.from_ns}, {"target": (0.1, float("nan"), 0.0)}])
def test_impossible_plans_are_refused(change):
    with pytest.raises(ConfigError, match="trial 4"):
        replace(TRIAL, **change)


def test_the_goal_is_seen_from_the_start_and_the_go_signal_from_its_time():
    assert TRIAL.goal(ns(4.2) - 1) == {"target/x": 0.1, "target/y": 0.3, "target/z": 0.0, "go": 0.0}
    assert TRIAL.goal(ns(4.2))["go"] == 1.0
    assert replace(TRIAL, go_ns=None).goal(ns(4.9))["go"] == 0.0


def test_a_moving_goal_takes_the_place_of_the_target_and_has_a_velocity():
    plan = replace(TRIAL, goals=(ORBIT,))
    table = plan.goal_table((*TASK_CHANNELS, "target/phase", "ball/x"), ns(4.5))
    angle = 0.7 + math.pi * 0.5
    assert table[0, :2] == pytest.approx([0.1 * math.cos(angle), 0.3 + 0.05 * math.sin(angle)])
    assert table[1, :2] == pytest.approx([-0.1 * math.pi * math.sin(angle), 0.05 * math.pi * math.cos(angle)])
    assert list(table[:, 3]) == [1.0, 0.0, 0.0] and table[0, 4] == pytest.approx(angle)
    assert not table[:, 5].any() and not table[2].any()


def test_both_ends_of_the_wire_evaluate_the_same_numbers():
    plan = replace(TRIAL, from_ns=1_764_000_000_123_456_789, until_ns=1_764_000_001_123_456_789, goals=(ORBIT,))
    other = TrialPlan.from_json(plan.to_json())
    for now_ns in range(plan.from_ns, plan.until_ns, 9_999_991):
        assert np.array_equal(plan.goal_table(TASK_CHANNELS, now_ns), other.goal_table(TASK_CHANNELS, now_ns))

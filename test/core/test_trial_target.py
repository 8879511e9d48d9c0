"""Places that a trial asks for."""

import json

import numpy as np
import pytest

from myoprosthesis.core.effector_spec import POSE
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.goal import ConstantGoal, OrbitGoal
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_target import MOST_TARGETS, TrialTarget, target_places

SECOND = 10**9
START, AWAY = (0.0, 0.3, 0.0), (0.1, 0.4, 0.0)


def plan(*targets, goals=(), target=AWAY):
    return TrialPlan(0, 0, SECOND, START, target, 0, goals=goals, targets=targets)


def test_without_targets_it_is_the_endpoint_at_the_target():
    assert target_places(plan(), 5, (), np.zeros(0))["endpoint"].tolist() == [*AWAY]
    assert np.isnan(target_places(plan(target=START), 5, (), np.zeros(0))["endpoint"]).all()


def test_a_target_in_a_frame_goes_along_with_it():
    orbit = OrbitGoal((0.0, 0.0, 0.0), (0.1, 0.1), 1.0, 0.0, "target1")
    there = plan(TrialTarget("ball1", "target1", "palm"), TrialTarget("ball2", "target1"), goals=(orbit,))
    channels = ("ball1/x", *(f"palm/{part}" for part in POSE))
    half = np.sqrt(0.5)
    state = np.array([9.0, 1.0, 2.0, 3.0, half, 0.0, 0.0, half])  # the palm is turned by 90° about z
    places = target_places(there, 0, channels, state)
    assert places["ball1"] == pytest.approx([1.0, 2.1, 3.0]) and places["ball2"] == pytest.approx([0.1, 0.0, 0.0])
    later = target_places(there, SECOND // 4, channels, state)["ball1"]
    assert later == pytest.approx([0.9, 2.0, 3.0])
    assert np.isnan(target_places(there, 0, channels[:-1], state)["ball1"]).all(), "a state without the frame's pose"


def test_a_goal_that_the_trial_does_not_have_is_nowhere():
    goals = (ConstantGoal({"target/tip/x": 1.0, "target/tip/y": 2.0}),)
    assert np.isnan(target_places(plan(TrialTarget("tip", "target/tip"), goals=goals), 0, (), np.zeros(0))["tip"][2])


def test_targets_come_back_from_their_message_and_plans_without_any_say_nothing_of_them():
    targets = TrialTarget("ball1", "target1", "palm"), TrialTarget("ball2", "target2")
    assert TrialPlan.from_json(plan(*targets).to_json()).targets == targets
    assert "targets" not in json.loads(plan().to_json())


@pytest.mark.parametrize(
    "wrong",
    [3, "ball", ["ball"], [{"part": "ball"}], [{"part": "ball", "goal": 3}], [{"part": "a", "goal": "b", "more": "c"}],
     [{"part": "a", "goal": "b"}] * (MOST_TARGETS + 1)],
)  # fmt: skip
def test_targets_that_are_none_are_refused(wrong):
    with pytest.raises(ConfigError, match="target"):
        TrialPlan.from_json(json.dumps(json.loads(plan().to_json()) | {"targets": wrong}))

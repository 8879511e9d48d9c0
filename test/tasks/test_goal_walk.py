"""Walking to a place: drawn, planned as a way that leads through it, and judged by the pelvis."""

import math

import numpy as np
import pytest

from myoprosthesis.cli.command import CommandOptions, steps_of
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.envs.played_trials import played
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.tasks.goal_walk import GoalWalk, GoalWalkOptions
from myoprosthesis.tasks.walk_approach import approach


@pytest.mark.parametrize("ahead, left", [(1.0, 0.0), (-1.0, 0.0), (0.0, 0.5), (2.0, -2.0), (-9.0, 3.0)])
def test_straight_on_an_arc_and_straight_on_end_at_the_place(ahead, left):
    way = approach(ahead, left, 2.0, 3.0)
    side = math.copysign(1.0, way.turn)
    x = way.before_m + 2.0 * math.sin(abs(way.turn)) + way.after_m * math.cos(way.turn)
    y = side * 2.0 * (1.0 - math.cos(way.turn)) + way.after_m * math.sin(way.turn)
    assert (x, y) == pytest.approx((ahead, left), abs=1e-9) and (way.after_m >= 3.0 or not way.turn)


def test_places_are_drawn_by_trial_and_another_policy_goes_on_to_the_same_one():
    task = GoalWalk(build(GoalWalkOptions, {"seed": 3, "goal": (-1.0, 2.0)}), 0.03125)
    plans = [task.plan(k, ns(5.0)) for k in range(20)]
    places = np.array([p.target[:2] for p in plans])
    assert places.min() >= -1.0 and places.max() <= 2.0 and len(np.unique(places)) == 40
    assert task.plan(4, ns(5.0)).to_json() == plans[4].to_json()
    again = task.redirected(plans[4], ns(9.0))
    for plan in (plans[4], again):
        assert (plan.until_ns - plan.from_ns) % ns(0.03125) == 0
        last = [plan.goal(plan.until_ns - ns(1.0) - k * ns(0.03125)) for k in (0, 2)]  # just after, and just before
        way = np.array([[at["command/x"], at["command/y"]] for at in last]) - places[4]
        assert np.linalg.norm(way, axis=1).max() < 0.1 and np.linalg.norm(way[0] - way[1]) == pytest.approx(
            0.078, abs=1e-3
        )
        assert abs(way[0, 0] * way[1, 1] - way[0, 1] * way[1, 0]) < 1e-9  # the place is on the line between them
    with pytest.raises(ConfigError, match="goal is a range of two numbers"):
        build(GoalWalkOptions, {"goal": (1.0, -1.0)})


def test_the_policy_that_walks_comes_to_places_beside_and_behind_it():
    policy = OnnxPolicy(store.find("walk"))
    results = played(policy, (0, 1), "goal_walk", {"seed": 1000, "speed": (1.0, 1.2)}, 1)
    closest = [r.figures["closest_mm"] for r in results]
    assert [r.success for r in results] == [r.figures["reached"] for r in results] == [c <= 100.0 for c in closest]
    assert max(closest) < 250.0 and all(r.figures["completed"] and r.figures["held"] == 1.0 for r in results)


def test_a_place_is_asked_for_on_the_command_line():
    assert steps_of(CommandOptions(to=(1.0, -2.0), speed=1.2)) == (WayStep(to=(1.0, -2.0), speed=1.2),)
    with pytest.raises(ConfigError, match="goes with a speed above 0 alone"):
        steps_of(CommandOptions(to=(1.0, -2.0), turn=10.0))

"""Goals of many trials at once are those of each trial's plan, to the last digit."""

import numpy as np
import pytest

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.envs.goal_batch import GoalBatch
from myoprosthesis.tasks.walk import Walk, WalkOptions

DT = 0.03125
CHANGED = {"speed": (0.8, 1.8), "turn_deg_s": (-30.0, 30.0), "changes": 1.0, "stops": 0.7, "trial_s": 10.0}


@pytest.mark.parametrize("options", [{}, CHANGED], ids=["constant", "changed on the way"])
def test_goals_at_any_time_are_those_of_the_plan(options):
    walk = Walk(WalkOptions(seed=5, **options), DT)
    plans = [walk.plan(k, 0) for k in range(12)]
    batch = GoalBatch(len(plans), list(walk.channels))
    for i, plan in enumerate(plans):
        batch.put(i, plan)
    if options:
        assert all(len(batch.at(np.full(len(plans), t))[0]) for t in (9.0, 0.0))  # and back again
    for seconds in DT * np.arange(0, 320, 9):
        for ahead in (0.0, DT, 0.125):  # as policies look ahead
            at = np.full(len(plans), seconds + ahead)
            position, velocity = batch.at(at)
            for i, plan in enumerate(plans):
                table = plan.goal_table(list(walk.channels), ns(float(at[i])))
                np.testing.assert_array_equal(position[i], table[0])
                np.testing.assert_array_equal(velocity[i], table[1])


def test_what_is_asked_for_on_the_way_stands_and_turns():
    walk = Walk(WalkOptions(seed=1, **CHANGED), DT)
    ends = [walk.plan(k, 0).goal_table(["command/speed", "command/heading"], ns(9.9)) for k in range(40)]
    begins = [walk.plan(k, 0).goal_table(["command/speed", "command/heading"], 0) for k in range(40)]
    assert 5 <= sum(end[0][0] == 0.0 for end in ends) <= 35  # some stand at the end, others have gone on
    assert all(begin[0][0] >= 0.8 for begin in begins)
    usual = Walk(WalkOptions(seed=1, speed=(0.8, 1.8), trial_s=10.0), DT)
    assert {type(goal).__name__ for k in range(5) for goal in usual.plan(k, 0).goals} == {"ClipGoal", "CommandGoal"}

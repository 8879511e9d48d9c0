import numpy as np

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions


def test_it_is_where_it_was_told_to_be_after_one_period():
    mirror = Mirror(MirrorOptions(joints=("a", "b", "c")))
    mirror.reset(0)
    state = mirror.step(np.array([0.1, -0.2, 0.3]), NO_DISTURBANCE)
    np.testing.assert_array_equal(state.joint_position, [0.1, -0.2, 0.3])
    np.testing.assert_allclose(state.joint_velocity, [10, -20, 30])
    assert state.time == 0.01


def test_behind_the_guard_it_moves_no_faster_than_it_may():
    guard = GuardedEffector(Mirror(MirrorOptions(rate_limit=2.0)))
    guard.reset(0)
    velocity = [guard.step(np.array([1.0, -1.0])).joint_velocity for _ in range(20)]
    np.testing.assert_allclose(velocity, np.tile([2.0, -2.0], (20, 1)))

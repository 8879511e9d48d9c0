"""What a held joint presses with ends below the limit, and the limit leaves when nothing presses."""

import numpy as np

from myoprosthesis.effectors.serial_hand.force_limit import ForceLimit


def press(limit, seconds, held=True):
    """A spring of 3 A/rad between target and joint, read at 200 Hz, commanded 1 rad ahead."""
    guard, position, target = ForceLimit(np.array([limit])), np.zeros(1), np.zeros(1)
    for _ in range(int(seconds * 200)):
        target = guard.apply(np.ones(1), position)
        guard.learn(3.0 * (target - position), target, position)
        if not held:
            position = target
    return abs(float(3.0 * (target - position)[0])), guard


def test_a_held_joint_presses_no_more_than_the_limit():
    assert press(0.0, 0.1)[0] == 3.0
    for seconds in (0.1, 0.2, 1.0, 5.0):
        pressed, guard = press(0.6, seconds)
        assert 0.3 < pressed <= 0.66 and guard.active.all()


def test_a_free_joint_is_not_held_back():
    guard = ForceLimit(np.array([0.6]))
    guard.learn(np.array([1.0]), np.array([0.5]), np.zeros(1))
    assert guard.active.all()
    for _ in range(200):
        guard.learn(np.array([0.1]), np.array([0.1]), np.zeros(1))
    assert not guard.active.any()
    assert guard.apply(np.ones(1), np.zeros(1)) == 1.0

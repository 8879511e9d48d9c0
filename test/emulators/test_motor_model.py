"""Motors of emulated hands: speed, contact, current and temperature."""

import numpy as np
import pytest

from myoprosthesis.emulators.motor_model import AMBIENT, LARGEST, NEWTON_PER_AMPERE, STIFFNESS, MotorModel


def motors():
    one = MotorModel(np.zeros(2), np.full(2, 1.5), np.array([1.0, 2.0]), np.zeros(2))
    one.advance(0.0)
    return one


def run(one, seconds, start=0.0):
    for k in range(1, round(seconds * 100) + 1):
        one.advance(start + k / 100)


def test_a_target_is_reached_no_faster_than_the_fastest_speed():
    one = motors()
    one.target = np.full(2, 1.0)
    run(one, 0.3)
    assert (one.position <= np.array([0.3, 0.6]) + 1e-9).all() and one.position == pytest.approx(
        [0.285, 0.57], abs=0.01
    )
    run(one, 2.0, 0.3)
    assert one.position == pytest.approx([1.0, 1.0], abs=1e-3) and one.force.tolist() == [0.0, 0.0]


def test_positions_stay_within_the_range():
    one = motors()
    one.target = np.array([9.0, -9.0])
    run(one, 3.0)
    assert one.position == pytest.approx([1.5, 0.0])


def test_a_contact_stops_a_joint_and_presses():
    one = motors()
    one.touching, one.target = {0: 0.5}, np.array([0.8, 0.8])
    run(one, 2.0)
    assert one.position == pytest.approx([0.5, 0.8], abs=1e-3)
    assert one.current[0] == pytest.approx(STIFFNESS * 0.3) and one.force[0] == NEWTON_PER_AMPERE * one.current[0]
    assert one.force[1] == 0.0


def test_a_stuck_motor_draws_its_largest_current_and_grows_warm():
    one = motors()
    one.stuck[0], one.target = True, np.array([1.5, 0.0])
    run(one, 2.0)
    assert one.position[0] == 0.0 and one.current[0] == LARGEST
    assert one.temperature[0] > AMBIENT + 2 and one.temperature[1] == pytest.approx(AMBIENT, abs=1e-3)
    one.heat = 60.0
    assert one.hottest == pytest.approx(one.temperature + 60.0)

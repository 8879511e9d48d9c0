"""A stop is a stop on the bodies of other people."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.testing import check_effector, check_stop

from .bodies_of_others import MIXED, SERVOS, arm, muscle_arm


def body_of(xml, **options):
    return MujocoBody("arm", mujoco.MjModel.from_xml_string(xml), BodyOptions(**options))


@pytest.mark.parametrize("name", [*SERVOS, *MIXED])
def test_a_body_with_servos_stops_where_it_is(name):
    check_stop(lambda: body_of(arm({**SERVOS, **MIXED}[name])))


@pytest.mark.parametrize("xml", [muscle_arm(), muscle_arm(servo=False)], ids=["servo", "muscles"])
def test_a_body_with_muscles_stops_where_it_is_or_relaxes(xml):
    check_stop(lambda: body_of(xml))


@pytest.mark.parametrize("name", ["gripper", "geared"])
def test_such_a_body_passes_the_check_of_effectors(name):
    check_effector(lambda: body_of(arm(SERVOS[name], "RK4")), 2.0)


@pytest.mark.parametrize("name", ["stiff", "slow", "gripper"])
def test_after_an_emergency_stop_in_motion_it_comes_to_a_stand_far_from_its_last_target(name):
    guard = GuardedEffector(body_of(arm(SERVOS[name])))
    guard.reset(0)
    target = np.array([-1.5, 1.5, 0.04])[: guard.spec.command.size]
    for _ in range(8):
        state = guard.step(target)
    begin, speed = state.measured, np.abs(state.measured_velocity)
    assert speed.max() > 0.5 and np.abs(target - begin).max() > 0.8
    guard.estop()
    way = np.zeros_like(begin)
    for _ in range(300):
        state = guard.step(target)
        way = np.maximum(way, np.abs(state.measured - begin))
    assert (way <= speed**2 / (2 * np.array(guard.spec.braking)) + 0.02).all()
    np.testing.assert_allclose(state.measured, begin, atol=0.01)
    assert np.abs(state.measured_velocity).max() < 1e-3


def test_it_does_not_sag_after_a_stop_although_its_servo_is_soft():
    """The command at which it stays where it is bears gravity: about 0.1 rad of a servo of 60 N m/rad."""
    guard = GuardedEffector(body_of(arm(SERVOS["slow"])))
    guard.reset(0)
    for _ in range(600):
        state = guard.step(np.array([0.3, -0.6]))
    begin = state.joint_position.copy()
    assert abs(state.measured[0] - begin[0]) > 0.05
    for _ in range(300):
        state = guard.step(None)
    np.testing.assert_allclose(state.joint_position, begin, atol=2e-3)


def test_muscles_relax_while_servos_hold():
    body = body_of(muscle_arm())
    assert body.spec.fail_each == ("hold", "relax", "relax")
    guard = GuardedEffector(body)
    guard.reset(0)
    for _ in range(20):
        state = guard.step(np.array([0.2, 1.0, 0.0]))
    begin = state.measured[0]
    for _ in range(50):
        state = guard.step(None)
    assert state.applied.tolist() == [begin, 0.0, 0.0]
    assert state.activation.max() < 0.05 and abs(state.measured[0] - begin) < 0.1


class HoldsTheLastCommand(Mirror):
    """A simulated servo that keeps its last target, whatever the guard says."""

    def __init__(self, options):
        super().__init__(options)
        self.spec = replace(self.spec, braking=1000.0, rate_limit=None)
        self._target = np.zeros(2)

    def step(self, command, imposed):
        moved = self._position + 0.1 * (self._target - self._position)
        if np.abs(command - self._position).max() > 1e-9:  # a hold at the measured place is not heeded
            self._target = np.array(command, float)
        velocity, self._position = (moved - self._position) / self.spec.dt, moved
        self._tick += 1
        return replace(self._state(velocity), applied=np.array(command, float))


class MovesByItself(Mirror):
    def step(self, command, imposed):
        return super().step(command + 0.05, imposed)


@pytest.mark.parametrize(
    ("bad", "sentence"), [(HoldsTheLastCommand, "goes on by"), (MovesByItself, "before the first")]
)
def test_an_effector_that_does_not_stop_must_not_pass(bad, sentence):
    check_stop(lambda: Mirror(MirrorOptions()))
    with pytest.raises(AssertionError, match=sentence):
        check_stop(lambda: bad(MirrorOptions()))

"""Muscles commanded by length: the law written again, and what it does to a body."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors.bodies import arm26, myoelbow
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.effectors.stretch_reflex import StretchReflex
from myoprosthesis.testing import check_effector

from .bodies_of_others import muscle_arm

LENGTH = BodyOptions(muscle_command="length")


def test_the_excitation_is_kp_stretch_and_kd_velocity_by_the_optimal_length_within_0_to_1():
    body = arm26(BodyOptions())
    reflex = StretchReflex(body.model, np.arange(6), kp=3.0, kd=0.5)
    rng = np.random.default_rng(0)
    data = SimpleNamespace(
        actuator_length=rng.uniform(reflex.low, reflex.high), actuator_velocity=rng.normal(0, 0.2, 6), ctrl=np.zeros(6)
    )
    target = np.clip(data.actuator_length + rng.normal(0, 0.02, 6), reflex.low, reflex.high - 1e-6)
    reflex.excite(data, target)
    wanted = []
    for i in range(6):
        length, ends = body.model.actuator_lengthrange[i], body.model.actuator_gainprm[i, :2]
        optimal = (length[1] - length[0]) / (ends[1] - ends[0])
        u = 3.0 * (data.actuator_length[i] - target[i]) / optimal + 0.5 * data.actuator_velocity[i] / optimal
        wanted.append(min(1.0, max(0.0, u)))
    np.testing.assert_allclose(data.ctrl, wanted)
    assert 0 < min(u for u in wanted if u) < max(wanted) and 0.0 in wanted
    data.actuator_velocity[:] = 100.0
    reflex.excite(data, reflex.high - 1e-6)
    assert (data.ctrl == 1.0).all()
    reflex.excite(data, reflex.high)
    assert not data.ctrl.any()  # even of those that lengthen


def test_lengths_are_an_ordinary_command_in_m():
    spec = arm26(LENGTH).spec
    assert (spec.command.quantity, spec.command.unit, spec.fail) == ("position", "m", "relax")
    assert spec.command.names == spec.muscles == arm26(BodyOptions()).spec.muscles
    assert spec.relaxed == spec.command.high and arm26(BodyOptions()).spec.relaxed == ()


def held(body, target, seconds, disturbance=NO_DISTURBANCE):
    """States of some time at the target lengths; excitation stays within 0..1 all along."""
    states = []
    for _ in range(round(seconds / body.spec.dt)):
        states.append(body.step(target, disturbance))
        assert (body.data.ctrl >= 0).all() and (body.data.ctrl <= 1).all()
    return states


@pytest.mark.parametrize("angle", [0.6, 1.2, 1.8])
def test_the_lengths_of_a_posture_hold_it_against_gravity(angle):
    joint = "r_elbow_flexion" if "r_elbow_flexion" in myoelbow(LENGTH).spec.joints else myoelbow(LENGTH).spec.joints[0]
    body = myoelbow(LENGTH)
    start = body.reset(0, {joint: angle})
    stayed = held(body, start.muscle_length.copy(), 1.5)[-1].joint_position[0]
    body.reset(0, {joint: angle})
    fell = held(body, body.spec.relaxed_command, 1.5)[-1].joint_position[0]
    assert abs(stayed - angle) < 0.15 and abs(stayed - angle) < 0.3 * abs(fell - angle)


def test_a_push_is_counteracted_and_the_body_returns():
    body = arm26(LENGTH)
    push = Disturbance(endpoint=ForceField.of(f0=[10.0, 5.0, 0.0]))
    home = body.reset(0)
    target = home.muscle_length.copy()
    stiff = np.linalg.norm(held(body, target, 0.3, push)[-1].endpoint_position - home.endpoint_position)
    assert body.data.ctrl.max() > 0.05
    after = np.linalg.norm(held(body, target, 2.0)[-1].endpoint_position - home.endpoint_position)
    body.reset(0)
    limp = np.linalg.norm(
        held(body, body.spec.relaxed_command, 0.3, push)[-1].endpoint_position - home.endpoint_position
    )
    assert stiff < 0.5 * limp and after < 0.5 * stiff


def test_in_the_fail_state_no_muscle_is_excited_from_the_first_period_on():
    guard = GuardedEffector(body := arm26(LENGTH))
    guard.reset(0)
    guard.step(None)
    assert not body.data.ctrl.any()
    for _ in range(20):
        guard.step(np.array(guard.spec.command.low))
    assert body.data.ctrl.max() == 1.0
    guard.estop()
    before = guard.step(np.array(guard.spec.command.low))
    assert not body.data.ctrl.any()
    assert (guard.step(None).activation <= before.activation).all() and not body.data.ctrl.any()


def test_commands_that_are_mixed_in_begin_with_relaxed_muscles():
    guard = GuardedEffector(arm26(LENGTH))
    guard.reset(0)
    guard.ease(0.5)
    low, high = guard.spec.command.bounds()
    applied = guard.step(low).applied
    np.testing.assert_allclose(applied, high + (low - high) * guard.spec.dt / 0.5)


@pytest.mark.parametrize("integrator", ["implicitfast", "RK4"])
def test_a_body_with_servos_and_muscles_by_length_passes_the_check(integrator):
    xml = muscle_arm().replace('integrator="implicitfast"', f'integrator="{integrator}"')

    def make():
        return MujocoBody("both", mujoco.MjModel.from_xml_string(xml), LENGTH)

    assert make().spec.command.units == ("rad", "m", "m") and make().spec.command.quantity == "position"
    assert make().spec.fail_each == ("hold", "relax", "relax")
    check_effector(make, seconds=1.0)


def test_arms_pass_the_check():
    check_effector(lambda: arm26(LENGTH), seconds=2.0)


def test_muscles_without_a_range_of_lengths_are_refused():
    body = arm26(BodyOptions())
    body.model.actuator_lengthrange[2] = 0.0
    with pytest.raises(ConfigError, match=f"commanded by length: {body.spec.muscles[2]}; give them a lengthrange"):
        MujocoBody("arm", body.model, LENGTH)

"""Forces in the legs from a state alone: those of the simulation, and the laws of mechanics."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.options import build
from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.bodies import myolegs
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.motion.leg_forces import LegForces
from myoprosthesis.tasks.walk import PERIOD_S, Walk

JOINTS = ("hip_flexion_l", "knee_angle_l", "ankle_angle_l")
FIELDS = {"position": 0, "velocity": 1}


@pytest.fixture(scope="module")
def legs():
    return myolegs(build(BodyOptions, {**Walk.effector_options, "dt": PERIOD_S}, "myolegs"))


@pytest.fixture(scope="module")
def forces(legs):
    return LegForces(legs, JOINTS)


def row(legs, forces, state):
    channels = list(legs.spec.channels)
    return np.array([state.table[FIELDS[field], channels.index(name)] for name, field in forces.columns])


@pytest.fixture(scope="module")
def seen(legs, forces):
    """States of legs that stand and give way, and what the simulation says of each."""
    rng = np.random.default_rng(0)
    rows, muscles, ground = [], [], []
    legs.reset()
    for _ in range(12):
        rows.append(row(legs, forces, legs.step(rng.uniform(0.0, 0.3, 80), Disturbance())))
        mujoco.mj_forward(legs.model, legs.data)
        muscles.append(legs.data.actuator_force.copy())
        ground.append(legs.data.qfrc_constraint[:3].copy())
    return np.array(rows), np.array(muscles), np.array(ground)


def test_muscles_pull_and_the_ground_pushes_as_in_the_simulation(forces, seen):
    """No coupling of joints and no end of a range acts on the places of the floating base: only the ground does."""
    rows, muscles, ground = seen
    made = forces.of(rows)
    np.testing.assert_allclose(made.muscles, muscles, atol=1e-9)
    np.testing.assert_allclose(made.ground.sum(axis=1), ground, atol=1e-6)
    assert (made.ground[:, :, 2] > 100.0).all()


def test_moments_of_a_knee_are_forces_times_moment_arms_of_the_whole_knee(legs, forces):
    """A moment arm is how much a muscle gets shorter as the knee bends, its inner joints following (virtual work).

    In the air, at rest and in the middle of the ranges nothing but muscles acts."""
    model, data = legs.model, mujoco.MjData(legs.model)
    place = int(model.joint("knee_angle_l").qposadr[0])

    def lengths(angle):
        mujoco.mj_resetDataKeyframe(model, data, model.key("standing").id)
        data.qpos[2], data.qpos[place] = 3.0, angle
        data.qpos[int(model.joint("hip_flexion_l").qposadr[0])] = 0.5
        joint_couplings.follow(model, data.qpos)
        data.act[:] = np.linspace(0.1, 0.6, len(data.act))
        mujoco.mj_forward(model, data)
        return data.actuator_length.copy()

    for angle in (0.4, 0.8, 1.2):
        arms = (lengths(angle + 1e-6) - lengths(angle - 1e-6)) / 2e-6
        lengths(angle)
        sources = [legs.source(*column) for column in forces.columns]
        made = forces.of(np.array([getattr(data, name)[at[0]] for name, at in sources])[None])
        np.testing.assert_allclose(made.muscles[0], data.actuator_force, atol=1e-9)
        assert made.moments[0, 1] == pytest.approx(data.actuator_force @ arms, rel=1e-4)
        assert not made.ground.any()


def test_the_end_of_a_range_bears_on_a_knee_that_is_straight(legs, forces):
    model, data = legs.model, mujoco.MjData(legs.model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("standing").id)
    sources = [legs.source(*column) for column in forces.columns]
    moments = []
    for angle in (0.1, -0.1):
        data.qpos[2] = 3.0
        data.qpos[int(model.joint("knee_angle_l").qposadr[0])] = angle
        joint_couplings.follow(model, data.qpos)
        moments.append(forces.of(np.array([getattr(data, name)[at[0]] for name, at in sources])[None]).moments[0, 1])
    assert moments[1] > moments[0] + 20.0


def test_legs_that_brush_each_other_are_not_the_ground(legs, forces):
    model, data = legs.model, mujoco.MjData(legs.model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("standing").id)
    data.qpos[2] = 3.0
    for side in "lr":
        data.qpos[int(model.joint(f"hip_adduction_{side}").qposadr[0])] = 0.15
    mujoco.mj_forward(model, data)
    assert data.ncon > 0
    sources = [legs.source(*column) for column in forces.columns]
    assert not forces.of(np.array([getattr(data, name)[at[0]] for name, at in sources])[None]).ground.any()

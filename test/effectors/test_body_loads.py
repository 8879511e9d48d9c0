"""Pushes and loads of legs that stand free, by Newton's laws for the whole body in the air."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.effectors.bodies import arm26, myolegs
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.testing.effector import check_effector

DT = 0.03125
OPTIONS = BodyOptions(dt=DT, time_step=0.00625, keyframe="standing")


@pytest.fixture(scope="module")
def legs():
    return myolegs(OPTIONS)


def momentum(body):
    """(3,) kg m/s of all of it."""
    mujoco.mj_subtreeVel(body.model, body.data)
    return body.model.body_subtreemass[0] * body.data.subtree_linvel[0]


def of(body, **values):
    """A disturbance at parts of the body by name."""
    out = {}
    for field, parts in values.items():
        table = np.zeros((len(body.spec.bodies), 3) if field == "body_force" else len(body.spec.bodies))
        for name, value in parts.items():
            table[body.spec.bodies.index(name)] = value
        out[field] = table
    return Disturbance(**out)


def gained(body, disturbance, periods=3):
    """Momentum that it gains in the air, with all muscles at rest.

    The soft couplings of the knees keep it to about half a per cent."""
    body.reset(0, {"root/z": 4.0})
    begin, idle = momentum(body), np.zeros(80)
    for _ in range(periods):
        body.step(idle, disturbance)
    return momentum(body) - begin


def test_a_push_gives_its_impulse_to_the_whole_body_and_gravity_its_own(legs):
    mass, seconds = legs.model.body_subtreemass[0], 3 * DT
    free = gained(legs, NO_DISTURBANCE)
    np.testing.assert_allclose(free, [0.0, 0.0, -9.81 * mass * seconds], atol=0.2)
    for part, force in {"pelvis": (100.0, 0.0, 0.0), "calcn_r": (0.0, -30.0, 5.0)}.items():
        pushed = gained(legs, of(legs, body_force={part: force}))
        np.testing.assert_allclose(pushed - free, np.array(force) * seconds, atol=0.08)
    both = gained(legs, of(legs, body_force={"pelvis": (100.0, 0.0, 0.0), "torso": (-100.0, 0.0, 0.0)}))
    np.testing.assert_allclose(both, free, atol=0.08)


def test_a_push_ends_with_its_period(legs):
    legs.reset(0, {"root/z": 4.0})
    legs.step(np.zeros(80), of(legs, body_force={"pelvis": (200.0, 0.0, 0.0)}))
    pushed = momentum(legs)
    legs.step(np.zeros(80), NO_DISTURBANCE)
    np.testing.assert_allclose(momentum(legs)[:2], pushed[:2], atol=0.03)
    assert pushed[0] == pytest.approx(200.0 * DT, abs=0.05)


def test_a_load_has_its_weight_and_is_put_down_again(legs):
    own = legs.model.body_mass.copy()
    more = gained(legs, of(legs, body_load={"calcn_r": 2.0})) - gained(legs, NO_DISTURBANCE)
    np.testing.assert_allclose(more, [0.0, 0.0, -9.81 * 2.0 * 3 * DT], atol=0.04)
    legs.step(np.zeros(80), of(legs, body_load={"calcn_r": 2.0}))
    assert legs.model.body("calcn_r").mass[0] == pytest.approx(own[legs.model.body("calcn_r").id] + 2.0)
    legs.step(np.zeros(80), NO_DISTURBANCE)
    np.testing.assert_array_equal(legs.model.body_mass, own)
    legs.step(np.zeros(80), of(legs, body_load={"torso": 5.0}))
    legs.reset(0)
    np.testing.assert_array_equal(legs.model.body_mass, own)


def test_a_loaded_foot_is_slower_and_the_other_is_not(legs):
    kick = np.zeros(80)
    kick[[legs.spec.muscles.index(f"recfem_{side}") for side in "rl"]] = 1.0

    def bent(disturbance):
        legs.reset(0, {"root/z": 4.0})
        for _ in range(4):
            state = legs.step(kick, disturbance)
        return [state.table[0, legs.spec.channels.index(f"hip_flexion_{side}")] for side in "rl"]

    free, loaded = bent(NO_DISTURBANCE), bent(of(legs, body_load={"calcn_r": 3.0}))
    assert free[0] == pytest.approx(free[1], abs=0.01)
    assert loaded[0] < free[0] - 0.02 and abs(loaded[1] - free[1]) < 0.5 * (free[0] - loaded[0])


def test_a_saved_moment_goes_on_bit_for_bit_with_a_load(legs):
    acting = of(legs, body_force={"pelvis": (50.0, 0.0, 0.0)}, body_load={"calcn_l": 1.5})
    rng = np.random.default_rng(0)
    commands = rng.uniform(0.0, 0.3, (12, 80))
    legs.reset(0)
    for command in commands[:6]:
        legs.step(command, acting)
    saved = legs.get_state().copy()
    after = [legs.step(command, acting).table.copy() for command in commands[6:]]
    other = myolegs(OPTIONS)
    other.reset(0)
    other.set_state(saved)
    for command, table in zip(commands[6:], after, strict=True):
        np.testing.assert_array_equal(other.step(command, acting).table, table)


def test_only_a_body_that_stands_free_has_parts_to_push(legs):
    assert {"pelvis", "calcn_r", "calcn_l", "torso"} <= set(legs.spec.bodies) and "body" in legs.spec.sites
    spec = arm26(BodyOptions()).spec
    assert spec.bodies == () and "body" not in spec.sites
    assert EffectorSpec.from_json(legs.spec.to_json()).bodies == legs.spec.bodies


def test_legs_pass_the_check_of_effectors():
    check_effector(lambda: myolegs(BodyOptions()), seconds=2.0)

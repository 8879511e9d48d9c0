"""The legs in postures: couplings of the knee, what is seen in a mirror, soles on the floor, and other speeds."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import PLACES, SIDES
from myoprosthesis.motion.cycle import mirrored
from myoprosthesis.motion.gait import CLEAR_M, on_floor, spread
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import JOINTS, POSTURE, mirrored_columns
from myoprosthesis.motion.speeds import at_speed


@pytest.fixture(scope="module")
def legs():
    return Legs()


@pytest.fixture(scope="module")
def postures():
    """The cycle of a shipped clip."""
    clip = motion_clip.read(motion_clip.find("walk_1.3"))
    return clip.values[:-1, [list(clip.units).index(name) for name in POSTURE]]


def residuals(legs, qpos):
    """How far equality constraints are from holding."""
    data = mujoco.MjData(legs.model)
    data.qpos[:] = qpos
    mujoco.mj_forward(legs.model, data)
    return np.abs(data.efc_pos[data.efc_type == mujoco.mjtConstraint.mjCNSTR_EQUALITY])


def test_coupled_joints_of_the_knee_are_where_the_model_wants_them(legs, postures):
    qpos = legs.qpos(postures[30])
    assert residuals(legs, qpos).max() < 1e-9 and len(legs.followers) == 14
    for name, *_ in legs.followers:
        qpos[legs.model.joint(name).qposadr[0]] = 0.0
    assert residuals(legs, qpos).max() > 0.01


def test_legs_in_a_mirror_are_the_other_legs(legs, postures):
    order, signs = mirrored_columns()
    places, image = legs.places(postures[:5]), legs.places(postures[:5][:, order] * signs)
    half = len(PLACES) // 2
    other = np.roll(image, half, axis=1) * [1.0, -1.0, 1.0]
    np.testing.assert_allclose(other, places, atol=2e-3)  # the two legs of the model differ by less
    np.testing.assert_allclose(mirrored(mirrored(postures)), postures, atol=1e-12)


def test_a_pelvis_that_leans_carries_the_legs_along(legs, postures):
    """A positive tilt raises what is ahead and legs swing ahead; a rotation to the left brings the right leg ahead."""
    straight = np.zeros((1, len(POSTURE)))
    knee = PLACES.index("knee_r")
    for column, least in (("root/tilt", 0.02), ("root/rotation", 0.005)):
        turned = straight.copy()
        turned[0, POSTURE.index(column)] = 0.1
        moved = legs.places(turned)[0] - legs.places(straight)[0]
        assert moved[knee, 0] > least


@pytest.mark.parametrize("speed", [0.8, 1.8])
def test_a_gait_at_another_speed_has_longer_and_quicker_steps(legs, postures, speed):
    own = on_floor(legs, postures, 1.04)
    other = at_speed(legs, own, speed)
    assert other.speed == pytest.approx(speed, rel=1e-6)
    ratio = speed / own.speed
    assert other.stride_m / own.stride_m == pytest.approx(ratio**0.5, rel=0.08)
    assert own.duration_s / other.duration_s == pytest.approx(ratio**0.5, rel=0.08)
    low, high = np.array([legs.ranges[name] for name in JOINTS]).T
    angles = other.postures[:, 6:]
    assert (angles > low - 0.02).all() and (angles < high + 0.02).all()


def test_feet_are_on_the_floor_and_do_not_slip(legs, postures):
    gait = on_floor(legs, postures + np.eye(len(POSTURE))[2] * 0.3, 1.04)
    heights, _ = legs.soles(gait.postures)
    assert abs(np.median(heights.min(axis=1))) < 1e-6 and heights.min() > -0.02
    assert gait.contacts.mean(axis=0) == pytest.approx([0.6, 0.6], abs=0.06)  # of a stride people stand 60 %
    assert gait.slip_mm_s < 0.15 * 1e3 * gait.speed


def test_legs_that_go_through_each_other_are_spread(legs, postures):
    hips = [POSTURE.index(f"hip_adduction_{side}") for side in SIDES]
    crossed = postures.copy()
    crossed[:, hips] += np.radians(3.0)
    assert legs.between(crossed).min() < 0.0 < CLEAR_M <= legs.between(postures).min()
    passing, angle = spread(legs, crossed)
    assert legs.between(passing).min() >= CLEAR_M and 0.0 < angle <= 4.0
    np.testing.assert_allclose(passing[:, hips], crossed[:, hips] - np.radians(angle))
    crossed[:, hips] += np.radians(12.0)
    with pytest.raises(ConfigError, match="its legs go through each other, even with hips spread by 8 deg"):
        spread(legs, crossed)


@pytest.mark.parametrize("name", motion_clip.names())
def test_the_legs_of_a_shipped_clip_pass_each_other(legs, name):
    clip = motion_clip.read(motion_clip.find(name))
    columns = [list(clip.units).index(column) for column in POSTURE]
    assert legs.between(clip.values[:, columns]).min() >= 0.5 * CLEAR_M

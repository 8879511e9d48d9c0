"""Each field as physics: the equation again, a direction, a symmetry, work."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import kinds

START, TARGET = np.array([0.1, 0.3, 0.0]), np.array([0.16, 0.38, 0.0])
TRIAL = TrialPlan(2, ns(2.0), ns(3.0), tuple(START), tuple(TARGET), ns(2.2))
RNG = np.random.default_rng(0)


def law(kind, **options):
    (entry,) = kind(build(OPTIONS[kind], options), TRIAL)
    assert (entry.site, entry.kind) == ("endpoint", "law")
    return ForceField.from_dict(dict(entry.values))


OPTIONS = {
    kinds.null: kinds.NullOptions, kinds.constant: kinds.ConstantOptions, kinds.spring: kinds.SpringOptions,
    kinds.viscous: kinds.ViscousOptions, kinds.curl: kinds.CurlOptions, kinds.channel: kinds.ChannelOptions,
    kinds.pulse: kinds.PulseOptions, kinds.joint_load: kinds.JointLoadOptions,
}  # fmt: skip
PLANE = np.diag([1.0, 1.0, 0.0])


def test_null_is_nothing():
    assert kinds.null(kinds.NullOptions(), TRIAL) == ()


def test_a_positive_curl_pushes_to_the_right_of_the_motion_and_does_no_work():
    field = law(kinds.curl, gain=13.0)
    assert field.force(START, np.array([0.0, 0.4, 0.0])).tolist() == [13 * 0.4, 0, 0]  # forwards: to the right
    for _ in range(50):
        x, v = RNG.normal(size=3), PLANE @ RNG.normal(size=3)
        force = field.force(x, v)
        assert abs(force @ v) < 1e-12
        assert np.cross(v, force)[2] < 0  # clockwise from the velocity
        assert np.linalg.norm(force) == pytest.approx(13 * np.linalg.norm(v))
        np.testing.assert_array_equal(force, -law(kinds.curl, gain=-13.0).force(x, v))


def test_a_viscous_field_takes_energy_and_a_negative_one_gives():
    for _ in range(50):
        x, v = RNG.normal(size=(2, 3))
        assert law(kinds.viscous, gain=5.0).force(x, v) @ v == pytest.approx(-5.0 * v @ v)
        assert law(kinds.viscous, gain=-5.0).force(x, v) @ v > 0


@pytest.mark.parametrize(("centre", "point"), [("start", START), ("target", TARGET)])
def test_a_spring_pulls_to_its_centre(centre, point):
    spring = law(kinds.spring, stiffness=200.0, centre=centre)
    np.testing.assert_allclose(spring.force(point, RNG.normal(size=3)), 0, atol=1e-12)
    away = np.array([0.01, -0.02, 0.0])
    np.testing.assert_allclose(spring.force(point + away, np.zeros(3)), -200 * away, atol=1e-12)


@pytest.mark.parametrize("target", [TARGET, START + [0.1, 0, 0], START + [0, -0.1, 0], START + [0.03, 0.04, 0.12]])
def test_a_channel_is_a_wall_to_both_sides_and_free_along_the_line(target):
    (entry,) = kinds.channel(kinds.ChannelOptions(stiffness=2000.0, damping=50.0), replace(TRIAL, target=tuple(target)))
    walls = ForceField.from_dict(dict(entry.values))
    along = (target - START) / np.linalg.norm(target - START)
    np.testing.assert_allclose(walls.force(START + 0.07 * along, 0.4 * along), 0, atol=1e-10)
    for _ in range(20):
        across, v = np.cross(along, RNG.normal(size=(2, 3)))
        x = START + RNG.normal() * along + 0.01 * across
        force = walls.force(x, v + 0.3 * along)
        assert abs(force @ along) < 1e-9
        np.testing.assert_allclose(force, -2000.0 * 0.01 * across - 50.0 * v, atol=1e-9)


def test_a_trial_without_a_movement_has_no_channel():
    assert kinds.channel(kinds.ChannelOptions(), replace(TRIAL, target=TRIAL.start, go_ns=None)) == ()


def test_constant_and_pulse_are_the_same_force_for_different_times():
    force = [1.0, -2.0, 0.5]
    x, v = RNG.normal(size=(2, 3))
    for kind in (kinds.constant, kinds.pulse):
        np.testing.assert_array_equal(law(kind, force=force).force(x, v), force)
    (long,) = kinds.constant(kinds.ConstantOptions(), TRIAL)
    (short,) = kinds.pulse(kinds.PulseOptions(start_s=0.3, duration_s=0.05), TRIAL)
    assert (long.from_ns, long.until_ns) == (ns(2.0), ns(3.0))
    assert (short.from_ns, short.until_ns) == (ns(2.3), ns(2.35))


def test_nothing_outlasts_its_trial():
    (entry,) = kinds.curl(kinds.CurlOptions(start_s=0.9, duration_s=5.0, ramp_s=0.1), TRIAL)
    assert entry.until_ns == TRIAL.until_ns
    assert [entry.gain(ns(t)) for t in (2.89, 2.95, 3.0)] == pytest.approx([0, 0.5, 0])


def test_a_joint_load_names_its_joints():
    options = kinds.JointLoadOptions(joints=("elbow", "shoulder"), torque=2.0, stiffness=-3.0, damping=-0.5)
    (entry,) = kinds.joint_load(options, TRIAL)
    values = dict(entry.values)
    assert entry.site == "joint" and values.pop("joints") == ["elbow", "shoulder"]
    q, w = RNG.normal(size=(2, 2))
    np.testing.assert_allclose(ForceField.from_dict(values).force(q, w), 2.0 - 3.0 * q - 0.5 * w)
    with pytest.raises(ConfigError, match="needs joints"):
        kinds.joint_load(kinds.JointLoadOptions(), TRIAL)


def test_perturbations_of_the_senses_carry_their_values():
    (turned,) = kinds.rotation(kinds.RotationOptions(degrees=90.0), TRIAL)
    assert (turned.site, turned.kind) == ("observation", "rotation")
    assert turned.values == {"angle_rad": pytest.approx(np.pi / 2), "centre": [0.1, 0.3]}
    (late,) = kinds.delay(kinds.DelayOptions(terms=("vision", "muscle"), delay_s=0.03), TRIAL)
    assert (late.kind, late.values) == ("delay", {"vision": 0.03, "muscle": 0.03})
    (noisy,) = kinds.noise(kinds.NoiseOptions(sd=0.01), TRIAL)
    assert (noisy.kind, noisy.values) == ("noise", {"vision": 0.01})


def test_a_fatigue_faster_than_life_scales_both_rates():
    (entry,) = kinds.fatigue(kinds.FatigueOptions(F=0.01, R=0.002, speed=50.0), TRIAL)
    assert entry.values == {"F": pytest.approx(0.5), "R": pytest.approx(0.1)}

"""Each field as physics: the equation again, a direction, a symmetry, work."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import field_kinds

START, TARGET = np.array([0.1, 0.3, 0.0]), np.array([0.16, 0.38, 0.0])
TRIAL = TrialPlan(2, ns(2.0), ns(3.0), tuple(START), tuple(TARGET), ns(2.2))
RNG = np.random.default_rng(0)


def law(kind, **options):
    (entry,) = kind(build(OPTIONS[kind], options), TRIAL)
    assert (entry.site, entry.kind) == ("endpoint", "law")
    return ForceField.from_dict(dict(entry.values))


OPTIONS = {
    field_kinds.null: field_kinds.NullOptions,
    field_kinds.constant: field_kinds.ConstantOptions,
    field_kinds.spring: field_kinds.SpringOptions,
    field_kinds.viscous: field_kinds.ViscousOptions,
    field_kinds.curl: field_kinds.CurlOptions,
    field_kinds.channel: field_kinds.ChannelOptions,
    field_kinds.pulse: field_kinds.PulseOptions,
    field_kinds.joint_load: field_kinds.JointLoadOptions,
}
PLANE = np.diag([1.0, 1.0, 0.0])


def test_null_is_nothing():
    assert field_kinds.null(field_kinds.NullOptions(), TRIAL) == ()


def test_a_positive_curl_pushes_to_the_right_of_the_motion_and_does_no_work():
    field = law(field_kinds.curl, gain=13.0)
    assert field.force(START, np.array([0.0, 0.4, 0.0])).tolist() == [13 * 0.4, 0, 0]  # forwards: to the right
    for _ in range(50):
        x, v = RNG.normal(size=3), PLANE @ RNG.normal(size=3)
        force = field.force(x, v)
        assert abs(force @ v) < 1e-12
        assert np.cross(v, force)[2] < 0  # clockwise from the velocity
        assert np.linalg.norm(force) == pytest.approx(13 * np.linalg.norm(v))
        np.testing.assert_array_equal(force, -law(field_kinds.curl, gain=-13.0).force(x, v))


def test_a_viscous_field_takes_energy_and_a_negative_one_gives():
    for _ in range(50):
        x, v = RNG.normal(size=(2, 3))
        assert law(field_kinds.viscous, gain=5.0).force(x, v) @ v == pytest.approx(-5.0 * v @ v)
        assert law(field_kinds.viscous, gain=-5.0).force(x, v) @ v > 0


@pytest.mark.parametrize(("centre", "point"), [("start", START), ("target", TARGET)])
def test_a_spring_pulls_to_its_centre(centre, point):
    spring = law(field_kinds.spring, stiffness=200.0, centre=centre)
    np.testing.assert_allclose(spring.force(point, RNG.normal(size=3)), 0, atol=1e-12)
    away = np.array([0.01, -0.02, 0.0])
    np.testing.assert_allclose(spring.force(point + away, np.zeros(3)), -200 * away, atol=1e-12)


@pytest.mark.parametrize("target", [TARGET, START + [0.1, 0, 0], START + [0, -0.1, 0], START + [0.03, 0.04, 0.12]])
def test_a_channel_is_a_wall_to_both_sides_and_free_along_the_line(target):
    (entry,) = field_kinds.channel(
        field_kinds.ChannelOptions(stiffness=2000.0, damping=50.0), replace(TRIAL, target=tuple(target))
    )
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
    assert field_kinds.channel(field_kinds.ChannelOptions(), replace(TRIAL, target=TRIAL.start, go_ns=None)) == ()


def test_constant_and_pulse_are_the_same_force_for_different_times():
    force = [1.0, -2.0, 0.5]
    x, v = RNG.normal(size=(2, 3))
    for kind in (field_kinds.constant, field_kinds.pulse):
        np.testing.assert_array_equal(law(kind, force=force).force(x, v), force)
    (long,) = field_kinds.constant(field_kinds.ConstantOptions(), TRIAL)
    (short,) = field_kinds.pulse(field_kinds.PulseOptions(start_s=0.3, duration_s=0.05), TRIAL)
    assert (long.from_ns, long.until_ns) == (ns(2.0), ns(3.0))
    assert (short.from_ns, short.until_ns) == (ns(2.3), ns(2.35))


def test_nothing_outlasts_its_trial():
    (entry,) = field_kinds.curl(field_kinds.CurlOptions(start_s=0.9, duration_s=5.0, ramp_s=0.1), TRIAL)
    assert entry.until_ns == TRIAL.until_ns
    assert [entry.gain(ns(t)) for t in (2.89, 2.95, 3.0)] == pytest.approx([0, 0.5, 0])


def test_a_joint_load_names_its_joints():
    options = field_kinds.JointLoadOptions(joints=("elbow", "shoulder"), torque=2.0, stiffness=-3.0, damping=-0.5)
    (entry,) = field_kinds.joint_load(options, TRIAL)
    values = dict(entry.values)
    assert entry.site == "joint" and values.pop("joints") == ["elbow", "shoulder"]
    q, w = RNG.normal(size=(2, 2))
    np.testing.assert_allclose(ForceField.from_dict(values).force(q, w), 2.0 - 3.0 * q - 0.5 * w)
    with pytest.raises(ConfigError, match="needs joints"):
        field_kinds.joint_load(field_kinds.JointLoadOptions(), TRIAL)

"""On movements whose measures follow from their equations."""

import numpy as np
import pytest

from myoprosthesis.analysis import kinematics as k
from myoprosthesis.core.errors import DataError

DT = 0.005
T = np.arange(0, 1 + DT / 2, DT)
START, TARGET = np.array([0.1, 0.3]), np.array([0.1, 0.4])  # forwards, +y; right of it is +x


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def reach(by=0.0):
    """A minimum-jerk reach of 0.1 m in 1 s, bent `by` m to the right at half time."""
    s = 10 * T**3 - 15 * T**4 + 6 * T**5
    return START + s[:, None] * (TARGET - START) + by * np.sin(np.pi * T)[:, None] * [1, 0]


def velocity(*parts, t=T):
    """(n_samples, 2) sum of minimum-jerk movements (onset, duration, displacement)."""
    return sum(k.minimum_jerk((t - on) / d)[:, None] / d * np.asarray(x, float) for on, d, x in parts)


def test_a_minimum_jerk_reach_peaks_at_15_8_of_its_mean_speed():
    v = np.gradient(reach(), DT, axis=0)
    assert k.peak_speeds([v, 2 * v]) == pytest.approx([1.875 * 0.1, 3.75 * 0.1], rel=1e-3)
    np.testing.assert_allclose(velocity((0, 1, TARGET - START))[2:-2], v[2:-2], atol=1e-4)


def test_straightness_of_a_line_and_of_half_a_circle():
    angle = np.linspace(0, np.pi, 2001)
    assert k.straightness(reach()) == pytest.approx(1)
    assert k.straightness(np.column_stack([np.cos(angle), np.sin(angle)])) == pytest.approx(np.pi / 2, rel=1e-5)


@pytest.mark.parametrize("angle", np.arange(5) * 1.3)
def test_place_and_direction_do_not_matter(angle):
    turned = [p @ rotation(angle).T + [2.0, -1.0] for p in (reach(0.02), START, TARGET)]
    np.testing.assert_allclose(k.lateral_profile(*turned), k.lateral_profile(reach(0.02), START, TARGET), atol=1e-12)
    assert k.straightness(turned[0]) == pytest.approx(k.straightness(reach(0.02)))
    found = k.peak_lateral_deviations([turned[0]], [turned[1]], [turned[2]])
    assert found == pytest.approx([0.02])


def test_right_is_positive_and_the_mirror_turns_the_sign():
    flip = [-1, 1]
    paths = [reach(0.02), reach(-0.03), (reach(0.02) * flip)[::3]]
    starts, targets = [START, START, START * flip], [TARGET, TARGET, TARGET * flip]
    assert k.peak_lateral_deviations(paths, starts, targets) == pytest.approx([0.02, -0.03, -0.02], rel=1e-3)


def test_a_profile_is_over_equal_parts_of_time_whatever_the_sampling():
    profile = k.lateral_profile(reach(0.02), START, TARGET, 51)
    np.testing.assert_allclose(profile, 0.02 * np.sin(np.pi * np.linspace(0, 1, 51)), atol=1e-5)
    np.testing.assert_allclose(k.lateral_profile(reach(0.02)[::2], START, TARGET, 51), profile, atol=1e-5)


def test_onset_and_offset_are_where_the_equation_crosses_the_threshold():
    still = np.zeros((60, 2))
    v = np.concatenate([still, velocity((0, 1, [0, 0.1])), still])
    found = k.movement(v, DT)
    # 16 u²(1 − u)² = 0.05  →  u(1 − u) = √0.05 / 4
    u = (1 - np.sqrt(1 - np.sqrt(0.05))) / 2
    assert found.onset == 60 + np.ceil(u / DT) and found.offset == 60 + np.floor((1 - u) / DT) + 1
    assert k.movement(3 * v @ rotation(1.0), DT) == found


def test_a_pause_belongs_to_the_movement_and_a_twitch_does_not():
    t = np.arange(0, 3, DT)
    v = velocity((0.5, 0.5, [0, 0.1]), (1.4, 0.5, [0, 0.02]), t=t)
    plain = k.movement(v, DT)
    v[10:15] = v[-20:-15] = 0.05
    assert k.movement(v, DT) == plain
    assert plain.onset * DT == pytest.approx(0.5, abs=0.05) and plain.offset * DT == pytest.approx(1.9, abs=0.1)
    assert k.movement(v, DT, hold_s=DT).onset == 10


def test_peaks_are_counted_when_they_stand_out():
    two = velocity((0, 0.5, [0.1, 0]), (0.4, 0.5, [0, 0.03]))
    assert len(k.speed_peaks(velocity((0, 1, [0, 0.1])))) == 1
    assert list(k.speed_peaks(two) * DT) == pytest.approx([0.25, 0.65], abs=0.01)
    assert len(k.speed_peaks(two, prominence=0.5)) == 1
    assert len(k.speed_peaks(np.zeros((50, 2)))) == 0
    assert list(k.speed_peaks([[1.0, 0], [0, 0], [2.0, 0]])) == [0, 2]


def test_planted_submovements_are_found_again():
    planted = [(0.05, 0.4, [0.1, 0.0]), (0.3, 0.5, [0.0, 0.06]), (0.6, 0.35, [-0.02, 0.12])]
    found = k.submovements(velocity(*planted), DT, 3)
    onset, duration, displacement = zip(*planted, strict=True)
    np.testing.assert_allclose(found.onset, onset, atol=0.005)
    np.testing.assert_allclose(found.duration, duration, atol=0.01)
    np.testing.assert_allclose(found.displacement, displacement, atol=1e-3)
    assert found.residual < 1e-4
    assert k.submovements(velocity(*planted), DT, 1).residual > 0.05


def test_a_minimum_jerk_movement_is_as_smooth_as_published():
    v = velocity((0, 1, [0, 0.1]))[:, 1]
    assert -1.6 < k.sparc(v, DT) < -1.4


def test_smoothness_does_not_depend_on_amplitude_or_duration():
    v = velocity((0, 1, [0, 0.1]))[:, 1]
    assert k.sparc(7 * v, DT) == pytest.approx(k.sparc(v, DT))
    assert k.sparc(v, 2 * DT) == pytest.approx(k.sparc(v, DT), abs=0.02)
    assert k.sparc(v[::2], 2 * DT) == pytest.approx(k.sparc(v, DT), abs=0.02)


def test_smoothness_falls_with_every_submovement():
    t = np.arange(0, 4, DT)
    found = [k.sparc(velocity(*((0.7 * i, 0.6, [0, 0.1]) for i in range(n)), t=t)[:, 1], DT) for n in (1, 2, 3, 4)]
    assert (np.diff(found) < -0.3).all()


def test_arc_length_of_a_spectrum_known_by_hand():
    """An impulse has a flat spectrum: its arc is the axis of frequency, of length 1."""
    assert k.sparc(np.eye(1, 64, 3)[0], DT) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: k.straightness([[0.0, 0.0], [np.nan, 1.0]]), "position has 1 values that are not finite"),
        (lambda: k.straightness([0.0, 1.0]), "shape (2,), expected (n_samples, n_dimensions)"),
        (lambda: k.straightness([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), "ends where it began"),
        (lambda: k.peak_speeds([np.zeros((0, 2))]), "no axis empty"),
        (lambda: k.lateral_profile(reach(), START, START), "no line"),
        (lambda: k.lateral_profile(reach(), START, [*TARGET, 0]), "shapes (2,) and (3,)"),
        (lambda: k.peak_lateral_deviations([reach()], [START, START], [TARGET, TARGET]), "1 paths came with 2"),
        (lambda: k.movement(np.zeros((50, 2)), DT), "no movement"),
        (lambda: k.movement(reach(), 0.0), "dt is 0.0"),
        (lambda: k.movement(reach(), DT, share=5), "between 0 and 1"),
        (lambda: k.speed_peaks(reach(), prominence=-1), "prominence is -1"),
        (lambda: k.submovements(np.zeros((50, 2)), DT, 1), "zero throughout"),
        (lambda: k.submovements(reach(), DT, 0), "count is 0"),
        (lambda: k.submovements(reach(), DT, 1, shortest_s=5), "shortest_s is 5"),
        (lambda: k.sparc(np.zeros(50), DT), "zero throughout"),
        (lambda: k.sparc(np.ones(8), 10.0, cutoff_hz=1e-4), "no length"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(DataError) as error:
        call()
    assert says in str(error.value) and "\n" not in str(error.value)

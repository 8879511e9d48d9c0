"""Planted learning is found again; the signs are those of the words."""

import numpy as np
import pytest

from myoprosthesis.analysis import adaptation as ad
from myoprosthesis.analysis import kinematics
from myoprosthesis.core.errors import DataError
from myoprosthesis.core.force_field import ForceField

T = np.linspace(0, 1, 201)
START, TARGET = np.array([0.0, 0.0]), np.array([0.0, 0.1])
SPEED = kinematics.minimum_jerk(T) * 0.1
POSITION = np.column_stack([0 * T, np.cumsum(SPEED) / 200])
VELOCITY = np.column_stack([0 * T, SPEED])
CW = ForceField.of(B=[[0.0, 10.0], [-10.0, 0.0]])
IDEAL = ad.ideal_force(POSITION, VELOCITY, START, TARGET, CW)
RNG = np.random.default_rng(0)


def test_against_a_clockwise_field_the_hand_must_push_left():
    np.testing.assert_allclose(IDEAL, -10 * SPEED)
    back = ad.ideal_force(POSITION, -VELOCITY, TARGET, START, CW)
    np.testing.assert_allclose(back, IDEAL)


@pytest.mark.parametrize("angle", [0.7, 2.0, 4.4])
def test_the_ideal_force_turns_with_the_movement(angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = ad.ideal_force(POSITION @ turn.T, VELOCITY @ turn.T, START, turn @ TARGET, CW)
    np.testing.assert_allclose(found, IDEAL, atol=1e-12)


def test_a_spring_field_is_cancelled_by_position():
    aside = POSITION + [0.02, 0.0]
    field = ForceField.of(f0=[3.0, 0], K=[[-50.0, 0], [0, 0]])
    np.testing.assert_allclose(ad.ideal_force(aside, VELOCITY, START, TARGET, field), 50 * 0.02 - 3)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, -0.3])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_index_is_the_share_of_the_ideal_force(share, intercept):
    assert ad.adaptation_index(share * IDEAL, IDEAL, intercept=intercept) == pytest.approx(share, abs=1e-12)


def test_a_constant_bias_and_the_baseline_do_not_count():
    bias = np.sin(7 * T)
    assert ad.adaptation_index(0.5 * IDEAL + 2, IDEAL) == pytest.approx(0.5)
    assert ad.adaptation_index(0.5 * IDEAL + 2, IDEAL, intercept=False) != pytest.approx(0.5, abs=0.1)
    assert ad.adaptation_index(0.5 * IDEAL + bias, IDEAL, bias) == pytest.approx(0.5)
    assert ad.adaptation_index(0.5 * IDEAL + bias, IDEAL) != pytest.approx(0.5, abs=0.01)


def test_the_index_is_the_same_in_the_mirror_field():
    force = 0.6 * IDEAL + RNG.normal(0, 0.1, len(IDEAL))
    assert ad.adaptation_index(-force, -IDEAL) == pytest.approx(ad.adaptation_index(force, IDEAL))


def test_learning_index_of_nobody_half_and_everything():
    assert ad.learning_index([0.03, 0.05], [0.0, 0.0]) == 0
    assert ad.learning_index([0.02], [-0.02]) == pytest.approx(0.5)
    assert ad.learning_index([0.0], [-0.04]) == pytest.approx(1)
    assert ad.learning_index([-0.01], [0.03]) == ad.learning_index([0.01], [-0.03]) == pytest.approx(0.75)


def test_the_learning_index_has_an_interval_that_holds_it():
    field, catch = RNG.normal(0.02, 0.005, 40), RNG.normal(-0.02, 0.005, 12)
    found = ad.learning_index_interval(field, catch)
    assert 0.5 in found and 0.02 < found.high - found.low < 0.15
    assert found == ad.learning_index_interval(field, catch)


@pytest.mark.parametrize("tau", [1.5, 8.0, 40.0])
def test_a_planted_curve_is_found_from_clean_data(tau):
    n = np.arange(200) + 17
    planted = ad.LearningCurve(0.05, 0.01, tau)
    found = ad.fit_learning_curve(n, planted(n - 17), resamples=5)
    assert (found.curve.start, found.curve.asymptote, found.curve.tau) == pytest.approx((0.05, 0.01, tau), rel=1e-4)
    assert found.r2 == pytest.approx(1) and found.curve.rate == pytest.approx(1 - np.exp(-1 / tau), rel=1e-4)


def test_a_planted_rate_is_found_from_noisy_data_within_5_percent():
    n = np.arange(400)
    kept = np.delete(n, np.arange(5, 400, 7))  # catch trials are left out, the others keep their numbers
    planted = ad.LearningCurve(0.05, 0.005, 30.0)
    rng = np.random.default_rng(3)
    found = ad.fit_learning_curve(kept, planted(kept) + rng.normal(0, 0.001, len(kept)))
    assert found.curve.rate == pytest.approx(planted.rate, rel=0.05)
    assert planted.tau in found.tau and planted.start in found.start and planted.asymptote in found.asymptote
    assert found.tau.high - found.tau.low < 6
    assert found == ad.fit_learning_curve(kept, planted(kept) + np.random.default_rng(3).normal(0, 0.001, len(kept)))


def test_intervals_hold_the_planted_rate_about_as_often_as_they_say():
    n, planted, rng = np.arange(60), ad.LearningCurve(0.05, 0.01, 8.0), np.random.default_rng(4)
    fits = [ad.fit_learning_curve(n, planted(n) + rng.normal(0, 0.004, 60), level=0.8, resamples=60) for _ in range(50)]
    assert 0.6 < np.mean([planted.rate in f.rate for f in fits]) < 0.95


def test_half_of_the_refits_lie_in_the_interval_of_one_half():
    n, planted = np.arange(300), ad.LearningCurve(0.05, 0.01, 20.0)
    y = planted(n) + np.random.default_rng(5).normal(0, 0.002, 300)
    half, wide = (ad.fit_learning_curve(n, y, level=level).asymptote for level in (0.5, 0.95))
    assert (half.value - half.low) / (half.high - half.value) == pytest.approx(1, abs=0.35)
    assert (wide.high - wide.low) / (half.high - half.low) == pytest.approx(1.96 / 0.674, rel=0.2)


def test_the_mirrored_curve_has_the_same_rate():
    n = np.arange(100)
    y = ad.LearningCurve(0.05, 0.01, 12.0)(n) + RNG.normal(0, 0.002, 100)
    one, other = (ad.fit_learning_curve(n, x, resamples=2).curve for x in (y, -y))
    assert (other.start, other.asymptote, other.rate) == pytest.approx((-one.start, -one.asymptote, one.rate))


def test_the_textbook_course():
    baseline = np.full(40, 0.002)
    adaptation = 0.002 + ad.LearningCurve(0.04, 0.004, 10.0)(np.arange(200))
    washout = 0.002 + ad.LearningCurve(-0.03, 0.0, 8.0)(np.arange(200))
    found = ad.course(baseline, adaptation, washout, first=1)
    assert (found.baseline, found.initial, found.after_effect) == pytest.approx((0.002, 0.04, -0.03))
    assert found.final == pytest.approx(0.004, rel=1e-3) and found.washed_out == pytest.approx(0, abs=1e-6)
    assert (found.reduction, found.after_effect_share) == pytest.approx((0.9, 0.75), rel=1e-3)
    mirror = ad.course(-baseline, -adaptation, -washout, first=1)
    assert mirror.initial == -found.initial and mirror.after_effect_share == pytest.approx(found.after_effect_share)


def test_generalisation_is_by_angle_from_the_trained_direction():
    angles = np.repeat(np.arange(8) * np.pi / 4, 30)
    trained = 7 * np.pi / 4
    apart = np.angle(np.exp(1j * (angles - trained)))
    values = 0.1 + 0.8 * np.exp(-(apart**2) / (2 * 0.6**2)) + RNG.normal(0, 0.03, len(angles))
    found, band = ad.generalisation(angles, values, trained)
    np.testing.assert_allclose(found, np.arange(-3, 5) * np.pi / 4, atol=1e-6)
    assert band.value.argmax() == 3 and found[3] == 0
    assert ((band.low < band.value) & (band.value < band.high)).all() and (band.high - band.low < 0.05).all()
    tuning = ad.fit_tuning(found, band.value)
    assert (tuning.width, tuning.height, tuning.floor) == pytest.approx((0.6, 0.8, 0.1), abs=0.03)


def test_angles_are_wrapped_and_the_opposite_direction_is_one():
    apart = np.array([np.pi, -np.pi, 3 * np.pi, np.pi + 1e-12, np.pi - 1e-12, 2 * np.pi])
    for trained in (0.0, 0.3, -2.0):
        found, _ = ad.generalisation(apart + trained, np.ones(6), trained)
        assert found == pytest.approx([0, np.pi])


def test_a_direction_with_one_trial_has_no_width():
    _, band = ad.generalisation([0.0, 1.0, 1.0], [0.9, 0.2, 0.4], 0.0)
    assert band.low[0] == band.high[0] == 0.9 and band.value[1] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ad.adaptation_index(IDEAL[:-1], IDEAL), "shapes (200,) and (201,)"),
        (lambda: ad.adaptation_index(IDEAL * np.nan, IDEAL), "201 values that are not finite"),
        (lambda: ad.adaptation_index(IDEAL, 0 * IDEAL), "does not vary"),
        (lambda: ad.adaptation_index(IDEAL, 0 * IDEAL + 3), "does not vary"),
        (lambda: ad.adaptation_index(IDEAL, IDEAL, IDEAL[:3]), "force and baseline"),
        (lambda: ad.ideal_force(POSITION, VELOCITY, START, START, CW), "no line"),
        (lambda: ad.ideal_force(POSITION, VELOCITY[:, :1], START, TARGET, CW), "position and velocity"),
        (lambda: ad.ideal_force(POSITION, VELOCITY, START, TARGET, ForceField.zero(1)), "the field 1"),
        (lambda: ad.learning_index([0.1], [0.1]), "same mean"),
        (lambda: ad.learning_index([], [0.1]), "no axis empty"),
        (lambda: ad.fit_learning_curve(np.arange(4), np.arange(4.0)), "at least 5 trials"),
        (lambda: ad.fit_learning_curve([0, 2, 1, 3, 4], np.arange(5.0)), "rising order"),
        (lambda: ad.fit_learning_curve(np.arange(9), np.ones(9)), "do not vary"),
        (lambda: ad.course(np.ones(5), np.ones(50), np.ones(50)), "baseline has 5 trials"),
        (lambda: ad.fit_tuning([0, 1, -1, 2], [1, 2, 3, 4]), "at least 4 distances"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(DataError) as error:
        call()
    assert says in str(error.value) and "\n" not in str(error.value)

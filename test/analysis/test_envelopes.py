"""Envelopes whose likeness follows from how they were made."""

import numpy as np
import pytest

from myoprosthesis.analysis import envelopes as env
from myoprosthesis.core.errors import DataError

RNG = np.random.default_rng(0)
PHASE = np.arange(100) / 100
CENTRES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
BURSTS = np.exp((np.cos(2 * np.pi * (PHASE[:, None] - CENTRES)) - 1) / 0.3)  # (100, 5), periodic


def noisy(count, noise, seed=1):
    return (
        BURSTS
        + np.random.default_rng(seed).normal(0, noise, (count, 1, 1)) * BURSTS[:, ::-1]
        + (np.random.default_rng(seed + 1).normal(0, noise, (count, 100, 5)))
    )


def test_a_recording_is_cut_into_cycles_of_any_length():
    phase = np.concatenate([np.arange(200) / 200, np.arange(150) / 150, [0.0]])
    signal = np.column_stack([np.sin(2 * np.pi * phase), phase])
    found = env.cycles(signal, [0, 200, 350], 50)
    assert found.shape == (2, 50, 2)
    np.testing.assert_allclose(found[:, :, 0], [np.sin(2 * np.pi * np.arange(50) / 50)] * 2, atol=2e-3)
    np.testing.assert_allclose(found[:, :-1, 1], [np.arange(49) / 50] * 2, atol=1e-9)


def test_correlation_of_scaled_shifted_and_mirrored_envelopes():
    np.testing.assert_allclose(env.correlation(0.3 * BURSTS + 2, BURSTS), 1)
    np.testing.assert_allclose(env.correlation(-BURSTS, BURSTS), -1)
    x = RNG.normal(size=(50, 2))
    assert env.correlation(x, x[:, ::-1])[0] == pytest.approx(np.corrcoef(x.T)[0, 1])


def test_the_correlation_of_a_planted_mixture():
    """Of x and a x + b z with independent x, z of the same size it is a / √(a² + b²)."""
    x, z = RNG.normal(size=(2, 200_000, 1))
    assert env.correlation(x, 0.6 * x + 0.8 * z) == pytest.approx([0.6], abs=0.01)


def test_a_still_muscle_has_no_correlation():
    flat = BURSTS.copy()
    flat[:, 2] = 0.3
    found = env.correlation(flat, BURSTS)
    assert np.isnan(found[2]) and np.isfinite(np.delete(found, 2)).all()
    assert np.isnan(env.best_lag(flat, BURSTS).lag[2]) and np.isnan(env.best_lag(flat, BURSTS).r[2])


@pytest.mark.parametrize("shift", [0, 7, -12, 40])
def test_a_late_simulation_has_a_positive_lag(shift):
    found = env.best_lag(np.roll(BURSTS, shift, axis=0), BURSTS)
    np.testing.assert_allclose(found.lag, shift / 100)
    np.testing.assert_allclose(found.r, 1)


def test_the_lag_stays_within_what_is_allowed():
    found = env.best_lag(np.roll(BURSTS, 30, axis=0), BURSTS, most=0.1)
    np.testing.assert_allclose(found.lag, 0.1)
    assert (found.r < 0.9).all()
    none = env.best_lag(np.roll(BURSTS, 30, axis=0), BURSTS, most=0)
    np.testing.assert_allclose(none.r, env.correlation(np.roll(BURSTS, 30, axis=0), BURSTS))


@pytest.mark.parametrize("kind", env.SHUFFLES)
def test_shuffled_envelopes_have_no_correlation_and_real_ones_stand_out(kind):
    by_chance = env.shuffled(BURSTS, BURSTS, kind, 2000)
    assert by_chance.shape == (2000, 5)
    expected = 0.0 if kind == "phase" else (np.corrcoef(BURSTS.T).sum() / 5 - 1) / 4
    np.testing.assert_allclose(by_chance.mean(axis=0), expected, atol=0.05)
    assert (env.p_value(env.correlation(BURSTS, BURSTS), by_chance) < 0.03).all()
    np.testing.assert_array_equal(by_chance[:, 0], env.shuffled(BURSTS, BURSTS, kind, 2000)[:, 0])
    assert not np.array_equal(by_chance, env.shuffled(BURSTS, BURSTS, kind, 2000, seed=1))


def test_muscles_are_exchanged_for_others_only():
    assert env.shuffled(BURSTS, BURSTS, "muscles").max() < 0.9


def test_turning_keeps_the_shape_and_the_muscle():
    measured = np.column_stack([BURSTS[:, 0], np.cos(2 * np.pi * PHASE), np.cos(4 * np.pi * PHASE)])
    by_chance = env.shuffled(measured, measured, "phase", 500)
    assert (by_chance.max(axis=0) > 0.99).all()  # now and then it is not turned at all
    np.testing.assert_allclose(by_chance[:, 1].std(), np.sqrt(0.5), atol=0.05)  # of cos φ, φ uniform


def test_unrelated_envelopes_are_not_found_alike():
    rng = np.random.default_rng(9)
    smooth = np.fft.irfft(np.fft.rfft(rng.normal(size=(2, 100, 300)), axis=1)[:, :6], 100, axis=1)
    p = env.p_value(env.correlation(*smooth), env.shuffled(*smooth, "phase", 100))
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.04)


def test_a_p_value_is_never_zero():
    assert env.p_value([0.5, 2.0], [[0.1, 0.1], [0.5, 0.2], [0.9, 0.3]]) == pytest.approx([3 / 4, 1 / 4])


def test_bounds_of_the_correlation_shrink_with_cycles_and_hold_it():
    simulated = np.roll(BURSTS, 5, axis=0)[None]
    few, many = (env.correlation_band(simulated, noisy(n, 0.3)) for n in (5, 80))
    assert ((many.high - many.low) < 0.7 * (few.high - few.low)).all()
    assert ((many.low < many.value) & (many.value < many.high)).all()
    truth = env.correlation(simulated[0], BURSTS)
    assert (np.abs(many.value - truth) < 0.06).all()
    np.testing.assert_array_equal(many.low, env.correlation_band(simulated, noisy(80, 0.3)).low)
    inner = env.correlation_band(simulated, noisy(80, 0.3), level=0.5)
    assert ((many.low < inner.low) & (inner.low < inner.value) & (inner.high < many.high)).all()


def test_bounds_of_the_lag_hold_the_planted_one():
    found = env.best_lag_band(np.roll(BURSTS, 5, axis=0)[None], noisy(30, 0.2), resamples=60)
    assert ((found.low <= 0.05) & (found.high >= 0.05) & (found.high - found.low < 0.08)).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: env.correlation(BURSTS, BURSTS[:, :2]), "simulated and measured have shapes (100, 5) and (100, 2)"),
        (lambda: env.correlation(BURSTS * np.nan, BURSTS), "simulated has 500 values that are not finite"),
        (lambda: env.correlation(BURSTS[:2], BURSTS[:2]), "at least 3 points"),
        (lambda: env.best_lag(BURSTS, BURSTS, 5), "most is 5"),
        (lambda: env.shuffled(BURSTS, BURSTS, "samples"), "expected one of phase, muscles"),
        (lambda: env.shuffled(BURSTS[:, :1], BURSTS[:, :1], "muscles"), "one muscle"),
        (lambda: env.shuffled(BURSTS, BURSTS, count=0), "count is 0"),
        (lambda: env.cycles(BURSTS, [0, 101]), "rising indices from 0 to 100"),
        (lambda: env.cycles(BURSTS, [50, 20]), "rising indices"),
        (lambda: env.p_value([0.5], [[0.1, 0.2]]), "expected (count, 1)"),
        (lambda: env.correlation_band(BURSTS[None], BURSTS[None]), "one cycle on both sides"),
        (lambda: env.correlation_band(BURSTS, BURSTS), "expected (n_cycles, n_points, n_muscles)"),
        (lambda: env.correlation_band(noisy(3, 0.1), noisy(3, 0.1), level=95), "between 0 and 1"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(DataError) as error:
        call()
    assert says in str(error.value) and "\n" not in str(error.value)

"""Intervals that cover what they should, the same for the same seed."""

import numpy as np
import pytest

from myoprosthesis.analysis import intervals
from myoprosthesis.core.errors import DataError

RNG = np.random.default_rng(1)
X = RNG.normal(3.0, 2.0, 60)


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_of_many_normal_numbers_the_mean_has_the_textbook_interval(method):
    found = intervals.mean(X, method=method)
    half = 1.96 * X.std(ddof=1) / np.sqrt(len(X))
    assert found.value == pytest.approx(X.mean())
    assert (found.low, found.high) == pytest.approx((X.mean() - half, X.mean() + half), abs=0.1 * half)


def test_about_as_many_intervals_hold_the_truth_as_they_say():
    rng = np.random.default_rng(2)
    held = [0.0 in intervals.mean(rng.normal(size=20), level=0.8, resamples=300) for _ in range(200)]
    assert np.mean(held) == pytest.approx(0.8, abs=0.08)


def test_one_seed_one_interval():
    assert intervals.mean(X, seed=5) == intervals.mean(X, seed=5)
    assert intervals.mean(X, seed=5) != intervals.mean(X, seed=6)


def test_bca_leans_with_skewed_data_and_percentile_less():
    skewed = np.random.default_rng(3).exponential(size=25)
    bca, plain = intervals.mean(skewed), intervals.mean(skewed, method="percentile")
    assert bca.high > plain.high and bca.low > plain.low


def test_one_outlier_moves_the_mean_and_not_the_median():
    spoilt = np.append(X, 1e4)
    assert intervals.median(spoilt).high < 5 < intervals.mean(spoilt).high


def test_paired_differences_see_what_the_spread_between_pairs_hides():
    before = RNG.normal(0, 10, 40)
    after = before - 1 + RNG.normal(0, 0.1, 40)
    found = intervals.paired_difference(before, after)
    assert found.value == pytest.approx(1, abs=0.05) and 0 not in found and found.high - found.low < 0.1
    mirrored = intervals.paired_difference(after, before, method="percentile")
    straight = intervals.paired_difference(before, after, method="percentile")
    assert (mirrored.low, mirrored.high) == pytest.approx((-straight.high, -straight.low))


def test_a_band_is_one_interval_per_column_resampled_together():
    x = RNG.normal([0.0, 5.0, -5.0], 1.0, (50, 3))
    x[:, 2] = -x[:, 1]
    found = intervals.band(x, method="percentile")
    np.testing.assert_allclose(found.value, x.mean(axis=0))
    assert ((found.low < found.value) & (found.value < found.high)).all()
    assert found.low[2] == pytest.approx(-found.high[1])


def test_data_that_do_not_vary_have_an_interval_without_width():
    x = np.column_stack([np.full(10, 4.0), np.arange(10.0)])
    found = intervals.band(x)
    assert (found.low[0], found.high[0]) == (4.0, 4.0) and np.isfinite(found.high).all()
    assert found.high[1] == intervals.mean(np.arange(10.0)).high


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: intervals.mean([1.0, np.nan]), "not finite, the first at (1,)"),
        (lambda: intervals.mean([[1.0, 2.0]]), "shape (1, 2), expected (n,)"),
        (lambda: intervals.mean([]), "no axis empty"),
        (lambda: intervals.mean(["a"]), "not an array of numbers"),
        (lambda: intervals.mean([1.0]), "at least 2"),
        (lambda: intervals.mean([1.0, 2.0], level=95), "between 0 and 1"),
        (lambda: intervals.mean([1.0, 2.0], method="basic"), "expected one of BCa, percentile"),
        (lambda: intervals.mean([1.0, 2.0], resamples=0), "resamples is 0"),
        (lambda: intervals.paired_difference([1.0, 2.0], [1.0]), "shapes (2,) and (1,)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(DataError) as error:
        call()
    assert says in str(error.value) and "\n" not in str(error.value)

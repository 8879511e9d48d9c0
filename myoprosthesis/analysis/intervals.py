"""Bootstrap intervals of means, medians and paired differences, the same ones for the same seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.analysis.array_checks import Array, alike, finite, whole
from myoprosthesis.core.errors import DataError

METHODS = ("BCa", "percentile")

Statistic = Callable[..., Any]
"""A function of one or more arrays and of `axis`, such as `numpy.mean`."""


@dataclass(frozen=True)
class Interval:
    """A value and the bounds between which it lies with the confidence `level`."""

    value: float
    low: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, eq=False)
class Band:
    """An `Interval` for each entry of an array: `value`, `low` and `high` have one shape."""

    value: Array
    low: Array
    high: Array
    level: float = 0.95


def mean(x: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 2000, method: str = "BCa") -> Interval:
    """The mean of `x` (n,) with its interval; see `band`."""
    return _single(band(finite(x, "x", "n")[:, None], np.mean, seed, level=level, resamples=resamples, method=method))


def median(x: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 2000, method: str = "BCa") -> Interval:
    """The median of `x` (n,) with its interval; see `band`."""
    return _single(band(finite(x, "x", "n")[:, None], np.median, seed, level=level, resamples=resamples, method=method))


def paired_difference(
    a: ArrayLike, b: ArrayLike, seed: int = 0, statistic: Statistic = np.mean, *,
    level: float = 0.95, resamples: int = 2000, method: str = "BCa",
) -> Interval:  # fmt: skip
    """The mean (or another `statistic`) of a − b with its interval; `a` and `b` (n,) belong together entry by entry."""
    first, second = finite(a, "a", "n"), finite(b, "b", "n")
    alike(first, second, "a and b")
    difference = (first - second)[:, None]
    return _single(band(difference, statistic, seed, level=level, resamples=resamples, method=method))


def band(
    x: ArrayLike, statistic: Statistic = np.mean, seed: int = 0, *,
    level: float = 0.95, resamples: int = 2000, method: str = "BCa",
) -> Band:  # fmt: skip
    """`statistic` over the first axis of `x` (n_observations, n_values), with an interval for each value.

    Observations are drawn with replacement, all their values together. `method` is "percentile" or "BCa", corrected
    for bias and skew (Efron 1987, doi 10.1080/01621459.1987.10478410, section 3); where BCa is not defined, as when
    the resampled statistic hardly varies, the bounds are the percentile ones. Raises `DataError` for fewer than two
    observations.
    """
    return of((finite(x, "x", "n_observations", "n_values"),), statistic, seed, level, resamples, method)


def of(
    data: tuple[Array, ...], statistic: Statistic, seed: int = 0,
    level: float = 0.95, resamples: int = 2000, method: str = "BCa",
) -> Band:  # fmt: skip
    """`statistic` of several independent arrays (n_i, …), each resampled by itself along its first axis."""
    from scipy import stats

    if method not in METHODS:
        raise DataError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    if not 0 < level < 1:
        raise DataError(f"level is {level!r}, expected a number between 0 and 1, such as 0.95")
    whole(resamples, "resamples", 1, 10_000_000)
    if min(len(x) for x in data) < 2:
        raise DataError(f"{min(len(x) for x in data)} observation has no bootstrap interval, expected at least 2")
    value = np.asarray(statistic(*data, axis=0), float)
    bounds = []
    for how in dict.fromkeys((method, "percentile")):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a degenerate distribution gives NaN, dealt with below
            resampled = stats.bootstrap(
                data, statistic, axis=0, vectorized=True, confidence_level=level, n_resamples=resamples,
                method=how, random_state=np.random.default_rng(seed),
            ).confidence_interval  # fmt: skip
        bounds.append(np.array([resampled.low, resampled.high]))
        if np.isfinite(bounds[0]).all():
            break
    low, high = np.where(np.isfinite(bounds[0]).all(axis=0), bounds[0], bounds[-1])
    return Band(value, low, high, level)


def _single(band: Band) -> Interval:
    return Interval(band.value.item(), band.low.item(), band.high.item(), band.level)

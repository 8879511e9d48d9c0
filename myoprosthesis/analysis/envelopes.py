"""How alike simulated and measured EMG envelopes are over a cycle, and how alike they would be by chance.

Envelopes have shape (n_samples, n_muscles); cycles of them (n_cycles, n_points, n_muscles), n_points equal parts of a
cycle, its end left out as it is the next one's beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.analysis.array_checks import Array, alike, finite, whole
from myoprosthesis.analysis.intervals import Band
from myoprosthesis.core.errors import DataError

SHUFFLES = ("phase", "muscles")


@dataclass(frozen=True, eq=False)
class Lag:
    """The shift of the cycle at which two envelopes agree best, per muscle."""

    lag: Array
    """(n_muscles,) share of a cycle, −0.5 to 0.5, by which the simulated envelope comes after the measured one."""
    r: Array
    """(n_muscles,) correlation with that shift taken out."""


def cycles(envelope: ArrayLike, starts: ArrayLike, points: int = 100) -> Array:
    """(n_cycles, points, n_muscles) of an `envelope` cut at `starts` (n_cycles + 1,), the last one the end.

    `starts` are indices of samples, rising, as of heel strikes; they may lie between samples. Interpolates linearly.
    """
    x = finite(envelope, "envelope", "n_samples", "n_muscles")
    at = finite(starts, "starts", "n_cycles + 1")
    whole(points, "points", 2, 1_000_000)
    if len(at) < 2 or (np.diff(at) <= 0).any() or at[0] < 0 or at[-1] > len(x):
        raise DataError(f"starts must be at least 2 rising indices from 0 to {len(x)}, got {at[0]:g} to {at[-1]:g}")
    share = np.arange(points) / points
    when = at[:-1, None] + np.diff(at)[:, None] * share
    index = np.arange(len(x))
    return np.stack([np.interp(when, index, muscle) for muscle in x.T], axis=2)


def correlation(simulated: ArrayLike, measured: ArrayLike) -> Array:
    """(n_muscles,) Pearson correlation of two envelopes (n_points, n_muscles) over the cycle.

    NaN for a muscle whose envelope does not vary in either. Correlation as measure of how alike EMG envelopes are over
    a cycle: Wren et al. 2006 (doi 10.1016/j.jbiomech.2005.09.006), who compare at the best lag too.
    """
    x, y = _pair(simulated, measured)
    return _pearson(x, y)


def best_lag(simulated: ArrayLike, measured: ArrayLike, most: float = 0.5) -> Lag:
    """The circular shift with the highest correlation of two envelopes (n_points, n_muscles).

    It is at most the share `most` of a cycle. As in Wren et al. 2006 (doi 10.1016/j.jbiomech.2005.09.006). Of equal
    correlations the smaller shift counts.
    """
    x, y = _pair(simulated, measured)
    if not 0 <= most <= 0.5:
        raise DataError(f"most is {most!r} of a cycle, expected a number from 0 to 0.5")
    shifts = np.array(sorted(range(-int(most * len(x)), int(most * len(x)) + 1), key=abs))
    r = np.stack([_pearson(np.roll(x, -k, axis=0), y) for k in shifts])
    best = np.where(np.isnan(r), -np.inf, np.round(r, 12)).argmax(axis=0)
    lag = np.where(np.isnan(r[0]), np.nan, shifts[best] / len(x))
    return Lag(lag, r[best, np.arange(x.shape[1])])


def shuffled(simulated: ArrayLike, measured: ArrayLike, kind: str = "phase", count: int = 1000, seed: int = 0) -> Array:
    """(count, n_muscles) correlations that are left when what should match no longer does.

    "phase" turns each measured envelope (n_points, n_muscles) by a random part of the cycle of its own, which keeps its
    shape and smoothness: is the timing right? "muscles" compares each simulated envelope with one of another muscle,
    at random: is it this muscle's? Neither treats samples of a smooth curve as independent, which would make any
    correlation look surprising.
    """
    x, y = _pair(simulated, measured)
    whole(count, "count", 1, 10_000_000)
    rng, (points, muscles) = np.random.default_rng(seed), x.shape
    columns = np.arange(muscles)
    if kind == "phase":
        turns = rng.integers(points, size=(count, muscles))
        rows = (np.arange(points)[:, None] + turns[:, None, :]) % points
        return np.stack([_pearson(x, y[row, columns]) for row in rows])
    if kind == "muscles":
        if muscles < 2:
            raise DataError("one muscle cannot be exchanged for another, expected at least 2")
        others = (columns + rng.integers(1, muscles, size=(count, muscles))) % muscles
        return np.stack([_pearson(x, y[:, other]) for other in others])
    raise DataError(f"kind is {kind!r}, expected one of {', '.join(SHUFFLES)}")


def p_value(value: ArrayLike, by_chance: ArrayLike) -> Array:
    """(n_muscles,) chance of correlations `by_chance` (count, n_muscles) at least as high as `value` (n_muscles,).

    (b + 1) / (count + 1), with b of them as high: never 0 (Phipson & Smyth 2010, doi 10.2202/1544-6115.1585).
    """
    r = finite(value, "value", "n_muscles")
    chance = finite(by_chance, "by_chance", "count", len(r))
    return ((chance >= r - 1e-12).sum(axis=0) + 1) / (len(chance) + 1)


def correlation_band(
    simulated: ArrayLike, measured: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 1000
) -> Band:
    """`correlation` of the mean cycles (n_cycles, n_points, n_muscles), with percentile bounds over resampled cycles.

    The cycles of both sides are drawn independently; a single one, as of a deterministic simulation, stays as it is.
    """
    return _resampled(simulated, measured, correlation, seed, level, resamples)


def best_lag_band(
    simulated: ArrayLike, measured: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 300
) -> Band:
    """The lag of `best_lag` with percentile bounds over resampled cycles, as in `correlation_band`."""
    return _resampled(simulated, measured, lambda x, y: best_lag(x, y).lag, seed, level, resamples)


def _resampled(
    simulated: ArrayLike, measured: ArrayLike, measure: Callable[[Array, Array], Array], seed: int, level: float,
    resamples: int,
) -> Band:  # fmt: skip
    x = finite(simulated, "simulated", "n_cycles", "n_points", "n_muscles")
    y = finite(measured, "measured", "n_cycles", "n_points", "n_muscles")
    whole(resamples, "resamples", 1, 10_000_000)
    if not 0 < level < 1:
        raise DataError(f"level is {level!r}, expected a number between 0 and 1, such as 0.95")
    if len(x) < 2 and len(y) < 2:
        raise DataError("one cycle on both sides cannot be resampled, expected at least 2 on one")
    rng = np.random.default_rng(seed)
    value = measure(x.mean(axis=0), y.mean(axis=0))
    drawn = [measure(*(z[rng.integers(len(z), size=len(z))].mean(axis=0) for z in (x, y))) for _ in range(resamples)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Band(value, low, high, level)


def _pair(simulated: ArrayLike, measured: ArrayLike) -> tuple[Array, Array]:
    x = finite(simulated, "simulated", "n_points", "n_muscles")
    y = finite(measured, "measured", "n_points", "n_muscles")
    alike(x, y, "simulated and measured")
    if len(x) < 3:
        raise DataError(f"a correlation needs at least 3 points of the cycle, got {len(x)}")
    return x, y


def _pearson(x: Array, y: Array) -> Array:
    """Column by column, NaN where one is still; `scipy.stats.pearsonr` takes columns in recent versions only."""
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    still = size <= 1e-12 * np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(still, np.nan, (a * b).sum(axis=0) / size)

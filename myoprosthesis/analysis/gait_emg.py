"""How much the muscles of a model that walks are like people's EMG: Pearson r over the cycle, at zero lag.

The protocol is that of KINESIS (arXiv 2503.14637): 100 points a cycle, the mean over cycles, per person and muscle;
cycles whose length is beyond two standard deviations from the mean are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.array_checks import finite
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.core.errors import DataError

Array = NDArray[np.float64]
SHUFFLES = 1000
RESAMPLES = 1000


def typical(lengths: Array) -> NDArray[np.bool_]:
    """Which of the lengths (n_cycles,) of cycles are within two standard deviations of their mean."""
    return np.asarray(np.abs(lengths - lengths.mean()) <= 2.0 * lengths.std() + 1e-9)


def cycle(time: Array, values: Array, begin: float, end: float, points: int = 100) -> Array:
    """(points, n) values at equal steps from `begin` (s) on, the last one a step before `end`."""
    grid = begin + (end - begin) * np.arange(points) / points
    return np.stack([np.interp(grid, time, column) for column in values.T], 1)


def correlations(one: Array, others: Array) -> Array:
    """Pearson r (n_others, n_muscles) of curves (n_points, n_muscles) with those of others (n_others, …).

    0 where a curve of the one does not vary, NaN where another's was not measured."""
    a = one - one.mean(axis=0)
    b = others - others.mean(axis=1, keepdims=True)
    size = np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=1))
    varies = np.ptp(one, axis=0) > 1e-12 * np.maximum(np.abs(one).max(axis=0), 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.einsum("tm,ptm->pm", a, b) / size
    return np.where(np.isnan(b).any(axis=1), np.nan, np.where(varies & (size > 0), r, 0.0))


@dataclass(frozen=True, eq=False)
class EmgSimilarity:
    """How much cycles are like people.

    `by_person` (n_people,) is r as the mean over muscles, `by_muscle` (n_muscles,) as the mean over people; `median`
    over people with the interval of drawing people, and `by_cycles` that of drawing
    cycles. `shuffled_muscles` and `shuffled_phase` are medians (SHUFFLES,) where the muscles are exchanged among each
    other, and where the cycle begins anywhere."""

    by_person: Array
    by_muscle: Array
    median: Interval
    by_cycles: Interval
    shuffled_muscles: Array
    shuffled_phase: Array


def similarity(cycles: Array, people: Array, seed: int = 0) -> EmgSimilarity:
    """Of cycles (n_cycles, n_points, n_muscles) with people (n_people, n_points, n_muscles; NaN: not measured).

    Raises `DataError` for fewer than two cycles or people."""
    x = finite(cycles, "cycles", "n_cycles", "n_points", "n_muscles")
    if len(x) < 2 or len(people) < 2 or people.shape[1:] != x.shape[1:]:
        raise DataError(
            f"{len(x)} cycles {x.shape[1:]} and {len(people)} people {people.shape[1:]}: two at least of both are "
            "needed, with the same points and muscles"
        )
    rng = np.random.default_rng(seed)
    curve, n = x.mean(axis=0), x.shape[2]
    r = correlations(curve, people)
    own = np.nanmean(r, axis=1)
    drawn = np.array([_median(x[rng.integers(len(x), size=len(x))].mean(axis=0), people) for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn, (0.025, 0.975))
    exchanged = [_median(curve[:, _derangement(rng, n)], people) for _ in range(SHUFFLES)]
    turned = [_median(np.roll(curve, rng.integers(1, len(curve)), axis=0), people) for _ in range(SHUFFLES)]
    return EmgSimilarity(
        own, np.nanmean(r, axis=0), intervals.median(own, seed), Interval(float(np.median(own)), low, high),
        np.array(exchanged), np.array(turned),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class HumanCeiling:
    """How much people are like each other.

    `median` over pairs of r as the mean over muscles, with the interval of drawing people; `by_muscle` (n_muscles,) the
    median over pairs; `against_others` the median over people of r with the mean of all others."""

    median: Interval
    by_muscle: Array
    against_others: float
    pairs: int


def ceiling(people: Array, seed: int = 0) -> HumanCeiling:
    """Of people (n_people, n_points, n_muscles; NaN: not measured), by the same correlations as `similarity`.

    Raises `DataError` for fewer than three people."""
    n = len(people)
    if n < 3:
        raise DataError(f"{n} people have no ceiling: three at least are needed")
    table = np.stack([correlations(one, people) for one in people])
    first, second = np.triu_indices(n, 1)
    pairs = table[first, second]
    means = np.full((n, n), np.nan)
    means[first, second] = np.nanmean(pairs, axis=1)
    means[second, first] = means[first, second]
    rng = np.random.default_rng(seed)
    drawn: list[float] = []
    for _ in range(RESAMPLES):
        some = rng.integers(n, size=n)
        apart = means[np.ix_(some, some)][np.triu_indices(n, 1)]
        drawn += [float(np.nanmedian(apart))] if len(set(some)) > 1 else []
    others = [np.nanmean(correlations(one, _mean_of_others(people, k)[None])) for k, one in enumerate(people)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    median = Interval(float(np.nanmedian(np.nanmean(pairs, axis=1))), float(low), float(high))
    return HumanCeiling(median, np.nanmedian(pairs, axis=0), float(np.median(others)), len(pairs))


def _mean_of_others(people: Array, k: int) -> Array:
    return np.asarray(np.nanmean(np.delete(people, k, axis=0), axis=0))


def _median(curve: Array, people: Array) -> float:
    return float(np.median(np.nanmean(correlations(curve, people), axis=1)))


def _derangement(rng: np.random.Generator, n: int) -> NDArray[np.intp]:
    """A permutation that leaves nothing in its place."""
    while True:
        order = rng.permutation(n)
        if (order != np.arange(n)).all() or n == 1:
            return order

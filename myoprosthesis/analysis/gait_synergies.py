"""Synergies of a model that walks beside those of people: the same muscles, the same cycle, as many synergies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.array_checks import finite
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.analysis.synergies import Synergies, count_for, nmf, similarity
from myoprosthesis.core.errors import DataError

Array = NDArray[np.float64]
ACCOUNTED = 0.9
"""Share of the variance of all muscles that as many synergies as are taken account for (Clark et al. 2010)."""
STARTS = 3
SHUFFLES = 500


@dataclass(frozen=True, eq=False)
class GaitSynergies:
    """Synergies of a walk, matched to those of the mean person.

    `own` and `people` have weights (n_synergies, n_muscles) and activations (n_points, n_synergies) in the same order.
    `count` is how many the walk needs by itself, `counts` (n_people,) how many each person does. `cosine` is the mean
    cosine of matched weights, median over people, `timing` the mean r of the activations of the same pairs; `ceiling`
    and `ceiling_timing` those of people among each other, and `shuffled` (SHUFFLES,) the cosine with the muscles of the
    walk exchanged."""

    own: Synergies
    people: Synergies
    count: int
    counts: NDArray[np.intp]
    cosine: Interval
    timing: Interval
    ceiling: float
    ceiling_timing: float
    shuffled: Array


def gait_synergies(curve: Array, people: Array, seed: int = 0) -> GaitSynergies:
    """Of a mean cycle (n_points, n_muscles) and of people's (n_people, n_points, n_muscles).

    Each muscle is taken in times its own largest value. People of whom a muscle is missing (NaN) are left out. All have
    as many synergies as people need in the median.

    Raises:
        DataError: Fewer than three people with all muscles.
    """
    whole = people[~np.isnan(people).any(axis=(1, 2))]
    if len(whole) < 3:
        raise DataError(f"{len(whole)} people have all muscles: three at least are needed to compare synergies")
    own, each = scaled(finite(curve, "curve", "n_points", "n_muscles")), [scaled(person) for person in whole]
    counts = np.array([count_for(person, ACCOUNTED, seed=seed) for person in each], np.intp)
    n = round(float(np.median(counts)))
    mean = nmf(scaled(np.mean(each, axis=0)), n, seed, STARTS)
    walk, sets = nmf(own, n, seed, STARTS), [nmf(person, n, seed, STARTS) for person in each]
    alike = np.array([_alike(walk, other) for other in sets])
    pairs = np.array([_alike(one, other) for one, other in combinations(sets, 2)])
    rng = np.random.default_rng(seed)
    shuffled = [
        np.median([similarity(walk.weights[:, order], other.weights).mean for other in sets])
        for order in (rng.permutation(own.shape[1]) for _ in range(SHUFFLES))
    ]
    return GaitSynergies(
        _ordered(walk, mean), mean, count_for(own, ACCOUNTED, seed=seed), counts, intervals.median(alike[:, 0], seed),
        intervals.median(alike[:, 1], seed), float(np.median(pairs[:, 0])), float(np.median(pairs[:, 1])),
        np.array(shuffled),
    )  # fmt: skip


def scaled(curve: Array) -> Array:
    """(n_points, n_muscles) from 0 on, each muscle in times its own largest value; one that does nothing stays 0."""
    from_zero = np.maximum(curve, 0.0)
    return np.asarray(from_zero / np.maximum(from_zero.max(axis=0), 1e-12))


def _alike(one: Synergies, other: Synergies) -> tuple[float, float]:
    """Mean cosine of matched weights, and mean r of their activations."""
    match = similarity(one.weights, other.weights)
    r = [np.corrcoef(one.activation[:, i], other.activation[:, j])[0, 1] for i, j in match.pairs]
    return match.mean, float(np.nan_to_num(r).mean())


def _ordered(one: Synergies, as_in: Synergies) -> Synergies:
    """The synergies in the order of those that they are matched with."""
    order = [i for i, _ in sorted(similarity(one.weights, as_in.weights).pairs, key=lambda pair: pair[1])]
    return Synergies(one.weights[order], one.activation[:, order], one.mean)

"""How much a walk is like people's over the cycle: angles, moments and the force of the ground, signal by signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.array_checks import finite
from myoprosthesis.analysis.gait_emg import correlations
from myoprosthesis.core.errors import DataError

Array = NDArray[np.float64]
BAND = 2.0
"""Standard deviations of people about their mean."""


@dataclass(frozen=True)
class Likeness:
    """Of one signal, the mean cycle of the walk with the mean of people; NaN where people were not measured.

    `rmse` and the ranges are in the unit of the signal. `within` is the share of the cycle in which the walk is inside
    the people's mean ± 2 standard deviations. `late` (share of the cycle) is how much later the walk would have to be
    for the largest r, `shifted_r`: a check of how much of a difference is one of timing. `people_r` and `people_rmse`
    are a person's with the mean of the others, median over people: what a walk that is like a person may come to."""

    r: float
    rmse: float
    within: float
    late: float
    shifted_r: float
    people_r: float
    people_rmse: float
    lowest: float
    highest: float
    people_lowest: float
    people_highest: float


def likeness(cycles: Array, people: Array) -> list[Likeness]:
    """Of each signal of cycles (n_cycles, n_points, n_signals) with people (n_people, n_points, n_signals).

    Raises `DataError` for other shapes, or fewer than three people."""
    x = finite(cycles, "cycles", "n_cycles", "n_points", "n_signals")
    if len(people) < 3 or people.shape[1:] != x.shape[1:]:
        raise DataError(f"{len(people)} people {people.shape[1:]} for cycles {x.shape[1:]}: three at least are needed")
    return [_of(x[:, :, k].mean(axis=0), people[:, :, k]) for k in range(x.shape[2])]


def _of(curve: Array, people: Array) -> Likeness:
    """Of a curve (n_points,) with those of people (n_people, n_points)."""
    there = people[~np.isnan(people).any(axis=1)]
    own = (float(curve.min()), float(curve.max()))
    if len(there) < 3:
        unknown = float("nan")
        return Likeness(*(unknown,) * 7, *own, unknown, unknown)
    mean, sd = there.mean(axis=0), there.std(axis=0, ddof=1)
    others = np.stack([np.delete(there, k, axis=0).mean(axis=0) for k in range(len(there))])
    people_r = np.median([_r(one, rest) for one, rest in zip(there, others, strict=True)])
    people_rmse = np.median([_rms(gap) for gap in there - others])
    turned = [_r(np.roll(curve, shift), mean) for shift in range(len(curve))]
    best = int(np.argmax(turned))
    late = (best / len(curve) + 0.5) % 1.0 - 0.5
    within = float((np.abs(curve - mean) <= BAND * sd).mean())
    return Likeness(
        _r(curve, mean), _rms(curve - mean), within, late, turned[best], float(people_r), float(people_rmse), *own,
        float(mean.min()), float(mean.max()),
    )  # fmt: skip


def _r(one: Array, other: Array) -> float:
    return float(correlations(one[:, None], other[None, :, None])[0, 0])


def _rms(x: Array) -> float:
    return float(np.sqrt(np.square(x).mean()))

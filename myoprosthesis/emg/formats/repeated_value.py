"""A value that recurs too often to have been measured, though it lies among the others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WRITTEN = np.array(
    [-1.0, *(sign * v for v in (77.0, 88.0, 99.0, 99.9, 99.99, 999.0, 999.9, 999.99) for sign in (1, -1))]
)
WHOLE = np.round(WRITTEN) == WRITTEN
"""Values that programs write for what is missing, and that may lie within the range of EMG; the whole ones of them."""
FEWEST = 5
"""A value that occurs less often is no question."""
WRITTEN_TIMES, OTHER_TIMES = 5.0, 10.0
"""How much more often than any of the values next to it, for one of `WRITTEN` and for another."""
NEXT = 5
"""Values on each side with which one is compared."""
FINE = 20
"""Fewer different values within one standard deviation are too coarse to tell: any of them occurs often."""
AWAY = 3.0
"""Standard deviations of the samples around it by which a value that is not of `WRITTEN` stands out."""
BY_CHANCE = 1e-5
"""A value of `WRITTEN` that recurs less than `FEWEST` times is a question where chance is no likelier to do that."""
NEAREST, FINEST = 50, 500
"""Samples next to a value that say how dense, and those that say how fine, the values around it are."""


def repeated_value(samples: Array) -> float | None:
    """The value that most likely stands for a missing sample in one channel (n,) of finite numbers; None: none does.

    Each value is counted by the stretches of the usual length that it is held for, so that neither resampled channels
    nor a coarse converter raise the question. The smallest and the largest value are left to saturation unless programs
    write the value, 0 and the median to channels at rest, and a value that occurs with both signs to rails.
    """
    edges = np.concatenate([[0], np.flatnonzero(samples[1:] != samples[:-1]) + 1, [len(samples)]])
    lengths = np.diff(edges)
    values, place = np.unique(samples[edges[:-1]], return_inverse=True)
    held = np.ceil(lengths / max(1.0, float(np.median(lengths))))
    times = np.bincount(place, held).astype(float)
    low, middle, high = np.percentile(samples, [16, 50, 84])
    if np.count_nonzero((values >= low) & (values <= high)) < FINE:
        return None
    around = np.lib.stride_tricks.sliding_window_view(np.pad(times, NEXT), 2 * NEXT + 1).copy()
    around[:, NEXT] = 1.0
    ratio = times / around.max(axis=1)
    often = (times >= FEWEST) & (ratio >= WRITTEN_TIMES) & (values != 0) & (values != middle)
    candidates = np.flatnonzero(often & ~np.isin(values, -values[often]))
    for k in candidates[np.argsort(-ratio[candidates], kind="stable")].tolist():
        starts, inner = edges[:-1][place == k], 0 < k < len(values) - 1
        if times[k] < WRITTEN_TIMES * _most_of_so_few_digits(values, times, k):
            continue
        if _written(values, k) or (
            inner and len(starts) >= FEWEST and ratio[k] >= OTHER_TIMES and _stands_out(samples, starts, values[k])
        ):
            return float(values[k])
    return _few(samples, samples[edges[:-1]], held)


def _most_of_so_few_digits(values: Array, times: Array, k: int) -> float:
    """How often the most frequent one of the numbers next to a value occurs that have no more digits than it has."""
    for digits in (0, 1, 2):
        if np.round(values[k], digits) == values[k]:
            near = (np.abs(values - values[k]) <= 2 * NEXT * 10.0**-digits) & (np.arange(len(values)) != k)
            return float(times[near & (np.round(values, digits) == values)].max(initial=0.0))
    return 0.0


def _few(samples: Array, stretches: Array, held: Array) -> float | None:
    """A value of `WRITTEN` that recurs to the last digit though hardly any other number with so few digits occurs.

    `stretches` are the values in order, each `held` that often. By chance it occurs as often as numbers of so few
    digits do, or as the steps of the samples next to it allow, whichever is more. One sample is never enough: the peak
    of what was scaled to 1 is exact, too. Nor is a value that occurs with both signs, a rail.
    """
    steps = np.abs(np.diff(stretches))
    usual = float(np.median(steps)) if len(steps) else 0.0
    alone = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf)) >= usual  # else a slow signal turns there
    for value in WRITTEN.tolist():
        here = (stretches == value) | (stretches == np.float32(value))
        count = int(np.where(alone, held, 1.0)[here].sum())
        if not 2 <= count < FEWEST or (stretches == -value).any():
            continue
        digits = len(f"{value:g}".partition(".")[2])
        others = stretches[~here]
        near = others[np.argsort(np.abs(others - value), kind="stable")[:FINEST]]
        gaps = np.diff(np.sort(near))
        gaps = gaps[gaps > 1e-9 * abs(value)]
        if not gaps.size:
            continue
        reach = float(np.abs(near - value)[:NEAREST].max())
        close = others[np.abs(others - value) <= reach]
        density = len(close) / max(float(np.ptp(close)), reach)
        short = np.count_nonzero((others != 0) & (np.round(others, digits) == others))
        chance = density * max(float(gaps.min()), (short + 1) / len(others) * 10.0**-digits)
        if count * math.log(chance) - math.lgamma(count + 1) < math.log(BY_CHANCE):
            return value
    return None


def _written(values: Array, k: int) -> bool:
    """Whether a value is one that programs write, to within what the levels of a converter leave of a whole number."""
    gap = float(np.diff(values[max(0, k - 1) : k + 2]).min())
    off = np.abs(WRITTEN - values[k]) / np.abs(WRITTEN)
    return bool((off <= 3e-7).any() or (off[WHOLE] <= min(5e-4, 0.5 * gap / abs(values[k]))).any())


def _stands_out(samples: Array, starts: NDArray[np.intp], value: float) -> bool:
    """Whether a value lies outside the spread of what surrounds it, at most of the places where it begins."""
    away = []
    for start in starts[:200]:
        near = samples[max(0, start - 10) : start + 11]
        near = near[near != value]
        spread = float(near.std()) if len(near) >= 5 else np.inf
        away.append(abs(value - float(near.mean())) / max(spread, 1e-300) if np.isfinite(spread) else 0.0)
    return float(np.median(away)) >= AWAY

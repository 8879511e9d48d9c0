"""Whether confidences are probabilities: how far they are off, what makes them so, and where to reject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.temperature import sharpened

Array = NDArray[np.float64]
BINS = 10
RANGE = (0.1, 20.0)
"""Temperatures among which one is looked for."""
STEPS = 60


ALIKE = 1e-6
"""Mean surprises that differ by less are the same."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Decisions of about the same confidence: its mean, the share of them that were right, and how many there were."""

    confidence: float
    right: float
    windows: int


def reliability(confidence: Array, right: NDArray[np.bool_]) -> tuple[tuple[ReliabilityBin, ...], float]:
    """Bins of equally many decisions by confidence, and the expected calibration error (Naeini et al. 2015, AAAI).

    Args:
        confidence: Confidence of each decision, shape (n,), 0 to 1.
        right: Whether it was right, shape (n,).
    """
    order = np.array_split(np.argsort(confidence, kind="stable"), min(BINS, len(confidence)))
    bins = tuple(ReliabilityBin(float(confidence[k].mean()), float(right[k].mean()), len(k)) for k in order)
    return bins, sum(b.windows * abs(b.confidence - b.right) for b in bins) / len(confidence)


def temperature_for(scores: Array, truth: NDArray[np.intp]) -> float:
    """The temperature by which the true classes are most probable (Guo et al. 2017, arXiv 1706.04599).

    1 where no other makes them more probable, as where every decision is right and certain.

    Args:
        scores: Probabilities of each class on windows that were held out, shape (n, n_classes).
        truth: Number of the true class of each, shape (n,).
    """

    def surprise(logarithm: float) -> float:
        share = sharpened(scores, float(np.exp(logarithm)))
        return -float(np.log(np.maximum(share[np.arange(len(truth)), truth], 1e-12)).mean())

    low, high = np.log(RANGE)
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(STEPS):  # golden-section search: the mean surprise is convex in 1/T
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if surprise(a) < surprise(b) else (a, high)
    best = float((low + high) / 2)
    return float(np.exp(best)) if surprise(0.0) - surprise(best) > ALIKE else 1.0


def threshold_for(confidence: Array, wrong: NDArray[np.bool_], share: float) -> float:
    """The smallest `reject_below` with which at most this `share` of all decisions is `wrong` and not rejected.

    Args:
        confidence: Confidence of each decision, shape (n,), 0 to 1.
        wrong: Whether it would make a wrong movement, shape (n,).
        share: What a person accepts, 0 to 1.

    Raises:
        ConfigError: More decisions than that are wrong and certain.
    """
    worst = np.sort(confidence[wrong])[::-1]
    allowed = int(share * len(confidence) + 1e-9)
    if len(worst) <= allowed:
        return 0.0
    limit = float(np.nextafter(worst[allowed], 2.0))
    if limit > 1.0:
        raise ConfigError(
            f"{(worst >= 1.0).mean() * len(worst) / len(confidence):.2%} of the decisions are wrong and certain: no "
            f"threshold makes wrong movements as seldom as {share:.2%}"
        )
    return limit

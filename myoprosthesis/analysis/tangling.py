"""Tangling of trajectories: whether states that are alike go different ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.analysis.array_checks import Array, finite, positive, whole
from myoprosthesis.core.errors import DataError

SHARE = 0.1
"""Of the mean squared size of the states, below which their distance does not count."""


def tangling(trajectories: Sequence[ArrayLike], dt: float, most: int = 3000) -> Array:
    """Q(t) = max over t' of |ẋ_t − ẋ_t'|² / (|x_t − x_t'|² + ε), in 1/s² (Russo et al. 2018, equation 1).

    doi 10.1016/j.neuron.2018.01.004. ε is a tenth of the mean of |x_t|² about the mean state; t' goes over all states
    of all trajectories.

    Args:
        trajectories: Shape (n_samples, n_units) each, of at least 2 samples, with any number of samples.
        dt: Time between two samples, s.
        most: Where there are more samples, every second, third … of each trajectory is taken, after its derivative.

    Returns:
        Shape (n_states,), for the states in their order.
    """
    positive(dt, "dt")
    whole(most, "most", 2, 1_000_000)
    if not trajectories:
        raise DataError("no trajectory has no tangling, expected at least 1")
    first = finite(trajectories[0], "trajectory 0", "n_samples", "n_units")
    xs = [finite(x, f"trajectory {i}", "n_samples", first.shape[1]) for i, x in enumerate(trajectories)]
    if min(len(x) for x in xs) < 2:
        raise DataError("a trajectory of one sample has no derivative, expected at least 2 samples")
    every = -(-sum(len(x) for x in xs) // most)
    x = np.concatenate([x[::every] for x in xs])
    v = np.concatenate([np.gradient(x, dt, axis=0)[::every] for x in xs])
    x = x - x.mean(axis=0)
    size = float((x**2).sum(axis=1).mean())
    if size == 0:
        raise DataError("states that never change have no tangling")
    return np.asarray((_squared(v) / (_squared(x) + SHARE * size)).max(axis=1))


def _squared(x: Array) -> Array:
    """(n, n) squared distances between rows."""
    square = (x**2).sum(axis=1)
    return np.maximum(0.0, square[:, None] + square - 2 * x @ x.T)

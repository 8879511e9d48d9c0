"""Generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438, eq. 16)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def advantages(
    rewards: Array,
    values: Array,
    next_values: Array,
    terminated: NDArray[np.bool_],
    ended: NDArray[np.bool_],
    gamma: float,
    decay: float,
) -> Array:
    """A_t = δ_t + γλ A_{t+1} within an episode, with δ_t = r_t + γ V(s_{t+1}) − V(s_t).

    Args:
        rewards: (steps, simulations).
        values: Of the observations before each step, same shape.
        next_values: Of the observations after it; where an episode ended there, of its final observation.
        terminated: Where the task itself ended: nothing follows, and V(s_{t+1}) is 0.
        ended: Where the episode ended for whatever reason; after a time limit V(s_{t+1}) stands for what would follow.
        gamma: Discount of one step.
        decay: λ, from 0 (one step) to 1 (all that followed).
    """
    delta = rewards + gamma * next_values * ~terminated - values
    out, ahead = np.empty_like(delta), np.zeros_like(delta[0])
    for t in range(len(delta) - 1, -1, -1):
        ahead = delta[t] + gamma * decay * ahead * ~ended[t]
        out[t] = ahead
    return out

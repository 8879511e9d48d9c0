"""Limits what a position-controlled joint presses with, by how far its target may be ahead of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST = 1e-3
"""rad that a target may always be ahead."""


class ForceLimit:
    """A motor under position control presses in proportion to the distance between target and joint.

    Above the limit that distance shrinks by a fifth per reading, below four fifths of it it grows by a twentieth."""

    def __init__(self, limit: Array) -> None:
        """`limit` has one value per joint, in the unit of the readings; 0: no limit."""
        self._limit = np.where(limit > 0, limit, np.inf)
        self.reset()

    def reset(self) -> None:
        """Forget what was pressed against."""
        self._lead = np.full(self._limit.shape, np.inf)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Joints that are held back."""
        held_back: NDArray[np.bool_] = np.isfinite(self._lead)
        return held_back

    def learn(self, reading: Array, target: Array, position: Array) -> None:
        """One new reading, with the target that was sent and the position that was read, all shape (n_joints,)."""
        pressed = np.abs(reading)
        over = pressed > self._limit
        ahead = np.minimum(self._lead, np.abs(target - position))
        self._lead = np.where(over, np.maximum(0.8 * ahead, SMALLEST), self._lead)
        self._lead = np.where(pressed < 0.8 * self._limit, 1.05 * self._lead, self._lead)
        self._lead = np.where(self._lead > 4.0, np.inf, self._lead)

    def apply(self, target: Array, position: Array) -> Array:
        """The target, not further ahead of the joint than it may be."""
        return np.clip(target, position - self._lead, position + self._lead)

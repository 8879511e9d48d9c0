"""Running mean and standard deviation, kept as sums, so that those of several sources can be added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class RunningNormaliser:
    """Mean and variance of n numbers over all samples seen so far."""

    def __init__(self, size: int, least_variance: float = 1e-6) -> None:
        """`least_variance` is added to the variance: a channel that never changed is not blown up when it does."""
        self.least_variance = least_variance
        self.count, self.total, self.squares = 0.0, np.zeros(size), np.zeros(size)

    def add(self, samples: NDArray[np.floating]) -> None:
        """Take in `samples` of shape (…, n)."""
        values = samples.reshape(-1, self.total.size).astype(np.float64)
        self.count += len(values)
        self.total = self.total + values.sum(axis=0)
        self.squares = self.squares + np.einsum("ij,ij->j", values, values)

    def merge(self, other: RunningNormaliser) -> None:
        """Take in all that `other` has seen."""
        self.count += other.count
        self.total, self.squares = self.total + other.total, self.squares + other.squares

    def assume(self, mean: NDArray[np.floating], scale: NDArray[np.floating], count: float) -> None:
        """Forget all samples, as if `count` of this mean and scale had been seen."""
        variance = np.maximum(0.0, np.asarray(scale, float) ** -2 - self.least_variance)
        self.count, self.total = count, count * np.asarray(mean, float)
        self.squares = count * (variance + np.asarray(mean, float) ** 2)

    @property
    def mean(self) -> Array:
        """(n,); zero before the first sample."""
        return self.total / max(self.count, 1.0)

    @property
    def variance(self) -> Array:
        """(n,), without `least_variance`; one before the first sample."""
        if self.count == 0:
            return np.ones_like(self.total)
        return np.maximum(0.0, self.squares / self.count - self.mean**2)

    @property
    def scale(self) -> Array:
        """(n,): a normalised sample is (sample − mean) · scale."""
        return 1.0 / np.sqrt(self.variance + self.least_variance)

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {"count": self.count, "total": self.total.tolist(), "squares": self.squares.tolist()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.count = float(state["count"])
        self.total, self.squares = np.array(state["total"]), np.array(state["squares"])

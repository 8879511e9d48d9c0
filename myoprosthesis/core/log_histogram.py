"""A histogram of positive values on a logarithmic scale, in constant memory."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class LogHistogram:
    """Counts of values in bins whose edges grow by one factor, and the largest value.

    Percentiles are exact to the width of a bin and cost the same after an hour of values as after a second.

    Attributes:
        edges: Shape (bins + 1,), of the bins.
        counts: Shape (bins + 2,): the values up to the first edge, those of each bin (its upper edge included), and
            those beyond the last edge.
        largest: NaN before the first value.
    """

    def __init__(self, low: float, high: float, bins: int) -> None:
        """Make an empty one with `bins` bins from `low` > 0 to `high`."""
        self.edges, self._edges = _edges(low, high, bins)
        self.counts = np.zeros(bins + 2, np.int64)
        self.largest = float("nan")
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, value: float) -> None:
        """Count one value."""
        if not self._n or value > self.largest:
            self.largest = value
        self.counts[bisect_left(self._edges, value)] += 1
        self._n += 1

    def extend(self, values: NDArray[np.float64]) -> None:
        """Count each of the values, shape (n,)."""
        if len(values):
            self.counts += np.bincount(np.searchsorted(self.edges, values), minlength=len(self.counts))
            self.largest = float(np.fmax(self.largest, values.max()))
            self._n += len(values)

    def percentile(self, q: float) -> float:
        """The `q`-th percentile, to the width of a bin and at most `largest`; NaN before the first value."""
        if not self._n:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self.counts), q / 100 * self._n))
        upper = min(max(place, 1), len(self.edges) - 1)
        return min(float(np.sqrt(self.edges[upper - 1] * self.edges[upper])), self.largest)


@lru_cache
def _edges(low: float, high: float, bins: int) -> tuple[NDArray[np.float64], list[float]]:
    """As an array, and as a list, in which one value is found faster."""
    edges = np.geomspace(low, high, bins + 1)
    edges.flags.writeable = False
    return edges, edges.tolist()

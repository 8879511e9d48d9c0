"""Pacing of a control loop by the monotonic clock."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class LoopStatistics:
    """Durations of a whole run in constant memory, and counts of what must not happen.

    Each name keeps a histogram with bins 1 % wide, so that percentiles are exact to that and cost the same after an
    hour as after a second. (Sorting the last minute of a 500 Hz loop held its thread up for milliseconds.)
    """

    _SMALLEST_S, _WIDTH, _BINS = 1e-7, math.log(1.01), 2200

    def __init__(self) -> None:
        self._bins: dict[str, NDArray[np.int64]] = {}
        self._largest: dict[str, float] = {}
        self.ticks = 0
        self.missed = 0
        self._first = self._last = 0.0

    def tick(self) -> None:
        """One more tick is over, now."""
        self._last = time.monotonic()
        if not self.ticks:
            self._first = self._last
        self.ticks += 1

    def note(self, name: str, seconds: float) -> None:
        """Add a duration under `name`."""
        if name not in self._bins:
            self._bins[name], self._largest[name] = np.zeros(self._BINS, np.int64), seconds
        elif seconds > self._largest[name]:
            self._largest[name] = seconds
        place = int(math.log(seconds / self._SMALLEST_S) / self._WIDTH) if seconds > self._SMALLEST_S else 0
        self._bins[name][min(place, self._BINS - 1)] += 1

    def percentile(self, name: str, *q: float) -> tuple[float, ...]:
        """Percentiles (s), to 1 %; nan before the first duration."""
        if name not in self._bins:
            return (float("nan"),) * len(q)
        below = np.cumsum(self._bins[name])
        places = np.searchsorted(below, np.array(q) / 100 * below[-1])
        middles = self._SMALLEST_S * np.exp((np.minimum(places, self._BINS - 1) + 0.5) * self._WIDTH)
        return tuple(min(float(m), self._largest[name]) for m in middles)

    def clear(self) -> None:
        """Forget all."""
        self._bins.clear()
        self._largest.clear()
        self.ticks = self.missed = 0

    def summary(self) -> Mapping[str, Any]:
        """Ticks, the time from the first to the last (s), missed ticks; p50, p99 and largest of every duration, ms."""
        out: dict[str, Any] = {"ticks": self.ticks, "seconds": self._last - self._first, "missed_ticks": self.missed}
        for name in list(self._bins):
            p50, p99 = self.percentile(name, 50, 99)
            out[f"{name}_ms"] = {"p50": p50 * 1e3, "p99": p99 * 1e3, "max": self._largest[name] * 1e3}
        return out

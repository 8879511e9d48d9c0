"""Pacing of a control loop by the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from myoprosthesis.core.log_histogram import LogHistogram

BINS = 2200


class LoopStatistics:
    """Durations of a whole run in constant memory, and counts of what must not happen.

    Each name keeps a histogram with bins 1 % wide from 0.1 µs to 321 s. (Sorting the last minute of a 500 Hz loop held
    its thread up for milliseconds.)
    """

    def __init__(self) -> None:
        self._durations: dict[str, LogHistogram] = {}
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
        if name not in self._durations:
            self._durations[name] = LogHistogram(1e-7, 1e-7 * 1.01**BINS, BINS)
        self._durations[name].add(seconds)

    def percentile(self, name: str, *q: float) -> tuple[float, ...]:
        """Percentiles (s), to 1 %; nan before the first duration."""
        durations = self._durations.get(name)
        return tuple(durations.percentile(each) if durations else float("nan") for each in q)

    def clear(self) -> None:
        """Forget all."""
        self._durations.clear()
        self.ticks = self.missed = 0

    def summary(self) -> Mapping[str, Any]:
        """Ticks, the time from the first to the last (s), missed ticks; p50, p99 and largest of every duration, ms."""
        out: dict[str, Any] = {"ticks": self.ticks, "seconds": self._last - self._first, "missed_ticks": self.missed}
        for name, durations in list(self._durations.items()):
            p50, p99 = durations.percentile(50), durations.percentile(99)
            out[f"{name}_ms"] = {"p50": p50 * 1e3, "p99": p99 * 1e3, "max": durations.largest * 1e3}
        return out

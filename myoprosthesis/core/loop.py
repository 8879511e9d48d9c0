"""Pacing, and the ledger of how well it went."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SWITCH_INTERVAL_S = 2e-4
"""Beside a busy Python thread a 500 Hz loop missed 336 of 500 ticks at the default 5 ms, and 4 at this."""


def quicken() -> None:
    """Let this process change threads often enough for a paced loop; once per process."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


class Ledger:
    """Durations in seconds, the newest `size` of them, and counts of what must not happen."""

    def __init__(self, size: int = 1 << 16) -> None:
        self._values: dict[str, NDArray[np.float64]] = {}
        self._count: dict[str, int] = {}
        self._size = size
        self.ticks = 0
        self.missed = 0

    def note(self, name: str, seconds: float) -> None:
        """Add a duration under `name`."""
        if name not in self._values:
            self._values[name], self._count[name] = np.zeros(self._size), 0
        n = self._count[name]
        self._values[name][n % self._size] = seconds
        self._count[name] = n + 1

    def percentile(self, name: str, *q: float) -> tuple[float, ...]:
        """Percentiles (s) of the newest durations; nan before the first."""
        n = min(self._count.get(name, 0), self._size)
        if not n:
            return (float("nan"),) * len(q)
        return tuple(float(x) for x in np.percentile(self._values[name][:n], q))

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
        self._count.clear()
        self.ticks = self.missed = 0

    def summary(self) -> Mapping[str, Any]:
        """Ticks, missed ticks, and p50, p99 and largest of every duration, in ms."""
        out: dict[str, Any] = {"ticks": self.ticks, "missed_ticks": self.missed}
        for name in list(self._values):
            p50, p99, top = self.percentile(name, 50, 99, 100)
            out[f"{name}_ms"] = {"p50": p50 * 1e3, "p99": p99 * 1e3, "max": top * 1e3}
        return out


class Pacer:
    """Starts periods on a fixed grid of wall time. A period that cannot start within one period of its time is
    skipped, so that a loop which was held up goes on at its pace instead of racing to catch up."""

    def __init__(
        self, dt: float, clock_ns: Callable[[], int] = time.monotonic_ns, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._dt_ns = round(dt * 1e9)
        self._clock_ns, self._sleep = clock_ns, sleep
        self._next = 0

    def start(self) -> None:
        """The first period begins one period from now."""
        self._next = self._clock_ns() + self._dt_ns

    def wait(self) -> tuple[float, int]:
        """Sleep until the next period; returns its lateness (s) and how many periods were skipped before it."""
        remaining = self._next - self._clock_ns()
        if remaining > 0:
            self._sleep(remaining * 1e-9)
        late = self._clock_ns() - self._next
        skipped = max(0, late // self._dt_ns)
        self._next += self._dt_ns * (1 + skipped)
        return late * 1e-9, int(skipped)

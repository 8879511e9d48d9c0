"""Pacing, and the ledger of how well it went."""

from __future__ import annotations

import gc
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIFO_PRIORITY = 20
SWITCH_INTERVAL_S = 5e-5
"""Beside a busy Python thread a 500 Hz loop missed 336 of 500 ticks at the default 5 ms, and 4 at 0.2 ms. A tick
takes the lock some eight times, and waits so long for it each time: at this interval it loses a fifth of its period."""


def quicken() -> None:
    """Let this process change threads often enough for a paced loop; once per process."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def prefer() -> bool:
    """Ask for real-time scheduling of the calling thread (SCHED_FIFO), as ros2_control does; True where it is granted.

    Without it, a thread that wakes while another has its processor now and then waits for the kernel's next tick, 4 ms
    apart: seen in one of 1000 periods of a 500 Hz loop. It needs CAP_SYS_NICE or an rtprio limit; without, all goes on.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except (AttributeError, OSError):
        return False
    return True


def settle() -> None:
    """Take all that exists by now out of the garbage collector's sight: what a node is made of lives as long as it
    does, and looking through it again and again holds the loop up for milliseconds. Once a node is up."""
    gc.collect()
    gc.freeze()


class Ledger:
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

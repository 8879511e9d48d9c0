"""The pace of sources that are not devices: samples become due as a clock goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Clock = Callable[[], int]
"""Nanoseconds of a clock that never goes back: the computer's, or that of a simulation."""
NS = 1_000_000_000


class PlaybackClock:
    """Seconds since the start, `speed` times as fast as the clock."""

    def __init__(self, clock: Clock = time.monotonic_ns, speed: float = 1.0) -> None:
        self._clock, self._speed = clock, speed
        self._begin, self._begin_ns = clock(), time.time_ns()

    def elapsed(self) -> float:
        """Seconds that have come due."""
        return (self._clock() - self._begin) * self._speed / NS

    def stamps_ns(self, due: NDArray[np.float64]) -> NDArray[np.int64]:
        """When each of `due` (n,) was reached, ns of the computer's clock (`time.time_ns`) as it was at the start."""
        return self._begin_ns + np.rint(due / self._speed * NS).astype(np.int64)

"""Pacing of a control loop by the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable


class LoopRate:
    """Starts periods on a fixed grid of wall time.

    A period that cannot start within one period of its time is skipped, so that a loop which was delayed continues at
    its rate instead of racing to catch up.
    """

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

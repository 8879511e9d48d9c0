"""Following one trial in the states that come, from its beginning to its last sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.plan import TrialPlan, ns
from myoprosthesis.core.wire import Frame

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Watched:
    """The endpoint during one trial, as the states told it."""

    plan: TrialPlan
    time_ns: NDArray[np.int64]
    """(n,) stamps."""
    position: Array
    """(n, 3) m."""
    velocity: Array
    """(n, 3) m/s."""
    load: Array
    """(n, 3) N, the force that the field exerted on the endpoint."""
    expected: int
    """How many samples such a trial has."""

    @property
    def complete(self) -> bool:
        """Whether at most a tenth of the samples is missing."""
        return len(self.time_ns) >= 0.9 * self.expected


class TrialWatch:
    """Keeps the endpoint's rows of the states within one trial."""

    def __init__(self, dt: float) -> None:
        self._dt_ns = ns(dt)
        self.plan: TrialPlan | None = None
        self._stamps: list[int] = []
        self._rows: list[Array] = []
        self._columns: list[int] = []
        self._names: tuple[str, ...] | None = None

    def begin(self, plan: TrialPlan) -> None:
        """From now on this trial."""
        self.plan, self._stamps, self._rows = plan, [], []

    def drop(self) -> None:
        """No trial."""
        self.plan = None

    def see(self, frame: Frame) -> bool:
        """Take in a state; True when it was the last one of the trial, or came after it."""
        if frame.names is not self._names:
            self._columns = [_column(frame, f"endpoint/{a}") for a in "xyz"]
            self._names = frame.names
        plan, now = self.plan, frame.stamp_ns
        if plan is None:
            return False
        if plan.from_ns <= now < plan.until_ns and (not self._stamps or now > self._stamps[-1]):
            self._stamps.append(now)
            self._rows.append(np.stack([row[self._columns] for row in frame.rows()]))
        # in real time a last sample may lie a little off its place: half a period decides
        return now + self._dt_ns >= plan.until_ns - self._dt_ns // 2

    def end(self) -> Watched:
        """What was seen of the trial, which is over."""
        plan = self.plan
        assert plan is not None
        self.plan = None
        rows = np.array(self._rows) if self._rows else np.zeros((0, 3, 3))
        expected = round((plan.until_ns - plan.from_ns) / self._dt_ns)
        return Watched(plan, np.array(self._stamps, np.int64), rows[:, 0], rows[:, 1], rows[:, 2], expected)


def _column(frame: Frame, name: str) -> int:
    if name not in frame.names:
        raise CommandError(f"a state without {name!r} is ignored: is another node publishing on this topic?")
    return frame.names.index(name)

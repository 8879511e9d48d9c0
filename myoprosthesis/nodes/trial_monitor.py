"""Following one trial in the states that come, from its beginning to its last sample."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.cdr import JointStateFrame
from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.following import Following
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]
SILENT_S = 5.0
"""Wall time after a trial in which the effector may say whether it followed commands in it."""


@dataclass(frozen=True, eq=False)
class MonitoredTrial:
    """The endpoint during one trial, as the states told it; no columns where the effector has none."""

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
    why: str = ""
    """Why the effector did not follow commands all through the trial; empty when it did."""

    @property
    def complete(self) -> bool:
        """Whether at most a tenth of the samples is missing."""
        return len(self.time_ns) >= 0.9 * self.expected

    @property
    def lost(self) -> str:
        """Why the trial does not count; empty when it does."""
        return self.why or ("" if self.complete else f"{len(self.time_ns)} of {self.expected} states came")


class TrialMonitor:
    """Keeps the endpoint's rows of the states within one trial, and what the effector says of it."""

    def __init__(self, dt: float, endpoint: bool = True) -> None:
        """`endpoint`: whether the effector has one."""
        self._dt_ns, self._ends = ns(dt), tuple(f"endpoint/{a}" for a in "xyz") if endpoint else ()
        self.plan: TrialPlan | None = None
        self.following: Following | None = None
        """The newest word of the effector; None as long as there was none, and then it is not waited for."""
        self._stamps: list[int] = []
        self._rows: list[Array] = []
        self._columns: list[int] = []
        self._names: tuple[str, ...] | None = None
        self._over_at = 0.0

    def begin(self, plan: TrialPlan) -> None:
        """From now on this trial."""
        self.plan, self._stamps, self._rows, self._over_at = plan, [], [], 0.0

    def drop(self) -> None:
        """No trial."""
        self.plan = None

    def see(self, frame: JointStateFrame) -> bool:
        """Take in a state; True when it was the last one of the trial, or came after it."""
        if frame.names is not self._names:
            self._columns = [_column(frame, end) for end in self._ends]
            self._names = frame.names
        plan, now = self.plan, frame.stamp_ns
        if plan is None:
            return False
        if plan.from_ns <= now < plan.until_ns and (not self._stamps or now > self._stamps[-1]):
            self._stamps.append(now)
            self._rows.append(np.stack([row[self._columns] for row in frame.rows()]))
        over = plan.over(now, self._dt_ns)
        if over and not self._over_at:
            self._over_at = time.monotonic()
        return over

    @property
    def settled(self) -> bool:
        """Whether the effector has spoken of the whole trial, or is not expected to any more."""
        return self._heard_all or time.monotonic() > self._over_at + SILENT_S

    @property
    def _heard_all(self) -> bool:
        assert self.plan is not None
        return self.following is None or self.following.until_ns >= self.plan.until_ns

    def end(self) -> MonitoredTrial:
        """What was seen of the trial, which is over."""
        plan = self.plan
        assert plan is not None
        rows = np.array(self._rows) if self._rows else np.zeros((0, 3, len(self._columns)))
        expected = round((plan.until_ns - plan.from_ns) / self._dt_ns)
        why = "the effector did not say whether it followed commands"
        if self._heard_all:
            why = self.following.fault(plan) if self.following is not None else ""
        self.plan = None
        return MonitoredTrial(plan, np.array(self._stamps, np.int64), rows[:, 0], rows[:, 1], rows[:, 2], expected, why)


def _column(frame: JointStateFrame, name: str) -> int:
    if name not in frame.names:
        raise CommandError(f"a state without {name!r} is ignored: is another node publishing on this topic?")
    return frame.names.index(name)

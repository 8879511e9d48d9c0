"""Records the states of one trial, from its start to its last sample, and says whether it counts.

`task_node.py` publishes that it is lost; a session has a monitor of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.following import Following
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord

SILENT_S = 5.0
"""Wall time after a trial in which the effector may say whether it followed commands in it."""
FIRST = 512
"""Samples for which there is room at first; it doubles."""


@dataclass(frozen=True, eq=False)
class MonitoredTrial:
    """A trial that is over: its states, and whether they are those of a trial that counts."""

    record: TrialRecord
    expected: int
    """How many samples it would have if none were missing."""
    why: str = ""
    """Why the effector did not follow commands all through the trial; empty when it did."""

    @property
    def plan(self) -> TrialPlan:
        """What was planned."""
        return self.record.plan

    @property
    def samples(self) -> int:
        """How many states came."""
        return len(self.record.time_ns)

    @property
    def complete(self) -> bool:
        """Whether at most a tenth of the samples is missing."""
        return self.samples >= 0.9 * self.expected

    @property
    def lost(self) -> str:
        """Why the trial does not count; empty when it does."""
        return self.why or ("" if self.complete else f"{self.samples} of {self.expected} states came")


class TrialMonitor:
    """Records the states of one trial at a time, and what the effector says of following commands in it."""

    def __init__(self, dt: float, channels: Sequence[str] = ENDPOINT, lockstep: bool = False) -> None:
        """`dt` (s) is the effector's period, `channels` those of its state that are recorded.

        In lockstep a trial is over with its last state, by whose time it is known. In real time ticks fall anywhere
        within a period, and a state that comes a little before the end of a trial is its own: it is over with the first
        state after that.
        """
        self._dt, self._dt_ns, self._channels, self._lockstep = dt, ns(dt), tuple(channels), lockstep
        self.plan: TrialPlan | None = None
        self.following: Following | None = None
        """The effector's newest message on following commands; None before the first, which is not waited for."""
        self._size = 0
        self._time_ns = np.zeros(FIRST, np.int64)
        self._table = np.zeros((FIRST, 3, len(self._channels)))
        self._columns: list[int] = []
        self._names: tuple[str, ...] | None = None
        self._over_since = 0.0
        self._newest_ns = self._previous_ns = self._before_ns = self._after_ns = -1
        """Times of the newest state and of the one before it, of the last one before the trial and of the first one
        after it; below 0: none."""

    def begin(self, plan: TrialPlan) -> None:
        """Record this trial from now on."""
        self.plan, self._size, self._over_since, self._after_ns = plan, 0, 0.0, -1

    def drop(self) -> None:
        """Record no trial."""
        self.plan = None

    def add(self, frame: JointStateFrame) -> bool:
        """Record a state; True when it is the last one of the trial, or comes after it."""
        if frame.names is not self._names:
            self._columns = [_column(frame, channel) for channel in self._channels]
            self._names = frame.names
        plan, now = self.plan, frame.stamp_ns
        if now != self._newest_ns:  # the first state of a trial is added again once that has begun
            self._previous_ns, self._newest_ns = self._newest_ns, now
        if plan is None:
            return False
        if self._size == 0:
            self._before_ns = self._previous_ns if self._previous_ns < plan.from_ns else -1
        if plan.from_ns <= now < plan.until_ns and (not self._size or now > self._time_ns[self._size - 1]):
            if self._size == len(self._time_ns):  # a view that somebody holds stays as it was
                self._time_ns = np.concatenate([self._time_ns, np.zeros_like(self._time_ns)])
                self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._time_ns[self._size] = now
            for row, values in zip(self._table[self._size], frame.rows(), strict=True):
                row[:] = values[self._columns]
            self._size += 1
        over = plan.over(now, self._dt_ns) if self._lockstep else now >= plan.until_ns
        if over and not self._over_since:
            self._over_since, self._after_ns = time.monotonic(), now if now >= plan.until_ns else -1
        return over

    def record(self) -> TrialRecord:
        """The states of the trial so far: views, which hold until the next trial begins."""
        return TrialRecord(
            self._running, self._dt, self._channels, self._time_ns[: self._size], self._table[: self._size]
        )

    @property
    def following_known(self) -> bool:
        """Whether the effector has reported if it followed commands throughout the trial.

        Also true once that report is no longer expected.
        """
        return self.reported or time.monotonic() > self._over_since + SILENT_S

    @property
    def reported(self) -> bool:
        """Whether the effector has spoken of the whole trial, or never speaks of any."""
        return self.following is None or self.following.until_ns >= self._running.until_ns

    @property
    def _running(self) -> TrialPlan:
        if self.plan is None:
            raise RuntimeError("no trial is recorded")
        return self.plan

    def end(self) -> MonitoredTrial:
        """The trial, which is over; none is recorded after it."""
        plan, record = self._running, self.record()
        expected = round((plan.until_ns - plan.from_ns) / self._dt_ns)
        if not self._lockstep:
            around = self._before_ns, self._after_ns
            expected = len(record.time_ns) + missing_states(plan, record.time_ns, self._dt_ns, *around)
        why = "the effector did not say whether it followed commands"
        if self.reported:
            why = self.following.fault(plan) if self.following is not None else ""
        self.plan = None
        own = TrialRecord(plan, record.dt, record.channels, record.time_ns.copy(), record.table.copy())
        return MonitoredTrial(own, expected, why)


def missing_states(
    plan: TrialPlan, time_ns: NDArray[np.int64], dt_ns: int, before_ns: int = -1, after_ns: int = -1
) -> int:
    """How many states of a trial are not among those at `time_ns` (n,): as many as the gaps have room for.

    Ticks that are nearly on the grid of the trial fall to either side of its ends: one of N periods has N − 1 to N + 1
    states. `before_ns` and `after_ns` are those of the states next to it, below 0 where they are not known.
    """
    periods = round((plan.until_ns - plan.from_ns) / dt_ns)
    if not len(time_ns):
        return periods
    near = dt_ns // 4
    begin = max(before_ns, plan.from_ns - dt_ns) if before_ns >= 0 else plan.from_ns - near
    end = min(after_ns, plan.until_ns + dt_ns) if after_ns >= 0 else plan.until_ns + near
    gaps = np.diff(np.concatenate([[begin], time_ns, [end]])) / dt_ns
    return min(max(0, periods - len(time_ns)), int(np.maximum(np.round(gaps) - 1, 0).sum()))


def _column(frame: JointStateFrame, name: str) -> int:
    if name not in frame.names:
        raise CommandError(f"a state without {name!r} is ignored: is another node publishing on this topic?")
    return frame.names.index(name)

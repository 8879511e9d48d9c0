"""Reports when an effector followed commands, before the last state of each trial and whenever that changes."""

from __future__ import annotations

import time
from collections.abc import Callable

from myoprosthesis.core.following import Attendance, Following
from myoprosthesis.core.trial_plan import TrialPlan

CHANGES_S = 0.02
"""Wall time between two reports within a trial."""
REPEAT_S = 1.0
"""Wall time after which it is said again though nothing changed.

Two effectors that take turns speak of the same topic, and the last word of the one that went may come after the first
of the one that came.
"""


class FollowingAccount:
    """Keeps account of every tick and publishes it through `report`; `dt_ns` is the period of a tick."""

    def __init__(self, dt_ns: int, report: Callable[[Following], None]) -> None:
        self._dt_ns, self._report = dt_ns, report
        self._attendance = Attendance(dt_ns)
        self._open: TrialPlan | None = None
        """The trial that runs, until it was reported whether commands were followed in it."""
        self._closed: tuple[int, int] | None = None
        self._held: str | None = None
        self._held_at = 0.0

    def note(self, now_ns: int, why: str) -> None:
        """The tick at `now_ns` followed commands (`why` empty), or not; a change is reported."""
        self._attendance.note(now_ns, why)
        self._report_change(now_ns)

    def hold(self, now_ns: int, why: str) -> None:
        """Time stands still at `now_ns`; `why`: what would keep the effector from following commands now."""
        self._attendance.held = why
        self._report_change(now_ns)

    def lapse(self, now_ns: int, why: str) -> None:
        """The trial that runs does not count."""
        held = self._attendance.held
        self._attendance.note(now_ns, why)
        self._attendance.held = held

    def following(self, now_ns: int) -> Following:
        """The account up to `now_ns`."""
        return self._attendance.following(now_ns)

    def close_trial(self, plan: TrialPlan | None, now_ns: int) -> None:
        """Report, before the last state of a trial, whether commands were followed in it; late where that was skipped.

        `plan` is the trial in force at `now_ns`.
        """
        last = self._open
        key = None if plan is None else (plan.trial, plan.from_ns)
        if last is not None and (key != (last.trial, last.from_ns) or last.over(now_ns, self._dt_ns)):
            self._closed, self._open = (last.trial, last.from_ns), None
            self._report_now(last.until_ns)
        if plan is not None and key != self._closed:
            self._open = plan
            if plan.over(now_ns, self._dt_ns):  # a trial of one state
                self.close_trial(plan, now_ns)

    def _report_change(self, now_ns: int) -> None:
        since = time.monotonic() - self._held_at
        if since >= (CHANGES_S if self._attendance.held != self._held else REPEAT_S):
            self._report_now(now_ns)

    def _report_now(self, now_ns: int) -> None:
        self._held, self._held_at = self._attendance.held, time.monotonic()
        self._report(self._attendance.following(now_ns))

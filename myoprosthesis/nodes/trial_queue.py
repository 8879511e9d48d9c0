"""Trials that are announced, and have not begun."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.tasks.task import Task

AGAIN_S = 1.0
"""Wall time for which simulated time stands still until everybody is told the plans again."""


class TrialQueue:
    """Plans trials one after the other, announces each, and keeps them until they begin.

    `announce` publishes a plan. Trials are numbered from `first` to below `trials` (0: for ever), and planned as far as
    they are `released`: below this number (−1: all).
    """

    def __init__(
        self, announce: Callable[[TrialPlan], None], first: int = 0, trials: int = 0, released: int = -1
    ) -> None:
        self.announce, self.released = announce, released
        self._next, self.trials = first, trials
        self._ahead: list[TrialPlan] = []
        self._moved_s, self._now_ns = time.monotonic(), -1

    def __len__(self) -> int:
        return len(self._ahead)

    @property
    def first(self) -> TrialPlan | None:
        """The trial that begins next."""
        return self._ahead[0] if self._ahead else None

    @property
    def last(self) -> TrialPlan | None:
        """The trial that was planned last."""
        return self._ahead[-1] if self._ahead else None

    @property
    def open(self) -> bool:
        """Whether another trial is to come, and is released."""
        return self._more and not 0 <= self.released <= self._next

    @property
    def _more(self) -> bool:
        return not self.trials or self._next < self.trials

    def plan(self, task: Task, from_ns: int) -> None:
        """Plan and announce the next trial of `task`, from this time on, where one is to come."""
        if not self.open:
            return
        plan = task.plan(self._next, from_ns)
        self._next += 1
        self._ahead.append(plan := replace(plan, last=not self._more))
        self.announce(plan)

    def plan_again(self, task: Task) -> None:
        """The trials that follow are those of `task` now."""
        self._ahead = [replace(task.plan(p.trial, p.from_ns), last=p.last) for p in self._ahead]
        self.tell_again()

    def tell_again(self, *running: TrialPlan) -> None:
        """Announce all once more, after the one that runs."""
        for plan in (*running, *self._ahead):
            self.announce(plan)

    def follow(self, now_ns: int, running: TrialPlan | None) -> None:
        """Tell everybody again where simulated time, which goes no further than the answers, stands still at `now_ns`.

        Somebody may not have heard the plans: one who came late and asks for no past messages.
        """
        clock = time.monotonic()
        if now_ns != self._now_ns:
            self._now_ns, self._moved_s = now_ns, clock
        elif clock > self._moved_s + AGAIN_S:
            self._moved_s = clock
            self.tell_again(*([running] if running else []))

    def begin(self) -> TrialPlan:
        """Take out the trial that begins now."""
        return self._ahead.pop(0)

    def rewind(self, trial: int | None = None) -> None:
        """Forget what is announced, and number the next trial with `trial`, or else as the first of these."""
        self._next = trial if trial is not None else self._ahead[0].trial if self._ahead else self._next
        self._ahead = []

"""Protocol of a task: what is to be done in each trial."""

from __future__ import annotations

from typing import Protocol

from myoprosthesis.core.trial_plan import TrialPlan


class Task(Protocol):
    """A task plans its trials; it has no clock of its own."""

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """Trial number `trial`, beginning at `from_ns`; the same numbers give the same trial."""
        ...

"""Staying at one place."""

from __future__ import annotations

from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.tasks.reaching import ReachingTask, ReachOptions, plan


class Hold(ReachingTask):
    """Stay at the start."""

    def __init__(self, options: ReachOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        return plan(self.options, trial, from_ns, lambda movement: (0.0, 0.0, "hold"))

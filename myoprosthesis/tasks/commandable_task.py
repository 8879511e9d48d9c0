"""Protocol of a task of whose running trial a person can ask something else, such as another speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.tasks.task import Task


@dataclass(frozen=True)
class CommandedTrial:
    """The `plan` of the trial that goes on in another way, and the `task` of those that follow.

    It comes to `speed` (m/s) and `heading` (rad) in the end; `notes` say what is otherwise than was asked."""

    plan: TrialPlan
    task: Task
    speed: float
    heading: float
    notes: tuple[str, ...] = ()


@runtime_checkable
class CommandableTask(Protocol):
    """What a task may have beside the `Task` protocol, so that it can be steered while it runs."""

    def commanded(self, plan: TrialPlan, now_ns: int, steps: Sequence[WayStep]) -> CommandedTrial:
        """A trial that runs, planned with what is asked for.

        Args:
            plan: of the trial that runs.
            now_ns: when its goals change, ns; within the trial.
            steps: what is asked for, in this order.

        Returns:
            The plan with the same number and times, whose goals are those of `plan` before `now_ns`; and a task that
            plans later trials with what is asked for in the end.

        Raises:
            Refused: what cannot be done, with what would work.
        """
        ...

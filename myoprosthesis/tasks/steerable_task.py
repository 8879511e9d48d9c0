"""Protocol of a task whose running trial can go on in another way, as when a policy with another skill takes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from myoprosthesis.core.trial_plan import TrialPlan


@runtime_checkable
class SteerableTask(Protocol):
    """What a task may have beside the `Task` protocol, so that it follows the policy that is played."""

    skills: ClassVar[Sequence[str]]
    """The options that say what a policy must be able to do, such as the direction of a turn. A policy's contract may
    name values of these (`task_options`); they hold where a person has set none."""

    def redirected(self, plan: TrialPlan, now_ns: int) -> TrialPlan:
        """A trial that runs, planned with other values of the `skills`, going on with this task's.

        Args:
            plan: of the trial that runs.
            now_ns: when its goals change, ns; within the trial.

        Returns:
            The plan with the same number and times. Its goals are those of `plan` before `now_ns`, and go on from
            there without a jump.
        """
        ...

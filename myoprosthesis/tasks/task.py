"""Protocol of a task: what a policy may see of it, what is to be done in each trial, and how a trial is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult


class Task(Protocol):
    """A task plans and judges trials. It has no clock and no state: the same arguments give the same answers."""

    channels: ClassVar[Mapping[str, str]]
    """Channels of the goal that a policy may observe, and the unit of each, such as `{"target/x": "m"}`. They belong
    to the class, since policies are matched with them before the task is built."""

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """The channels of the effector's state that `judge` reads.

        Args:
            spec: the effector with which the task is to be done.

        Returns:
            Names out of `spec.channels`; empty for a task that judges nothing.

        Raises:
            Refused: the task cannot be done with this effector; the sentence says what it lacks and what would work.
        """
        ...

    def for_effector(self, spec: EffectorSpec) -> Task:
        """The task with all that depends on the effector filled in, such as the start of a reach.

        Args:
            spec: an effector that `needs` has not refused.

        Returns:
            Another task, or this one where nothing depends on the effector.
        """
        ...

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """One trial.

        Args:
            trial: its number, from 0; trials are planned in any order, and again after a restart.
            from_ns: its start, ns. All times of the plan move with it; nothing else depends on it.

        Returns:
            The plan; the same numbers give the same one.
        """
        ...

    def judge(self, record: TrialRecord) -> TrialResult:
        """Judge a trial.

        Args:
            record: its states, at least nine tenths of those it should have; up to the one at which it was `done`.

        Returns:
            Success, and the task's own figures.
        """
        ...

    def done(self, record: TrialRecord) -> bool:
        """Whether the trial is decided before its end, as when an object was dropped.

        Args:
            record: its states up to now, the newest last; one at least.

        Returns:
            True to judge what was recorded so far. In a stack the next trial still begins at the planned time.
        """
        ...


def channels_of(name: str) -> Mapping[str, str]:
    """All channels that a policy may observe of the task `name`, and their units.

    Those of every task come first, then its own.
    """
    own: Mapping[str, str] = getattr(registry.factory("tasks", name), "channels", {}) if name else {}
    return {**TASK_UNITS, **own}

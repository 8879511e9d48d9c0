"""Adapter for a task that has `plan` and lacks other methods of the protocol; deprecated, for one release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord, TrialResult
from myoprosthesis.tasks import reaching
from myoprosthesis.tasks.task import Task

METHODS = ("channels", "needs", "for_effector", "judge", "done")


def missing(task: Any) -> tuple[str, ...]:
    """What a task lacks of the protocol beside `plan`."""
    return tuple(name for name in METHODS if not hasattr(task, name))


def complete(make: Callable[[Any], Any], options: Any) -> Task:
    """The task `make(options)`, with defaults for what it lacks of the protocol."""
    task: Task = make(options)
    return PlanOnlyTask(make, options) if missing(task) else task


class PlanOnlyTask:
    """A task with defaults for what it lacks: it is judged by the endpoint, within `radius` of its options.

    Options `home` and `between` are filled in from the effector, which then needs an endpoint.
    """

    def __init__(self, make: Callable[[Any], Any], options: Any) -> None:
        """`make(options)` builds the task."""
        self._make, self._options, self._task = make, options, make(options)
        self._own = {f.name for f in fields(options)}

    channels: ClassVar[Mapping[str, str]] = TASK_UNITS

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        if hasattr(self._task, "needs"):
            names: Sequence[str] = self._task.needs(spec)
            return names
        if "home" in self._own:
            return reaching.endpoint_of(spec)
        return ENDPOINT if spec.endpoint else ()

    def for_effector(self, spec: EffectorSpec) -> PlanOnlyTask:
        """See `Task.for_effector`."""
        if hasattr(self._task, "for_effector"):
            return PlanOnlyTask(lambda options: self._task.for_effector(spec), self._options)
        return PlanOnlyTask(self._make, reaching.fitted(self._options, spec))

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        plan: TrialPlan = self._task.plan(trial, from_ns)
        return plan

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`."""
        if hasattr(self._task, "judge"):
            result: TrialResult = self._task.judge(record)
            return result
        if not set(ENDPOINT) <= set(record.channels):
            return TrialResult()
        return reaching.judge(record, getattr(self._options, "radius", None))

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`."""
        return bool(self._task.done(record)) if hasattr(self._task, "done") else False

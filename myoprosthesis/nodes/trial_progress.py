"""Figures of the trial that runs, told now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node

from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.timers import every
from myoprosthesis.tasks.live_task import LiveTask
from myoprosthesis.tasks.task import Task

PROGRESS_S = 0.5
"""Wall time between two reports of a trial that runs."""


class TrialProgress:
    """Reports on `/diagnostics` what a task that can says of the states so far; nothing of any other task."""

    def __init__(self, node: Node, task: Task) -> None:
        self._diagnostics = Diagnostics(node, "task")
        self._values: Mapping[str, Any] = {}
        self._noted_s = 0.0
        if isinstance(task, LiveTask):
            every(node, PROGRESS_S, self._tell)

    def note(self, task: Task, plan: TrialPlan, record: Callable[[], TrialRecord]) -> None:
        """Take the figures of the trial `plan`, if the last ones are old."""
        now = time.monotonic()
        if now < self._noted_s + PROGRESS_S or not isinstance(task, LiveTask):
            return
        self._noted_s = now
        self._values = {"trial": plan.trial, "label": plan.label, "figures": dict(task.progress(record()))}

    def _tell(self) -> None:
        if values := self._values:
            self._diagnostics.tell("running", values)

"""What is asked of a task while its trial runs, and the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.way_step import WayStep, from_json, named_in
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.subscription import subscribe

MOST_ASKED = 10
"""Commands that wait for the loop; of more the oldest are dropped."""


class TaskCommands:
    """Commands on `task/command`, answered one after the other on `task/answer` by the loop that carries them out."""

    def __init__(self, node: Node, wake: Callable[[], None]) -> None:
        """`wake` is called whenever there is one to answer."""
        self._wake = wake
        self._asked: deque[tuple[str, tuple[WayStep, ...] | MyoError]] = deque(maxlen=MOST_ASKED)
        self._answers = node.create_publisher(topics.TASK_ANSWER.type, topics.TASK_ANSWER.name, topics.TASK_ANSWER.qos)
        subscribe(node, topics.TASK_COMMAND, lambda m: str(m.data), self._on_command)

    def answer(self, carry_out: Callable[[tuple[WayStep, ...]], dict[str, Any]]) -> None:
        """Carry out what was asked since, or say why not.

        Args:
            carry_out: Returns what is said of it, its `notes` among it; raises `MyoError` where it cannot be.
        """
        while self._asked:
            name, steps = self._asked.popleft()
            try:
                if isinstance(steps, MyoError):
                    raise steps
                values = carry_out(steps)
            except MyoError as error:
                why = {"id": name, "why": str(error)}
                self._answers.publish(diagnostic_status.status("task", "refused", why, diagnostic_status.ERROR))
                continue
            level = diagnostic_status.WARN if values["notes"] else diagnostic_status.OK
            self._answers.publish(diagnostic_status.status("task", "carried out", {"id": name, **values}, level))

    def _on_command(self, text: str) -> None:
        try:
            self._asked.append(from_json(text))
        except MyoError as error:
            self._asked.append((named_in(text), error))
        self._wake()

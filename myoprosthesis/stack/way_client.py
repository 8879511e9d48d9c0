"""Asks something of the trial that a stack's task runs, and waits for the answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.namespace import absolute
from myoprosthesis.core.way_step import WayStep, to_json
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.publisher_lock import is_locked
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.stack.client import ANSWER_S, DISCOVERY_S, WAIT_S, StackClient


class WayClient:
    """Commands of a way over the node of a `StackClient`."""

    def __init__(self, stack: StackClient) -> None:
        self._stack = stack
        self._answers: dict[str, tuple[str, dict[str, Any]]] = {}
        asked, answered = topics.TASK_COMMAND, topics.TASK_ANSWER
        self._asking = stack.node.create_publisher(asked.type, asked.name, asked.qos)
        subscribe(stack.node, answered, lambda m: (m.message, diagnostic_status.values(m)), self._on_answer)

    def command(self, steps: Sequence[WayStep]) -> dict[str, Any]:
        """What comes of it.

        `speed` (m/s), `heading_deg`, from `trial_s` after the start of the `trial` on (`time_ns`), `notes` on limits.
        Raises `Refused` with the task's reason, and `ConfigError` where no task answers."""
        name, where = uuid.uuid4().hex, self._asking.topic_name
        runs = is_locked(absolute(self._stack.node.get_namespace(), topics.TARGET.name))
        if not self._stack.spin_until(self._asking.get_subscription_count, DISCOVERY_S if runs else WAIT_S):
            raise ConfigError(
                f"no task takes commands at {where}: is a stack with one up (myoprosthesis up walk), and in this "
                "namespace?"
            )
        self._asking.publish(topics.TASK_COMMAND.type(data=to_json(steps, name)))
        if not self._stack.spin_until(lambda: name in self._answers, ANSWER_S):
            raise ConfigError(f"the task did not answer within {ANSWER_S:g} s; see myoprosthesis status")
        text, values = self._answers.pop(name)
        if text != "carried out":
            raise Refused(str(values.get("why", text)))
        return {k: v for k, v in values.items() if k != "id"}

    def _on_answer(self, answer: tuple[str, dict[str, Any]]) -> None:
        self._answers[str(answer[1].get("id", ""))] = answer

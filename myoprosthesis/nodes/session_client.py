"""Conducts a session over the graph: releases trials one by one, and between them lets the learner learn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from std_srvs.srv import SetBool

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.session_listener import SessionListener
from myoprosthesis.nodes.stack_client import StackClient
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.trial_monitor import MonitoredTrial

READY_S = 30.0
"""How long a stack may take to come up."""
PAUSING, GOING_ON = "pausing after the trial that runs", "going on"
SILENT_S = 60.0
"""A trial may take so much longer than it should before the session gives it up."""


class SessionClient:
    """What a session says to a running stack, and hears of it."""

    def __init__(self, steering: StackClient, dt: float, held: threading.Event | None = None) -> None:
        """`held` is set while no further trial may begin."""
        self.steering, self._held = steering, held or threading.Event()
        self.listener = SessionListener(steering.node, dt)
        self._recorder: dict[str, Any] = {}
        self._policy: dict[str, Any] = {}
        node = steering.node
        subscribe(node, topics.POLICY_ACTIVE, self._hear, topics.latched(10))
        subscribe(node, topics.RECORDER_ACTIVE, self._hear_recorder)
        node.create_service(SetBool, "session/pause", self._pause)

    @property
    def paused(self) -> bool:
        """Whether a person holds the session between two trials."""
        return self._held.is_set()

    def close(self) -> None:
        """Hear nothing more."""
        self.listener.close()

    def await_ready(self, check: Callable[[], None]) -> None:
        """Until the stack plays a policy and everything is being recorded; `check` raises when it cannot be."""

        def ready() -> bool:
            check()
            told = bool(self._policy) and bool(self._recorder.get("ready"))
            return told and self.listener.heard > 0

        if not self.steering.spin_until(ready, READY_S):
            told = {"policy": self._policy, "recorder": self._recorder.get("ready")}
            missing = [name for name, said in told.items() if not said]
            raise ConfigError(
                f"the stack did not come up within {READY_S:g} s: nothing heard of "
                f"{', '.join(missing) or 'the effector'}"
            )

    def release(self, below: int) -> None:
        """Let the trials with numbers below this one be planned."""
        self.steering.set("task", {"released": below})

    def stage(self, policy: str) -> None:
        """Have a policy at the door: it is let in with the next trial that begins."""
        self._policy = {}
        self.steering.set("policy", {"policy": policy})

        def there() -> bool:
            p = self._policy
            if p.get("refused") == policy:
                raise ConfigError(f"{policy} was not swapped in: {p.get('why')}")
            return bool(
                (p.get("text") == "ready" and p.get("candidate") == policy)
                or (p.get("text") == "active" and p.get("policy") == policy)
            )

        if not self.steering.spin_until(there, READY_S):
            raise ConfigError(f"{policy} was not brought up within {READY_S:g} s")

    def await_trial(self, trial: int, seconds: float, check: Callable[[], None]) -> MonitoredTrial:
        """What was seen of a trial; raises when it does not end within `seconds`."""
        found: list[MonitoredTrial] = []

        def over() -> bool:
            check()
            if self.listener.fault:
                raise ConfigError(self.listener.fault)
            if (seen := self.listener.take(trial)) is not None:
                found.append(seen)
            return bool(found)

        if not self.steering.spin_until(over, seconds):
            raise ConfigError(f"trial {trial} did not end within {seconds:g} s")
        return found[0]

    def recorded(self) -> dict[str, Any]:
        """What the recorder last told."""
        return self._recorder

    def _hear(self, message: Any) -> None:
        self._policy = {**diagnostic_status.values(message), "text": message.message}

    def _hear_recorder(self, message: Any) -> None:
        self._recorder = {**diagnostic_status.values(message), "text": message.message}

    def _pause(self, request: Any, response: Any) -> Any:
        (self._held.set if request.data else self._held.clear)()
        response.success, response.message = True, PAUSING if request.data else GOING_ON
        return response

"""What a session asks of a running stack: release trials one by one, prepare a policy, collect a trial."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from std_srvs.srv import SetBool

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes.trial_monitor import MonitoredTrial
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.reports import PolicyReport
from myoprosthesis.stack.session_listener import SessionListener

READY_S = 30.0
"""How long a stack may take to come up."""
PAUSING, GOING_ON = "pausing after the trial that runs", "going on"


class SessionClient:
    """A session's side of a running stack, on the node of a `StackClient`."""

    def __init__(self, stack: StackClient, dt: float, lockstep: bool, held: threading.Event | None = None) -> None:
        """`dt` (s) is the effector's period; `held` is set while no further trial may begin."""
        self.stack, self._held = stack, held or threading.Event()
        self.listener = SessionListener(stack.node, dt, lockstep)
        stack.node.create_service(SetBool, "session/pause", self._pause)

    @property
    def paused(self) -> bool:
        """Whether a person holds the session between two trials."""
        return self._held.is_set()

    @property
    def recorder(self) -> dict[str, Any]:
        """The recorder's newest report."""
        return next(iter(self.stack.status.recorders.values()), {})

    def close(self) -> None:
        """End following the trials."""
        self.listener.close()

    def await_ready(self, check: Callable[[], None]) -> None:
        """Wait until a policy is active, states come, and all is recorded; `check` raises when that cannot be."""

        def missing() -> list[str]:
            ready = {
                "policy": self.stack.status.policy.text,
                "recorder": self.recorder.get("ready"),
                "effector": self.listener.states,
            }
            return [name for name, value in ready.items() if not value]

        def ready() -> bool:
            check()
            return not missing()

        if not self.stack.spin_until(ready, READY_S):
            raise ConfigError(
                f"the stack did not come up within {READY_S:g} s: no report of {', '.join(missing())} came"
            )

    def release(self, below: int) -> None:
        """Let the trials with numbers below this one be planned."""
        self.stack.set("task", {"released": below})

    def stage(self, policy: str) -> None:
        """Have a policy loaded: it becomes active with the next trial that begins."""
        self.stack.status.policy = PolicyReport()
        self.stack.set("policy", {"policy": policy})

        def loaded() -> bool:
            now = self.stack.status.policy
            if now.refused == policy:
                raise ConfigError(f"{policy} was not swapped in: {now.why}")
            return (now.text, now.candidate) == ("ready", policy) or (now.text, now.policy) == ("active", policy)

        if not self.stack.spin_until(loaded, READY_S):
            raise ConfigError(f"{policy} was not loaded within {READY_S:g} s")

    def await_trial(self, trial: int, seconds: float, check: Callable[[], None]) -> MonitoredTrial:
        """The states of a trial, once it is over; raises `ConfigError` when it does not end within `seconds`."""
        trials: list[MonitoredTrial] = []

        def over() -> bool:
            check()
            if self.listener.fault:
                raise ConfigError(self.listener.fault)
            if (done := self.listener.take(trial)) is not None:
                trials.append(done)
            return bool(trials)

        if not self.stack.spin_until(over, seconds):
            raise ConfigError(f"trial {trial} did not end within {seconds:g} s")
        return trials[0]

    def _pause(self, request: Any, response: Any) -> Any:
        (self._held.set if request.data else self._held.clear)()
        response.success, response.message = True, PAUSING if request.data else GOING_ON
        return response

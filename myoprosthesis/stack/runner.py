"""Runs a stack: starts its processes, follows what they report, waits until it is ready, and stops it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from myoprosthesis.core.errors import NotStarted
from myoprosthesis.stack.monitor import StackMonitor
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.status import StackStatus
from myoprosthesis.stack.supervisor import Supervisor

READY_S = 60.0
LAST_REPORTS_S = 0.3
"""How long the last reports of nodes that have ended take to come."""
POLL_S = 0.05
FORGETFUL = ("emulator",)
"""Nodes that are started again as they were first: an emulator's faults are for once."""


class StackRunner:
    """The processes of one stack, from start to stop.

        with StackRunner(describe(StackOptions(lockstep=True, trials=3))) as stack:
            stack.wait_ready()
            stack.wait_until(lambda: stack.status.ended, 60.0)

    A process that dies is started again with the parameters that were set meanwhile, where its description allows it;
    one that cannot be kept running raises a `StackError` from whatever waits or watches.
    """

    def __init__(
        self,
        nodes: Sequence[NodeSpec],
        tell: Callable[[str, str], object] = lambda node, text: None,
        namespace: str = "",
        monitor: StackMonitor | None = None,
    ) -> None:
        """Nothing runs before `start`.

        Args:
            nodes: what `describe` returns, or some of it.
            tell: receives a node's name and a line of its output, in a thread of that node.
            namespace: of the whole stack.
            monitor: follows the stack, such as a `StackClient`; the caller closes it. None: one of the runner's own.
        """
        self._tell = tell
        self._own = None if monitor is not None else StackMonitor(namespace)
        self.monitor: StackMonitor = monitor or self._own  # type: ignore[assignment]
        self.supervisor = Supervisor(nodes, self._line, namespace, self._resumed)
        self.lines: deque[str] = deque(maxlen=50)
        """The newest lines of output, with the names of their nodes."""
        self.started_at = 0.0
        """Monotonic time of the start, s."""

    def __enter__(self) -> StackRunner:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def status(self) -> StackStatus:
        """The stack as it has reported so far."""
        return self.monitor.status

    @property
    def restarts(self) -> dict[str, int]:
        """How often each process was started again."""
        return self.supervisor.restarts

    def start(self) -> None:
        """Start every process."""
        self.started_at = time.monotonic()
        self.supervisor.start()

    def poll(self) -> None:
        """Start again what has died; raises the `StackError` of a process that cannot be kept running."""
        for name, values in self.monitor.changed_parameters().items():
            if name not in FORGETFUL:
                self.supervisor.remember(name, values)
        if (error := self.supervisor.poll()) is not None:
            raise error

    def watch(self, seconds: float) -> None:
        """Handle what comes for `seconds`, keeping the processes running."""
        self.wait_until(lambda: False, seconds)

    def wait_until(self, done: Callable[[], Any], seconds: float) -> bool:
        """Watch until `done`, for `seconds` at most; whether it is done."""
        until = time.monotonic() + seconds
        while True:
            self.poll()
            if done():
                return True
            if (left := until - time.monotonic()) <= 0:
                return False
            self.monitor.spin_once(min(left, POLL_S))

    def wait_ready(self, seconds: float = READY_S) -> None:
        """Wait until the first tick is done; raises `NotStarted` when it is not within `seconds`."""
        if not self.wait_until(lambda: self.status.ready, seconds):
            raise NotStarted("; ".join([f"no tick was done within {seconds:g} s", *list(self.lines)[-3:]]))

    def stop(self) -> None:
        """End every process, the effector first, and take in their last reports; safe to call twice."""
        self.supervisor.stop()
        self.monitor.spin(LAST_REPORTS_S)

    def close(self) -> None:
        """Stop, and leave the graph."""
        try:
            self.supervisor.stop()
        finally:
            if self._own is not None:
                self._own.close()

    def _line(self, node: str, text: str) -> None:
        self.lines.append(f"[{node}] {text}")
        self._tell(node, text)

    def _resumed(self, name: str) -> Mapping[str, Any]:
        """A task goes on with the trial in which it died: those that are over stay so."""
        if name != "task":
            return {}
        self.monitor.spin(LAST_REPORTS_S)
        if (first := self.status.next_trial) is None:
            return {}
        self._line(name, f"goes on with trial {first}")
        return {"first": first}

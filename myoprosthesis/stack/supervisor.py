"""Processes of a stack: started, started again when they die, and ended together."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from myoprosthesis.core.child_process import FAILED, REFUSED, process_environment
from myoprosthesis.core.errors import NodeFailed, NotStarted, ProcessDied, StackError
from myoprosthesis.nodes.parameters import to_ros
from myoprosthesis.stack.node_spec import NodeSpec

_LABELS = re.compile(r"^(\[[^]]*\] ?)+: |^error: ")
"""What ROS's log and our processes put before a sentence."""
GRACE_S = 4.0
FIRST_S = 2.0
"""How long the effector has to end before the others are asked to."""
BYSTANDERS = ("twin", "hand", "recorder", "console", "markers")
"""Processes without which the effector goes on."""
OPTIONAL = ("console", "markers")
"""Processes whose end ends nothing else."""
MOST_DEATHS, WITHIN_S = 3, 60.0
"""A process that dies so often within this time is not started again: whatever ends it comes back with it."""


class Supervisor:
    """Runs the processes of nodes.

    `tell` receives a node's name and a line of its output or of the supervisor's; `resumed` returns the parameters with
    which a node that died is started again, beside those that it had.
    """

    def __init__(
        self,
        nodes: Sequence[NodeSpec],
        tell: Callable[[str, str], None],
        namespace: str = "",
        resumed: Callable[[str], Mapping[str, Any]] = lambda name: {},
    ) -> None:
        self._nodes = {n.name: n for n in nodes}
        self._tell, self._namespace, self._resumed = tell, namespace, resumed
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._started: dict[str, float] = {}
        self._deaths: dict[str, list[float]] = {}
        self._last: dict[str, str] = {}
        self._listeners: dict[str, threading.Thread] = {}
        self._run = uuid.uuid4().hex
        self.restarts: dict[str, int] = {}

    def start(self) -> None:
        """Start every process."""
        for node in self._nodes.values():
            self._start(node)

    def poll(self) -> StackError | None:
        """Start again what has died; the error of a process that cannot be kept running, None while there is none."""
        for name, process in list(self._running.items()):
            code = process.poll()
            if code is None:
                continue
            if code in (REFUSED, FAILED):
                self._listeners[name].join(1.0)
                why = self._last.get(name, "it did not say why")
                if name in OPTIONAL:
                    self._forget(name, f"was not started: {why}")
                    continue
                if code == REFUSED:
                    return NotStarted(f"was not started: {why}", name)
                return NodeFailed(f"failed: {why}", name)
            now = time.monotonic()
            deaths = self._deaths[name] = [t for t in self._deaths.get(name, []) if now - t < WITHIN_S] + [now]
            died = f"died by signal {-code}" if code < 0 else f"ended with status {code}"
            if not self._nodes[name].respawn or len(deaths) >= MOST_DEATHS:
                self._listeners[name].join(1.0)
                why = f": {self._last[name]}" if code > 0 and name in self._last else ""
                if name in OPTIONAL:
                    self._forget(name, f"{died} and is not started again{why}")
                    continue
                return ProcessDied(f"{died} and is not started again{why}", name)
            idle = "" if name in BYSTANDERS else ", the effector idles meanwhile"
            self._tell(name, f"{died} after {now - self._started[name]:.1f} s; started again{idle}")
            self.restarts[name] = self.restarts.get(name, 0) + 1
            self.remember(name, self._resumed(name))
            self._start(self._nodes[name])
        return None

    def _forget(self, name: str, why: str) -> None:
        """Go on without a process."""
        del self._running[name]
        self._tell(name, f"{why}; the stack goes on without it")

    def remember(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Values that a node was given while it ran: it gets them again when it is started again."""
        if name in self._nodes:
            kept = {**self._nodes[name].parameters, **parameters}
            self._nodes[name] = replace(
                self._nodes[name], parameters={k: v for k, v in kept.items() if v not in ("", [])}
            )

    def pids(self) -> dict[str, int]:
        """Process numbers by node."""
        return {name: p.pid for name, p in self._running.items()}

    def stop(self) -> None:
        """End all processes, the effector first.

        So it is in its fail state before any other ends, and does not take the end of its emulator for a lost hand.
        """
        order = sorted(self._running, key=lambda n: n != "effector")
        for name in order:
            process = self._running[name]
            if process.poll() is None:
                process.terminate()  # and no interrupt: a process that still imports would tell of it at length
            if name == "effector":
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(FIRST_S)
        deadline = time.monotonic() + GRACE_S
        for name in order:
            try:
                self._running[name].wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell(name, "did not end when asked and was killed")
                self._running[name].kill()
                self._running[name].wait()

    def _start(self, node: NodeSpec) -> None:
        arguments = [
            sys.executable,
            "-m",
            node.module,
            "--ros-args",
            "-r",
            f"__node:={node.node or node.name}",
            "--log-level",
            "warn",
        ]
        space = "/".join(part for part in (self._namespace.strip("/"), node.namespace) if part)
        if space:
            arguments += ["-r", f"__ns:=/{space}"]
        for key, value in node.parameters.items():
            arguments += ["-p", f"{key}:={ros_text(value)}"]
        for old, new in node.remappings.items():
            arguments += ["-r", f"{old}:={new}"]
        environment = {**os.environ, **process_environment(self._run)}
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._running[node.name], self._started[node.name] = process, time.monotonic()
        listener = threading.Thread(target=self._listen, args=(node.name, process), daemon=True)
        self._listeners[node.name] = listener
        listener.start()

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            if line.strip():
                self._last[name] = _LABELS.sub("", line.strip())
                self._tell(name, line.rstrip())


def ros_text(value: Any) -> str:
    """A parameter's value as the text after `:=`."""
    if isinstance(value, (list, tuple)):
        return json.dumps(to_ros(value) or [])
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)

"""The console node: listens to a stack and keeps its score."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

from myoprosthesis.core.message import PLAN_BYTES
from myoprosthesis.core.namespace import namespace_of
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.node_main import join_graph, network_warning, run
from myoprosthesis.nodes.stack_status import StackStatus
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every

HEARD = ("effector", "policy", "emg", "emulator", "recorder", "perturbation", "task", "twin/effector")
"""Whose diagnostics are kept."""

UNHEARD = 200
"""So many diagnostics wait while nobody hears, as while the stack ends: all nodes' last ones, for 10 s and more."""


class MonitorNode(Node):
    """Subscribes to what a stack tells of itself; publishes nothing."""

    def __init__(self, name: str = "console", namespace: str = "") -> None:
        super().__init__(name, namespace=namespace_of(namespace))
        self.score = StackStatus()
        self._executor: Any = None
        subscribe(self, topics.DIAGNOSTICS, self._diagnostics, topics.reliable(UNHEARD))
        for topic, handle in (
            (topics.POLICY_ACTIVE, self._policy),
            (topics.PERTURBATION, self._perturbation),
            (topics.TRIAL_EVENTS, self._trial),
            (topics.TRIAL, self._newest_trial),
            (topics.EMG_DECISION, self._decision),
        ):
            subscribe(self, topic, handle)
        self.changed: dict[str, dict[str, Any]] = {}
        self._open = bool(network_warning())
        subscribe(self, topics.PARAMETER_EVENTS, self._heed)

    def hear(self, seconds: float) -> None:
        """Handle one thing that comes within `seconds`."""
        if self._executor is None:
            self._executor = SingleThreadedExecutor()
            self._executor.add_node(self)
        self._executor.spin_once(timeout_sec=seconds)

    def hear_for(self, seconds: float) -> None:
        """Handle all that comes within `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.hear(0.05)

    def close(self) -> None:
        """End; an executor that is left to the end of the program complains there."""
        if self._executor is not None:
            self._executor.shutdown()
        self.destroy_node()

    def _heed(self, event: Any) -> None:
        """What was set while running, by node, so that a node started again can be given it."""
        space, _, name = event.node.rpartition("/")
        if space == self.get_namespace().rstrip("/"):
            values: dict[str, Any] = {p.name: "" for p in event.deleted_parameters}
            values |= {p.name: parameter_value_to_python(p.value) for p in event.changed_parameters}
            values = {k: v for k, v in values.items() if len(str(v)) <= PLAN_BYTES}
            if self._open and values.get("stopped", True) is not True:
                values.pop("stopped")  # whoever says so on an open network: a stop stays one over a restart
            self.changed.setdefault(name, {}).update(values)

    def _diagnostics(self, message: Any) -> None:
        space = diagnostic_status.full_name(self.get_namespace(), "")
        for one in message.status:
            name = one.name[len(space) :] if one.name.startswith(space) else ""
            if name in HEARD:
                values = diagnostic_status.checked({**diagnostic_status.values(one), "text": one.message})
                self.score.hear_effector(values) if name == "effector" else self.score.hear_other(name, values)

    def _policy(self, message: Any) -> None:
        self.score.hear_policy(
            diagnostic_status.checked({**diagnostic_status.values(message), "text": message.message})
        )

    def _perturbation(self, message: Any) -> None:
        plan = PerturbationPlan.from_json(message.data)
        self.score.hear_plan(plan.trial, plan.name)

    def _trial(self, message: Any) -> None:
        self.score.hear_trial(
            message.message, diagnostic_status.checked(diagnostic_status.values(message), ("trial", "time_ns"))
        )

    def _newest_trial(self, message: Any) -> None:
        self.score.hear_newest(message.message, diagnostic_status.values(message))

    def _decision(self, message: Any) -> None:
        """Scores stand in `position`, with 1 in `effort` at the choice; see `ports.DecoderPort.decided`."""
        values = dict(zip(message.name, message.position, strict=False))
        choice = next((n for n, chosen in zip(message.name, message.effort, strict=False) if chosen == 1.0), "")
        self.score.decision = {
            "choice": choice, "confidence": values.get("confidence"), "rejected": bool(values.get("rejected")),
            "drifting": bool(values.get("drifting")),
        }  # fmt: skip


@contextmanager
def listening(name: str = "console", namespace: str = "") -> Iterator[MonitorNode]:
    """A console for a program that is no node otherwise: call its `hear` again and again."""
    join_graph()
    console = MonitorNode(name, namespace)
    try:
        yield console
    finally:
        console.close()
        rclpy.try_shutdown()


class PrintingMonitor(MonitorNode):
    """The console as a process of its own: a line each second."""

    def __init__(self) -> None:
        super().__init__()
        every(self, 1.0, lambda: print(line(self.score), flush=True))


def line(score: StackStatus) -> str:
    """The state of a run in one line."""
    e = score.effector
    if not e:
        return "no effector is heard"
    parts = [
        f"{e.get('tick', 0) * float(e.get('dt', 0.0)):.1f} s",
        f"effector {e.get('effector')}",
        f"policy {score.policy.get('policy', 'none')}",
        f"perturbation {score.perturbation or 'not known yet'}",
        *_figures(score),
    ]
    return ", ".join(parts) + (f"; it does not follow commands: {e.get('idle')}" if e.get("idle") else "")


def _figures(score: StackStatus) -> list[str]:
    """What has come out so far in the condition that is on."""
    s = score.summary()
    if "decisions" in s:
        return [f"{s['decisions']} decisions", *([f"now {score.decision['choice']}"] if score.decision else [])]
    current = (str(score.policy.get("policy")), score.perturbation)
    now = next((c for c in s["conditions"] if (c["policy"], c["perturbation"]) == current), None)
    lost = [f"{s['trials_lost']} lost"] if s["trials_lost"] else []
    if now is None:
        others = f" of these two, {s['trials']} of others" if s["trials"] else ""
        return [f"no trial{others} is over yet", *lost]
    parts = [f"{now['trials']} trials of these two"]
    if now["endpoint_error_mm"]:
        parts.append(f"median distance from the target at the end {now['endpoint_error_mm']['median']:.1f} mm")
    return [*parts, *lost]


def main() -> None:
    """Entry point of the executable `monitor_node`."""
    sys.exit(run(PrintingMonitor, sys.argv))


if __name__ == "__main__":
    main()

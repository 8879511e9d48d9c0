"""Follows a running stack: subscribes to what its nodes report and keeps a `StackStatus`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.message import NAME_CHARS, PLAN_BYTES
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.graph_connection import GraphConnection
from myoprosthesis.nodes.node_main import Node, network_warning, plain_node, run
from myoprosthesis.nodes.parameters import from_message
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every
from myoprosthesis.nodes.wait_set import PolledSubscriptions
from myoprosthesis.stack.status import StackStatus

REPORTING = (
    *("effector", "policy", "emg", "emulator", "recorder", "perturbation", "task"),
    *("twin/effector", "posture/effector", "posture/policy", "hand/effector"),
)
"""The nodes whose diagnostics are kept."""
WAITING = 200
"""Diagnostics that wait while nobody reads, as while the stack ends: the last ones of all nodes, for 10 s and more."""


class StatusSubscriptions:
    """Subscriptions of a node to what the stack in its namespace reports; they fill `status`.

    As messages come, in the node's executor; or, where they are `polled`, at each `take`, which spares an executor that
    has nothing else to do most of its work: it wakes for every message, and looks at all that it has.
    """

    def __init__(self, node: Node, keep: int = 0, polled: bool = False) -> None:
        """`keep`: how many of the newest trials are kept; 0: all."""
        self.status = StackStatus(keep=keep)
        self.node = node
        self._changes: dict[str, dict[str, Any]] = {}
        self._open = bool(network_warning())
        self._inputs = PolledSubscriptions(node) if polled else None
        self._polled: list[tuple[Any, Callable[[Any], None]]] = []
        for topic, handle, qos in (
            (topics.DIAGNOSTICS, self.diagnostics, topics.reliable(WAITING)),
            (topics.POLICY_ACTIVE, self.policy, topics.latched(10)),
            (topics.PERTURBATION, self.perturbation, None),
            (topics.RECORDER_ACTIVE, self.recorder, None),
            (topics.TRIAL_EVENTS, self.trial_event, None),
            (topics.TRIAL, self.newest_event, None),
            (topics.EMG_DECISION, self.decision, None),
            (topics.PARAMETER_EVENTS, self.parameters, None),
        ):
            if self._inputs is not None:
                self._polled.append((self._inputs.subscribe(topic, qos, wakes=False), handle))
            else:
                subscribe(node, topic, handle, qos=qos)

    def take(self) -> None:
        """Take in what came since the last call, where they are polled."""
        if self._inputs is not None:
            for subscription, handle in self._polled:
                list(self._inputs.read(subscription, handle))

    def changed_parameters(self) -> dict[str, dict[str, Any]]:
        """Parameters that were set since the last call, by node, so that a node started again can be given them."""
        changes, self._changes = self._changes, {}
        return changes

    def parameters(self, event: Any) -> None:
        """Handle a message of parameters that were set."""
        space, _, name = event.node.rpartition("/")
        if space == self.node.get_namespace().rstrip("/"):
            values: dict[str, Any] = {p.name: "" for p in event.deleted_parameters}
            values |= {p.name: from_message(p.value) for p in event.changed_parameters}
            values = {k: v for k, v in values.items() if len(str(v)) <= PLAN_BYTES}
            if self._open and values.get("stopped", True) is not True:
                values.pop("stopped")  # on an open network anybody can say so: a stop stays one over a restart
            self._changes.setdefault(name, {}).update(values)

    def diagnostics(self, message: Any) -> None:
        """Handle a message of diagnostics."""
        space = diagnostic_status.full_name(self.node.get_namespace(), "")
        for one in message.status:
            name = one.name[len(space) :] if one.name.startswith(space) else ""
            if name in REPORTING:
                values = diagnostic_status.checked({**diagnostic_status.values(one), "text": one.message})
                if name == "effector":
                    self.status.add_effector(values)
                else:
                    self.status.add_node(name, values)

    def policy(self, message: Any) -> None:
        """Handle a report of the policy node."""
        values = {**diagnostic_status.values(message), "text": message.message, "fitted_to": message.hardware_id}
        self.status.add_policy(diagnostic_status.checked(values))

    def recorder(self, message: Any) -> None:
        """Handle a report of a recorder."""
        values = {**diagnostic_status.values(message), "text": message.message}
        self.status.add_recorder(diagnostic_status.checked(values))

    def perturbation(self, message: Any) -> None:
        """Handle a perturbation plan."""
        plan = PerturbationPlan.from_json(message.data)
        self.status.add_perturbation(plan.trial, plan.name)

    def trial_event(self, message: Any) -> None:
        """Handle an event of a trial."""
        values = diagnostic_status.checked(diagnostic_status.values(message), ("trial", "time_ns"))
        self.status.add_trial_event(message.message, values)

    def newest_event(self, message: Any) -> None:
        """Handle the newest event of a trial."""
        self.status.add_newest_event(message.message, diagnostic_status.checked(diagnostic_status.values(message)))

    def decision(self, message: Any) -> None:
        """Handle a decision: scores in `position`, 1 in `effort` at the choice; see `DecoderPort.decided`."""
        values = dict(zip(message.name, message.position, strict=False))
        choice = next((n for n, chosen in zip(message.name, message.effort, strict=False) if chosen == 1.0), "")
        if len(choice) > NAME_CHARS:
            raise CommandError(f"a decision with a name of {len(choice)} characters is ignored")
        self.status.add_decision(choice, values)


class StackMonitor(GraphConnection):
    """Follows a running stack from a program that is not a node itself: spin it, and read `status`."""

    def __init__(self, namespace: str = "", name: str = "monitor", keep: int = 0) -> None:
        """`keep`: how many of the newest trials the status keeps; 0: all, as figures of them need."""
        super().__init__(namespace, name)
        self.subscriptions = StatusSubscriptions(self.node, keep)

    @property
    def status(self) -> StackStatus:
        """The stack as it has reported so far."""
        return self.subscriptions.status

    def changed_parameters(self) -> dict[str, dict[str, Any]]:
        """Parameters that were set since the last call, by node."""
        return self.subscriptions.changed_parameters()


def monitor_node() -> Node:
    """The monitor as a process of its own: prints a line each second."""
    node = plain_node("monitor")
    subscriptions = StatusSubscriptions(node)
    every(node, 1.0, lambda: print(line(subscriptions.status), flush=True))
    return node


def line(status: StackStatus) -> str:
    """The state of a run in one line."""
    e = status.effector
    if not e.effector:
        return "no effector reports"
    parts = [
        f"{e.tick * e.dt:.1f} s",
        f"effector {e.effector}",
        f"policy {status.policy.policy or 'none'}",
        f"perturbation {status.perturbation or 'not known yet'}",
        *_figures(status),
    ]
    return ", ".join(parts) + (f"; it does not follow commands: {e.idle}" if e.idle else "")


def _figures(status: StackStatus) -> list[str]:
    """Results so far in the present condition."""
    s = status.summary()
    decided = []
    if "decisions" in s:
        decided = [f"{s['decisions']} decisions", *([f"now {status.decision.choice}"] if status.decision.known else [])]
        if not status.trials:
            return decided
    current = (status.policy.policy, status.perturbation)
    now = next((c for c in reversed(s["conditions"]) if (c["policy"], c["perturbation"]) == current), None)
    lost = [f"{s['trials_lost']} lost"] if s["trials_lost"] else []
    if now is None:
        others = f" of these two, {s['trials']} of others" if s["trials"] else ""
        return [*decided, f"no trial{others} is over yet", *lost]
    parts = [*decided, f"{now['trials']} trials of these two"]
    if now["endpoint_error_mm"]:
        parts.append(f"median distance from the target at the end {now['endpoint_error_mm']['median']:.1f} mm")
    elif figures := now.get("figures"):
        parts += [f"mean {name} {value:.3g}" for name, value in figures.items()]
    return [*parts, *lost]


def main() -> None:
    """Entry point of the executable `monitor_node`."""
    run(monitor_node, sys.argv)


if __name__ == "__main__":
    main()

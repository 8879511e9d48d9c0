"""The console node: listens to a stack and keeps its score."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import rclpy
from rcl_interfaces.msg import ParameterEvent
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.signals import SignalHandlerOptions

from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.plan import PerturbationPlan
from myoprosthesis.nodes import status, topics
from myoprosthesis.nodes.process import namespace_of, network_warning, run, stay_local


@dataclass
class Score:
    """What was heard of a run so far."""

    effector: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The newest diagnostics of other nodes: `policy` (of a decoder), `emg`, `emulator`, `twin/effector`."""
    perturbation: str = ""
    trials: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0
    ended: bool = False
    began: float = 0.0
    heard: float = 0.0
    rate: float = 0.0

    @property
    def ready(self) -> bool:
        """True once a first tick has closed."""
        return int(self.effector.get("ticks", 0)) > 0

    def scored(self) -> list[dict[str, Any]]:
        """Trials that count: movements to a target that were not catch trials."""
        return [t for t in self.trials if t.get("scored", True) and not t.get("catch", False)]

    def decoding(self) -> dict[str, Any]:
        """Figures of a stack that decodes EMG; empty for any other."""
        emg, policy, emulator = (self.others.get(n, {}) for n in ("emg", "policy", "emulator"))
        if not emg:
            return {}
        said = policy.get("prompted", {})
        totals = {asked: sum(chosen.values()) for asked, chosen in said.items()}
        right = {asked: said[asked].get(asked, 0) for asked in said}
        events, device = policy.get("events", {}), self.effector.get("device", {})
        decisions = int(events.get("decisions", 0))
        latency, since = (self.effector.get(k, {}) for k in ("latency_ms", "latency_since_arrival_ms"))
        return {
            "source": emg.get("source"),
            "samples": emg.get("events", {}).get("samples", 0),
            "emg_events": emg.get("events", {}),
            "timing": emg.get("timing", {}),
            "decisions": decisions,
            "accuracy": sum(right.values()) / sum(totals.values()) if sum(totals.values()) else None,
            "per_class": {asked: right[asked] / n for asked, n in sorted(totals.items()) if n},
            "rejection_rate": int(events.get("rejected", 0)) / decisions if decisions else None,
            "drift_events": int(events.get("drift_events", 0)),
            "decision_ms": policy.get("decision_ms"),
            "latency_ms": {"p50": latency.get("p50"), "p99": latency.get("p99")},
            "latency_since_arrival_ms": {"p50": since.get("p50"), "p99": since.get("p99")},
            "frames_sent": device.get("frames_sent"),
            "checksum_errors": device.get("damaged", 0),
            "device_events": device,
            "watchdog_events": emulator.get("watchdog_events"),
            "emulated": bool(emulator),
            "twin_apart": self.others.get("twin/effector", {}).get("apart"),
        }

    def summary(self) -> dict[str, Any]:
        """The figures of `up --json`."""
        scored, e = self.scored(), self.effector
        error = [t["endpoint_error_mm"] for t in scored]
        side = [t["lateral_deviation_mm"] for t in scored]
        ticks = int(e.get("ticks", 0))
        elapsed = self.heard - self.began if self.began else 0.0
        age = e.get("command_age_ms", {})
        trip = e.get("round_trip_ms", {})
        return {
            "trials": len(self.trials),
            "trials_scored": len(scored),
            "trials_lost": self.lost,
            "success_rate": sum(t["success"] for t in scored) / len(scored) if scored else None,
            "endpoint_error_mm": {"median": statistics.median(error), "p95": quantile(error, 0.95)} if error else None,
            "lateral_deviation_mm": statistics.fmean(side) if side else None,
            "real_time_factor": ticks * float(e.get("dt", 0.0)) / elapsed if elapsed else None,
            "ticks": ticks,
            "missed_ticks": int(e.get("missed_ticks", 0)),
            "command_age_ms": {"p50": age.get("p50"), "p99": age.get("p99")},
            "lateness_ms": e.get("lateness_ms"),
            "round_trip_ms": {"p50": trip.get("p50"), "p99": trip.get("p99")},
            "effector": e.get("effector"),
            "policy": self.policy.get("policy"),
            "perturbation": self.perturbation,
            "lockstep": e.get("lockstep"),
            "guard_events": e.get("events", {}),
            "trace_sha256": e.get("trace_sha256"),
            **self.decoding(),
            "by_trial": [
                {
                    k: t.get(k)
                    for k in (
                        "trial",
                        "label",
                        "success",
                        "endpoint_error_mm",
                        "lateral_deviation_mm",
                        "peak_speed",
                        "catch",
                    )
                }
                for t in self.trials
            ],
        }


def quantile(values: list[float], q: float) -> float:
    """Linear interpolation between the ordered values."""
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


class ConsoleNode(Node):
    """Subscribes to what a stack tells of itself; publishes nothing."""

    def __init__(self, name: str = "console", namespace: str = "") -> None:
        super().__init__(name, namespace=namespace_of(namespace))
        self.score = Score()
        self._plans: dict[int, str] = {}
        self._running = -1
        self._executor: Any = None
        self._before = (0.0, 0)
        for topic, heard in (
            (topics.DIAGNOSTICS, self._diagnostics),
            (topics.POLICY_ACTIVE, self._policy),
            (topics.PERTURBATION, self._perturbation),
            (topics.TRIAL_EVENTS, self._trial),
        ):
            self.create_subscription(topic.type, topic.name, heard, topic.qos)
        self.changed: dict[str, dict[str, Any]] = {}
        self._open = bool(network_warning())
        self.create_subscription(ParameterEvent, "/parameter_events", self._heed, 100)

    def hear(self, seconds: float) -> None:
        """Handle one thing that comes within `seconds`."""
        if self._executor is None:
            self._executor = SingleThreadedExecutor()
            self._executor.add_node(self)
        self._executor.spin_once(timeout_sec=seconds)

    def _heed(self, event: Any) -> None:
        """What was set while running, by node, so that a node started again can be given it."""
        space, _, name = event.node.rpartition("/")
        if space == self.get_namespace().rstrip("/"):
            values: dict[str, Any] = {p.name: "" for p in event.deleted_parameters}
            values |= {p.name: parameter_value_to_python(p.value) for p in event.changed_parameters}
            if self._open and values.get("stopped", True) is not True:
                values.pop("stopped")  # whoever says so on an open network: a stop stays one over a restart
            self.changed.setdefault(name, {}).update(values)

    def _diagnostics(self, message: Any) -> None:
        for one in message.status:
            if one.name != status.full_name(self.get_namespace(), "effector"):
                space = status.full_name(self.get_namespace(), "")
                if one.name.startswith(space):
                    self.score.others[one.name[len(space) :]] = {**status.values(one), "text": one.message}
                continue
            self.score.effector = values = {**status.values(one), "text": one.message}
            now, ticks = time.monotonic(), int(values.get("ticks", 0))
            self.score.heard = now
            if ticks and not self.score.began:
                self.score.began = now - ticks * float(values.get("dt", 0.0)) * (not values.get("lockstep"))
            if now > self._before[0]:
                self.score.rate = max(0.0, (ticks - self._before[1]) / (now - self._before[0]))
            self._before = (now, ticks)

    def _policy(self, message: Any) -> None:
        self.score.policy = {**status.values(message), "text": message.message}

    def _perturbation(self, message: Any) -> None:
        try:
            plan = PerturbationPlan.from_json(message.data)
        except MyoError as error:
            self.get_logger().error(str(error))
            return
        self._plans[plan.trial] = plan.name
        while len(self._plans) > 8:
            self._plans.pop(min(self._plans))
        self._name()

    def _name(self) -> None:
        """What is imposed in the trial that runs; plans and trials come in any order."""
        self.score.perturbation = self._plans.get(self._running, self.score.perturbation)

    def _trial(self, message: Any) -> None:
        values = status.values(message)
        if message.message == "start":
            self._running = int(values["trial"])
            self._name()
        elif message.message in ("end", "lost"):
            if message.message == "end":
                self.score.trials.append(values)
            else:
                self.score.lost += 1
            self.score.ended = bool(values.get("last"))


@contextmanager
def listening(name: str = "console", namespace: str = "") -> Iterator[ConsoleNode]:
    """A console for a program that is no node otherwise: call its `hear` again and again."""
    stay_local()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    console = ConsoleNode(name, namespace)
    try:
        yield console
    finally:
        console.destroy_node()
        rclpy.try_shutdown()


class PrintingConsole(ConsoleNode):
    """The console as a process of its own: a line each second."""

    def __init__(self) -> None:
        super().__init__()
        self.create_timer(1.0, lambda: print(line(self.score), flush=True))


def line(score: Score) -> str:
    """The state of a run in one line."""
    e, s = score.effector, score.summary()
    if not e:
        return "no effector is heard"
    error = s["endpoint_error_mm"]
    return (
        f"{e.get('effector')} · {score.policy.get('policy', 'no policy')} · "
        f"{score.perturbation or 'nothing imposed'} · tick {e.get('tick')} · trials {s['trials']}"
        + (f" · error {error['median']:.1f} mm" if error else "")
        + (f" · {e.get('text')}" if e.get("idle") else "")
    )


def main() -> None:
    """Entry point of the executable `console_node`."""
    sys.exit(run(PrintingConsole, sys.argv))


if __name__ == "__main__":
    main()

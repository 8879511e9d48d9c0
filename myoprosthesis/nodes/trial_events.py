"""What happens to trials, as messages and as markers for other recorders."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.outlet import Markers
from myoprosthesis.nodes import diagnostic_status, topics


class TrialEvents:
    """Publishes the start, go, end and loss of trials on `trial/events` and, the newest alone, on `trial`."""

    def __init__(self, node: Node, stream: str, simulated: bool) -> None:
        """`stream`: an LSL stream of markers, empty: none. `simulated`: time is nobody else's."""
        self._publishers = [
            node.create_publisher(topic.type, topic.name, topic.qos) for topic in (topics.TRIAL_EVENTS, topics.TRIAL)
        ]
        self._markers = Markers(stream) if stream else None
        self._simulated = simulated
        self.places = True
        """Whether trials go from a place to another, m; those of other tasks have a plan's zeros there."""

    def publish(self, event: str, plan: TrialPlan, now_ns: int, **more: Any) -> None:
        """Publish an event of a trial, with more of what it has."""
        values = {
            "trial": plan.trial,
            "time_ns": now_ns,
            "label": plan.label,
            **({"start": plan.start, "target": plan.target} if self.places else {}),
            "catch": plan.go_ns is None,
            "scored": plan.scored,
            "last": plan.last,
            **more,
        }
        message = diagnostic_status.status("trial", event, values)
        for publisher in self._publishers:
            publisher.publish(message)
        if self._markers is not None:
            self._markers.push(f"{event} {plan.trial} {plan.label}".strip(), None if self._simulated else now_ns)

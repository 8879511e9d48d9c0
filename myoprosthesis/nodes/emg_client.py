"""What a program that is no node hears of the EMG in a running stack."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.message import TEXT_BYTES, read_object, reading
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.emg_messages import read
from myoprosthesis.nodes.stack_client import WAIT_S, StackClient
from myoprosthesis.nodes.subscription import subscribe

Array = NDArray[np.float64]
LATE_S = 1.0
"""Samples may come so much later than they should."""


class EmgClient:
    """Hears `emg/spec` and `emg/raw`, the commands and those of the shadow, on the node of a `StackClient`."""

    def __init__(self, graph: StackClient) -> None:
        """Raises `ConfigError` when no EMG is heard."""
        self._graph = graph
        self._blocks: list[Array] = []
        self._wanted = False
        self.command: Array | None = None
        self.shadow: Array | None = None
        told: list[Any] = []
        node = graph.node
        subscribe(node, topics.EMG_SPEC, told.append)
        subscribe(node, topics.EMG_RAW, self._hear)
        for topic, field in ((topics.COMMAND, "command"), (topics.POLICY_SHADOW, "shadow")):
            subscribe(node, topic, self._keep(field))
        if not graph.spin_until(lambda: bool(told), WAIT_S):
            raise ConfigError("no EMG is heard: is a stack with EMG up (myoprosthesis up emg-hand), in this namespace?")
        with reading("the specification of the EMG"):
            spec = read_object(told[-1].data, "the specification of the EMG", TEXT_BYTES)
            self.channels, self.rate, self.unit = tuple(spec["channels"]), float(spec["rate"]), str(spec["unit"])
            self.conditioning: dict[str, Any] = dict(spec["conditioning"])

    def spin(self, seconds: float) -> None:
        """Handle what comes."""
        rclpy.spin_once(self._graph.node, timeout_sec=seconds)

    def record(self, seconds: float, progress: Callable[[float], Any]) -> Array:
        """Raw samples of so long, shape (n, n_channels), fewer where they do not come; `progress` is told of each
        second, or part of one, that came."""
        node = self._graph.node
        self._graph.spin_until(lambda: node.count_publishers(topics.EMG_RAW.name) > 0, WAIT_S)
        self._graph.spin_until(lambda: bool(self._blocks), WAIT_S)  # it is published once somebody listens
        self._blocks.clear()
        wanted, told, until = round(seconds * self.rate), 0, time.monotonic() + seconds + LATE_S
        while told < wanted and time.monotonic() < until:
            self.spin(0.02)
            come = min(wanted, sum(map(len, self._blocks)))
            progress((come - told) / self.rate)
            told = come
        return np.concatenate([*self._blocks, np.zeros((0, len(self.channels)))])[:wanted]

    def _hear(self, message: Any) -> None:
        self._blocks.append(read(message).values)

    def _keep(self, field: str) -> Callable[[Any], None]:
        return lambda message: setattr(self, field, np.array(message.position))

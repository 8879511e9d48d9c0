"""EMG of a running stack, for a program that is not a node itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.message import TEXT_BYTES, read_object, reading
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.emg_block_codec import EmgSampleReader, EmgSamples
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.stack.client import WAIT_S, StackClient

Array = NDArray[np.float64]
LATE_S = 1.0
"""How much later than they should samples may come."""


class EmgClient:
    """Follows `emg/spec`, `emg/raw`, the commands and those of the shadow, on the node of a `StackClient`."""

    def __init__(self, stack: StackClient) -> None:
        """Raises `ConfigError` when the stack publishes no EMG."""
        self._stack = stack
        self._blocks: list[Array] = []
        self._wanted = False
        self.command: Array | None = None
        self.shadow: Array | None = None
        specs: list[Any] = []
        node = stack.node
        subscribe(node, topics.EMG_SPEC, specs.append)
        subscribe(node, topics.EMG_RAW, EmgSampleReader().read, self._add, raw=True)
        for topic, field in ((topics.COMMAND, "command"), (topics.POLICY_SHADOW, "shadow")):
            subscribe(node, topic, self._keep(field))
        if not stack.spin_until(lambda: bool(specs), WAIT_S):
            raise ConfigError(
                "no EMG is published: is a stack with EMG up (myoprosthesis up emg-hand), in this namespace?"
            )
        with reading("the specification of the EMG"):
            spec = read_object(specs[-1].data, "the specification of the EMG", TEXT_BYTES)
            self.channels, self.rate, self.unit = tuple(spec["channels"]), float(spec["rate"]), str(spec["unit"])
            self.conditioning: dict[str, Any] = dict(spec["conditioning"])

    def spin(self, seconds: float) -> None:
        """Handle one thing that comes within `seconds`."""
        self._stack.spin_once(seconds)

    def record(self, seconds: float, progress: Callable[[float], Any]) -> Array:
        """Raw samples of `seconds`, shape (n, n_channels), fewer where they do not arrive.

        `progress` is called with the length (s) of each part that arrived.
        """
        node = self._stack.node
        self._stack.spin_until(lambda: node.count_publishers(topics.EMG_RAW.name) > 0, WAIT_S)
        self._stack.spin_until(lambda: bool(self._blocks), WAIT_S)  # it is published once somebody listens
        self._blocks.clear()
        wanted, done, until = round(seconds * self.rate), 0, time.monotonic() + seconds + LATE_S
        while done < wanted and time.monotonic() < until:
            self.spin(0.02)
            count = min(wanted, sum(map(len, self._blocks)))
            progress((count - done) / self.rate)
            done = count
        return np.concatenate([*self._blocks, np.zeros((0, len(self.channels)))])[:wanted]

    def _add(self, block: EmgSamples) -> None:
        self._blocks.append(block.values)

    def _keep(self, field: str) -> Callable[[Any], None]:
        return lambda message: setattr(self, field, np.array(message.position))

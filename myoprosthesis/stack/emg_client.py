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
from myoprosthesis.nodes.time_codec import read_time_ns
from myoprosthesis.stack.client import StackClient

Array = NDArray[np.float64]
LATE_S = 1.0
"""How much later than they should samples may come."""


class EmgClient:
    """Follows `emg/spec`, `emg/raw`, the commands and those of the shadow, on the node of a `StackClient`."""

    def __init__(self, stack: StackClient) -> None:
        """Raises `ConfigError` when the stack publishes no EMG."""
        self._stack = stack
        self._blocks: list[Array] = []
        self._comparing = False
        self._commands: dict[int, Array] = {}
        self._shadows: dict[int, Array] = {}
        specs: list[Any] = []
        node = stack.node
        subscribe(node, topics.EMG_SPEC, specs.append)
        subscribe(node, topics.EMG_RAW, EmgSampleReader().read, self._add, raw=True)
        for topic, kept in ((topics.COMMAND, self._commands), (topics.POLICY_SHADOW, self._shadows)):
            subscribe(node, topic, self._keep(kept))
        if not stack.spin_until(lambda: bool(specs), stack.discovery_s):
            raise ConfigError(
                "no EMG is published: is a stack with EMG up (myoprosthesis up emg-hand), in this namespace?"
            )
        with reading("the specification of the EMG"):
            spec = read_object(specs[-1].data, "the specification of the EMG", TEXT_BYTES)
            self.channels, self.rate, self.unit = tuple(spec["channels"]), float(spec["rate"]), str(spec["unit"])
            self.conditioning: dict[str, Any] = dict(spec["conditioning"])

    def record(self, seconds: float, progress: Callable[[float], Any]) -> Array:
        """Raw samples of `seconds`, shape (n, n_channels), fewer where they do not arrive.

        `progress` is called with the length (s) of what has arrived.
        """
        node = self._stack.node
        self._stack.spin_until(lambda: node.count_publishers(topics.EMG_RAW.name) > 0, self._stack.discovery_s)
        self._stack.spin_until(
            lambda: bool(self._blocks), self._stack.discovery_s
        )  # it is published once somebody listens
        self._blocks.clear()
        wanted, done, until = round(seconds * self.rate), 0, time.monotonic() + seconds + LATE_S
        while done < wanted and time.monotonic() < until:
            self._stack.spin_once(0.02)
            done = min(wanted, sum(map(len, self._blocks)))
            progress(done / self.rate)
        return np.concatenate([*self._blocks, np.zeros((0, len(self.channels)))])[:wanted]

    def compare(self, seconds: float) -> list[float]:
        """How far the shadow is from what is commanded: the largest difference of each pair of commands of one time.

        Of those that come within `seconds`; empty when nothing does.
        """
        self._commands.clear()
        self._shadows.clear()
        self._comparing = True
        self._stack.spin_until(lambda: False, seconds)
        self._comparing = False
        pairs = self._commands.keys() & self._shadows.keys()
        return [float(np.abs(self._commands[t] - self._shadows[t]).max()) for t in sorted(pairs)]

    def _add(self, block: EmgSamples) -> None:
        self._blocks.append(block.values)

    def _keep(self, kept: dict[int, Array]) -> Callable[[Any], None]:
        """Keep the commands by their stamps (ns)."""

        def keep(message: Any) -> None:
            if self._comparing:
                kept[read_time_ns(message.header.stamp)] = np.array(message.position)

        return keep

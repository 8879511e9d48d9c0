"""Calls that other threads hand to the executor of a node."""

from __future__ import annotations

import queue
from collections.abc import Callable

from rclpy.node import Node


class ExecutorQueue:
    """Has a node's executor make calls, in order: control threads and workers touch no parameters and services."""

    def __init__(self, node: Node) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._guard = node.create_guard_condition(self._run)

    def call(self, function: Callable[[], None]) -> None:
        """Have `function` called soon; from any thread."""
        self._calls.put(function)
        self._guard.trigger()

    def _run(self) -> None:
        while not self._calls.empty():
            self._calls.get()()

"""The ROS graph for a program that is not a node itself: a short-lived command, a server, a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import rclpy
from rclpy.executors import SingleThreadedExecutor

from myoprosthesis.core.namespace import namespace_of
from myoprosthesis.nodes.node_main import await_delivery, join_graph

C = TypeVar("C", bound="GraphConnection")


class GraphConnection:
    """A node with a context and an executor of its own.

    Several live in one process, each used by one thread at a time, and closing one leaves the others on the graph.
    """

    def __init__(self, namespace: str = "", name: str = "client") -> None:
        """Joins the graph; raises `ConfigError` when the middleware cannot be started or `namespace` is none."""
        namespace = namespace_of(namespace)
        self.context = rclpy.Context()
        join_graph(context=self.context)
        self.node = rclpy.create_node(name, namespace=namespace, context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._closed = False

    def __enter__(self: C) -> C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the graph once what was published has been received; safe to call twice."""
        if not self._closed:
            self._closed = True
            await_delivery(self.node)
            self._executor.shutdown()  # one that is left to the end of the program complains there
            self.node.destroy_node()
            self.context.try_shutdown()

    def spin_once(self, seconds: float) -> None:
        """Handle one thing that comes within `seconds`."""
        self._executor.spin_once(timeout_sec=seconds)

    def spin(self, seconds: float) -> None:
        """Handle all that comes within `seconds`."""
        self.spin_until(lambda: False, seconds)

    def spin_until(self, done: Callable[[], Any], seconds: float) -> bool:
        """Handle what comes until `done`, for `seconds` at most; whether it is done."""
        until = time.monotonic() + seconds
        while not done() and (left := until - time.monotonic()) > 0:
            self.spin_once(min(left, 0.05))
        return bool(done())

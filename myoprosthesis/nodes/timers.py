"""Timers of nodes: by wall time, whatever the clock of the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node


def every(node: Node, seconds: float, callback: Callable[[], Any]) -> None:
    """Have the executor call `callback` every `seconds` of wall time.

    A timer of a node's own clock would stand still while nobody publishes /clock, and whoever publishes it would wait
    for itself.
    """
    node.create_timer(seconds, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))

"""That there is one effector on a topic."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rclpy.node import Node

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.wait_set import PolledSubscriptions

LISTEN_S = 0.4
NETWORK_S = 2.0
"""How long another effector on this machine, or on the network, is listened for."""


@contextlib.contextmanager
def no_second_effector(node: Node, network: bool) -> Iterator[None]:
    """Context that listens for another effector that publishes the same state topic as `node` is to.

    Its end raises `ConfigError` if there is one: the two would be read as one body that jumps. One on this machine is
    known by its lock, one on another machine by its messages; `network`: other machines take part.
    """
    inbox = PolledSubscriptions(node)
    subscription = inbox.subscribe(topics.STATE, raw=True)
    began, name, rivals = time.monotonic(), subscription.topic_name, 0
    try:
        yield
        # longer for a publisher elsewhere: one that was killed is known for a while, and silent
        while True:
            rivals += sum(1 for _ in inbox.take(subscription))
            left = began + (NETWORK_S if network and node.count_publishers(name) else LISTEN_S) - time.monotonic()
            if rivals or left <= 0:
                break
            inbox.wait(min(left, 0.1))
    finally:
        node.destroy_subscription(subscription)
    if rivals:
        raise ConfigError(
            f"another effector publishes {name}: stop it, or give this one a namespace (--ros-args -r __ns:=/NAME)"
        )

"""That there is one effector on a topic."""

from __future__ import annotations

import time

from rclpy.node import Node

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.wait_set import PolledSubscriptions


def refuse_second_effector(node: Node, network: bool) -> None:
    """Raise `ConfigError` when another effector publishes the same state topic as `node` is to.

    The two would be read as one body that jumps. One on this machine is known by its lock, one on another machine by
    its messages; `network`: other machines take part.
    """
    states: list[int] = []
    inbox = PolledSubscriptions(node)
    subscription = inbox.subscribe(topics.STATE, raw=True)
    began, name = time.monotonic(), subscription.topic_name
    while not states and time.monotonic() < began + (2.0 if network and node.count_publishers(name) else 0.4):
        inbox.wait(0.1)  # longer for a publisher elsewhere: one that was killed is known for a while, and silent
        states.extend(1 for _ in inbox.take(subscription))
    node.destroy_subscription(subscription)
    if states:
        raise ConfigError(
            f"another effector publishes {name}: stop it, or give this one a namespace (--ros-args -r __ns:=/NAME)"
        )

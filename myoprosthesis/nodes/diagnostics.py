"""What a node tells of itself on `/diagnostics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from myoprosthesis.nodes import diagnostic_status, topics


class Diagnostics:
    """Publishes a node's status under the namespace and a name; all namespaces share the topic."""

    def __init__(self, node: Node, name: str) -> None:
        self._node, self._name = node, diagnostic_status.full_name(node.get_namespace(), name)
        t = topics.DIAGNOSTICS
        self._publisher = node.create_publisher(t.type, t.name, t.qos)

    def tell(
        self, text: str, values: Mapping[str, Any], level: bytes = diagnostic_status.OK, hardware: str = ""
    ) -> None:
        """How it is now."""
        array = DiagnosticArray(status=[diagnostic_status.status(self._name, text, values, level, hardware)])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

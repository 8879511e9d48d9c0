"""The lifecycle states of the nodes of a stack, asked for without waiting."""

from __future__ import annotations

from typing import Any

from lifecycle_msgs.srv import GetState
from rclpy.node import Node


class LifecycleStates:
    """State by node below the namespace of a node; `ask` sends the questions, the executor takes the answers."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._clients: dict[str, Any] = {}
        self._pending: set[str] = set()
        self.states: dict[str, str] = {}
        """`active`, `inactive`, … by name; a node that is gone is not among them."""

    def ask(self) -> None:
        """Ask every node of the namespace that has a lifecycle."""
        space = self._node.get_namespace().rstrip("/")
        present = set()
        for name, where in self._node.get_node_names_and_namespaces():
            full = f"{where.rstrip('/')}/{name}"
            if full.startswith(f"{space}/") and name != self._node.get_name():
                present.add(full[len(space) + 1 :])
        for gone in self._clients.keys() - present:
            self._node.destroy_client(self._clients.pop(gone))
            self.states.pop(gone, None)
            self._pending.discard(gone)
        for name in present:
            if name not in self._clients:
                self._clients[name] = self._node.create_client(GetState, f"{name}/get_state")
            client = self._clients[name]
            if name not in self._pending and client.service_is_ready():
                self._pending.add(name)
                client.call_async(GetState.Request()).add_done_callback(lambda done, n=name: self._take(n, done))

    def _take(self, name: str, future: Any) -> None:
        self._pending.discard(name)
        if name in self._clients and future.result() is not None:
            self.states[name] = str(future.result().current_state.label)

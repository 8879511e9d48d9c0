"""Asks an effector to stop, or to resume, as fast as it can be reached: on this machine past the graph."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.node import Node
from std_srvs.srv import Trigger

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import stop_socket


class StopCaller:
    """The emergency stop for a node whose executor spins in another thread than the one that asks.

    Its clients are made with the node, so that an effector on another machine is discovered before it is needed.
    """

    def __init__(self, node: Node) -> None:
        self._namespace = node.get_namespace()
        self._askers: dict[str, Any] = {
            word: node.create_client(Trigger, f"effector/{word}") for word in (stop_socket.STOP, stop_socket.RESUME)
        }

    def ask(self, word: str) -> str:
        """The effector's answer to `STOP` or `RESUME` of `stop_socket`.

        Raises `ConfigError` with its reason when it refuses, or when none answers."""
        answer = stop_socket.request(self._namespace, word)
        if answer is not None:
            return answer
        client, done = self._askers[word], threading.Event()
        if not client.service_is_ready():
            raise ConfigError(f"no effector answers at {client.srv_name}: it was not asked to {word}")
        future: Any = client.call_async(Trigger.Request())
        future.add_done_callback(lambda _: done.set())
        if not done.wait(stop_socket.ANSWER_S):
            client.remove_pending_request(future)
            raise ConfigError(f"{client.srv_name} has not answered within {stop_socket.ANSWER_S:g} s")
        if not future.result().success:
            raise ConfigError(str(future.result().message))
        return str(future.result().message)

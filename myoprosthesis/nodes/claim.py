"""A claim on a topic: on one machine, one process publishes it."""

from __future__ import annotations

import os
import socket
import sys

from myoprosthesis.core.errors import ConfigError


class Claim:
    """Held from its making to `close`, or to the end of the process however it ends; raises `ConfigError` when
    another process holds it. Nothing but Linux's abstract sockets is asked: a newcomer to a graph takes up to
    seconds to learn who publishes there, and by then two effectors would have moved. Elsewhere it claims nothing.
    """

    def __init__(self, topic: str) -> None:
        """`topic`: the full name, such as `/left/state`."""
        self._socket = None
        if sys.platform != "linux":
            return
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0myoprosthesis {os.environ.get('ROS_DOMAIN_ID', '0') or '0'} {topic}"[:108])
        except OSError as error:
            held.close()
            raise ConfigError(
                f"another effector publishes {topic}: stop it, or give this one a namespace (--ros-args -r __ns:=/NAME)"
            ) from error
        self._socket = held

    def close(self) -> None:
        """Let go; safe to call twice."""
        if self._socket is not None:
            self._socket.close()

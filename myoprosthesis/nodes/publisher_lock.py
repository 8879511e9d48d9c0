"""A lock on a topic: on one machine, one process publishes it."""

from __future__ import annotations

import socket
import sys

from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.errors import ConfigError


class PublisherLock:
    """Lock by which one process of this machine publishes a topic; raises `ConfigError` when another process holds it.

    It is held until `close`, or to the end of the process however it ends. It uses Linux's abstract sockets, not the
    graph: a new node takes up to seconds to learn who publishes there, and by then two of them would have been
    followed. On other systems it locks nothing.
    """

    def __init__(self, topic: str, who: str = "effector") -> None:
        """`topic`: the full name, such as `/left/state`; `who` publishes it."""
        self._socket = None
        if sys.platform != "linux":
            return
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(_address(topic))
        except OSError as error:
            held.close()
            raise ConfigError(
                f"another {who} publishes {topic}: stop it, or give this one a namespace (--ros-args -r __ns:=/NAME)"
            ) from error
        self._socket = held

    def close(self) -> None:
        """Release the lock; safe to call twice."""
        if self._socket is not None:
            self._socket.close()


def is_locked(topic: str) -> bool:
    """Whether some process of this machine has locked a topic; asking has no effect."""
    if sys.platform != "linux":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(_address(topic))
        except OSError:
            return False
        return True


def _address(topic: str) -> str:
    return f"\0myoprosthesis {domain_id()} {topic}"[:108]

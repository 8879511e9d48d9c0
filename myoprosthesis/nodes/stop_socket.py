"""The emergency stop, and the pause of a session, over a local socket: the graph's discovery takes seconds."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.namespace import absolute

STOP, RESUME = "estop", "resume"
EFFECTOR, SESSION = "effector", "session"
ANSWER_S = 5.0
"""How long an effector may take to answer."""
REQUEST_S = 0.5
"""How long the server waits for the request of a process that has connected."""
BYTES = 1024


class StopServer:
    """Answers `request` for the effector of a namespace, or another part of its stack, in a thread of its own.

    Only processes of the same user, or root, are answered: the kernel says who has connected. An address in Linux's
    abstract namespace is nobody's file and vanishes with its process; elsewhere nothing is served.
    """

    def __init__(self, namespace: str, act: Callable[[bool], str], part: str = EFFECTOR) -> None:
        """Listen for requests to the effector (or another part) of a namespace on this machine.

        `act` is called with True to stop and False to resume, and returns the answer; it may raise `ConfigError`.
        Raises `ConfigError` when the address is taken.
        """
        self._act, self._socket = act, None
        if sys.platform != "linux":
            return
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            server.bind(_address(namespace, part))
            server.listen()
        except OSError as error:
            server.close()
            raise ConfigError(
                f"the emergency stop of {absolute(namespace, part)} cannot be served locally: {error.strerror}"
            ) from error
        self._socket = server
        self._thread = threading.Thread(target=self._serve, args=(server,), name="emergency stop", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve no more; safe to call twice."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # which ends `accept`
            self._thread.join(2 * REQUEST_S)  # the address is free once no thread waits at it
            self._socket.close()
            self._socket = None

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer, suppress(OSError):
                peer.settimeout(REQUEST_S)
                if _trusted(peer):
                    peer.send(self._answer(peer.recv(BYTES).decode(errors="replace")).encode()[:BYTES])

    def _answer(self, word: str) -> str:
        if word not in (STOP, RESUME):
            return f"no: unknown request {word[:20]!r}; known are {STOP}, {RESUME}"
        try:
            return f"yes: {self._act(word == STOP)}"
        except ConfigError as error:
            return f"no: {error}"


def request(namespace: str, word: str, part: str = EFFECTOR) -> str | None:
    """Answer of the effector (or another part) of a namespace on this machine to `STOP` or `RESUME`.

    None when none can be reached on this machine. Raises `ConfigError` with its reason when it refuses.
    """
    if sys.platform != "linux":
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(ANSWER_S)
        try:
            client.connect(_address(namespace, part))
            if not _trusted(client):
                return None
            client.send(word.encode())
            kind, _, text = client.recv(BYTES).decode(errors="replace").partition(": ")
        except TimeoutError as error:
            raise ConfigError(
                f"{absolute(namespace, part)} was asked to {word} and has not answered within {ANSWER_S:g} s"
            ) from error
        except OSError:
            return None
    if kind == "no":
        raise ConfigError(text)
    return text if kind == "yes" else None


def is_served(namespace: str, part: str = EFFECTOR) -> bool:
    """Whether requests to a part of a stack are answered on this machine."""
    if sys.platform != "linux":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        return client.connect_ex(_address(namespace, part)) == 0


def _address(namespace: str, part: str) -> str:
    """An abstract address has at most 107 bytes, a namespace may have more."""
    where = hashlib.sha256(f"{domain_id()} {absolute(namespace, part)}".encode()).hexdigest()[:32]
    return f"\0myoprosthesis stop {where}"


def _trusted(peer: socket.socket) -> bool:
    """Whether the process at the other end is this user's or root's."""
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", credentials)[1] in (0, os.getuid())

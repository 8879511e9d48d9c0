"""A hand on a network as a port: what the process that owns a hand's port needs of a serial port, over TCP.

The standard library only, as in `port_server`.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import struct
import termios

CONNECT_S = 0.5
"""How long connecting may take: meanwhile nothing else is done for the hand, which is out of reach anyway."""
STUCK_MS = 300
"""Bytes that the hand does not confirm within this time are lost, and so is the connection: a late target is stale."""


class TcpPort:
    """A connection that never waits once it is made. Bytes are written to and read from its `fileno`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), CONNECT_S)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_MS)
        self.baudrate = 0

    def fileno(self) -> int:
        """The file to write to and read from."""
        return self._socket.fileno()

    @property
    def out_waiting(self) -> int:
        """Bytes that the hand has not confirmed."""
        waiting = array.array("i", [0])
        fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, waiting)
        return int(waiting[0])

    def reset_input_buffer(self) -> None:
        """Drop what has come."""
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(4096):
                pass

    def close(self) -> None:
        """Close the connection; what the hand has not confirmed is dropped."""
        with contextlib.suppress(OSError):
            if self.out_waiting:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

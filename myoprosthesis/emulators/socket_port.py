"""TCP server for one client in place of a hand on a network, plugged in and unplugged on demand."""

from __future__ import annotations

import contextlib
import socket

from myoprosthesis.core.errors import ConfigError


class SocketPort:
    """TCP port with the interface of `PtyPort`.

    `path` is `host:port`, `master` the connection of the client, −1 while there is none.
    """

    def __init__(self, host: str, port: int) -> None:
        """Plug in at `port`; 0: a free one."""
        self._host, self._port = host, port
        self._server: socket.socket | None = None
        self._client: socket.socket | None = None
        self.plug()

    @property
    def path(self) -> str:
        """Address that clients connect to."""
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    @property
    def master(self) -> int:
        """File descriptor of the connection; −1 while there is none."""
        if self._client is None and self._server is not None:
            with contextlib.suppress(OSError):  # no client waits
                self._client, _ = self._server.accept()
                self._client.setblocking(False)
                self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._client.fileno() if self._client is not None else -1

    def hang_up(self) -> None:
        """Close the connection of the client."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def plug(self) -> None:
        """Put the hand on the network; does nothing while it is there."""
        if self._server is not None:
            return
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._server = socket.create_server((self._host, self._port), family=family, backlog=1)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be served: {error.strerror or error}") from error
        self._server.setblocking(False)
        self._port = self._server.getsockname()[1]

    def unplug(self) -> None:
        """Take the hand off the network."""
        self.hang_up()
        server, self._server = self._server, None
        if server is not None:
            server.close()

    close = unplug

"""Serves the page and its sockets from a thread of its own; no browser is ever waited for."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from myoprosthesis.console.access import Tokens, host_allowed, hosts, is_local, origin_allowed
from myoprosthesis.console.page_files import POLICY, page_files
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.message import read_object

PORTS = 20
"""How many ports are tried, from the one that is asked for on."""
TOKEN_S = 5.0
"""How long a browser may take to show its token."""
LONGEST = 8192
"""Bytes of a message from a browser."""
MOST_BROWSERS = 16
MOST_TEXTS = 256
"""Messages that may wait for one browser, beside the newest frame."""
A_SECOND = 40
"""Messages that one browser may send within a second."""
REFUSED, OVERRUN, FULL = 4401, 4429, 4503
"""Codes with which a socket is closed: no valid token, too many messages, too many browsers."""


@dataclass(eq=False)
class Browser:
    """One open page: its role, what waits to be sent to it, and how many frames it did not take in time."""

    role: str
    local: bool = True
    """Whether it runs on this machine."""
    texts: deque[str | bytes] = field(default_factory=lambda: deque(maxlen=MOST_TEXTS))
    frame: bytes | None = None
    dropped: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def put_frame(self, frame: bytes) -> None:
        """Send this frame next; one that still waits is dropped."""
        self.dropped += self.frame is not None
        self.frame = frame
        self.wake.set()

    def put(self, message: str | bytes) -> None:
        """Send a message after those that wait."""
        self.texts.append(message)
        self.wake.set()


Received = Callable[[Browser, dict[str, Any]], None]


class ConsoleServer:
    """The page on one port, HTTP and sockets.

    Args:
        port: The first port that is tried.
        network: Whether other machines are answered; otherwise this one alone.
        tokens: Those of the two roles.
        received: Called in the server's thread with a browser and a message of its; it must return at once.
        joined: The same, with a browser whose token was right.
        counted: The same, with the number of browsers whenever it changes.

    Raises:
        ConfigError: None of the ports is free.
    """

    def __init__(
        self,
        port: int,
        network: bool,
        tokens: Tokens,
        received: Received,
        joined: Callable[[Browser], None],
        counted: Callable[[int], None],
    ) -> None:
        self._network, self._received, self._joined, self._counted = network, received, joined, counted
        self._socket = _listening("0.0.0.0" if network else "127.0.0.1", port)
        self.port = int(self._socket.getsockname()[1])
        self.tokens = replace(tokens, port=self.port)
        self._hosts = hosts(network)
        self._browsers: set[Browser] = set()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="console server", daemon=True)
        page_files()
        self._thread.start()

    @property
    def address(self) -> str:
        """The page for the role that steers; the token stands after the #, which no browser sends or logs."""
        return f"http://{self._host}:{self.port}/#{self.tokens.steer}"

    @property
    def look_path(self) -> str:
        """The same for the role that only looks, without the machine."""
        return f"/#{self.tokens.look}"

    @property
    def _host(self) -> str:
        return socket.gethostname() if self._network else "127.0.0.1"

    def broadcast(self, frame: bytes) -> None:
        """Send a frame to every browser that has taken the one before; from any thread."""

        def put() -> None:
            for browser in self._browsers:
                browser.put_frame(frame)

        self._call(put)

    def tell(self, message: str | bytes, to: Browser | None = None) -> None:
        """Send a message to one browser or to all of them; from any thread."""

        def put() -> None:
            for browser in self._browsers:
                if to is None or browser is to:
                    browser.put(message)

        self._call(put)

    def close(self) -> None:
        """End every socket; safe to call twice."""
        self._call(self._end.set)
        self._thread.join(3.0)

    def _call(self, work: Callable[[], Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(work)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        silent = logging.Logger("console", logging.CRITICAL + 1)
        async with serve(
            self._handle, sock=self._socket, process_request=self._request, compression=None, server_header=None,
            max_size=LONGEST, max_queue=8, write_limit=65536, open_timeout=5, close_timeout=1, ping_interval=10,
            ping_timeout=20, logger=silent,
        ):  # fmt: skip
            await self._end.wait()

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        """A file of the page, or None where a socket may be opened."""
        headers = request.headers
        named = headers.get_all("Host")
        host = named[0] if len(named) == 1 else ""
        if not host_allowed(host, self.port, self._hosts, self._network):
            return connection.respond(HTTPStatus.FORBIDDEN, "this server has another name\n")
        if "upgrade" in ",".join(headers.get_all("Connection")).lower():
            if request.path != "/socket" or not origin_allowed(headers.get_all("Origin"), host):
                return connection.respond(HTTPStatus.FORBIDDEN, "a page of another server may not open this socket\n")
            return None
        return _file(request.path.partition("?")[0], "gzip" in ",".join(headers.get_all("Accept-Encoding"))) or (
            connection.respond(HTTPStatus.NOT_FOUND, "there is no such file\n")
        )

    async def _handle(self, connection: ServerConnection) -> None:
        """One socket, from its token to its end."""
        role = await self._role(connection)
        if not role:
            await connection.close(
                REFUSED, "the token in the address is not valid: open the address that was printed last"
            )
            return
        if len(self._browsers) >= MOST_BROWSERS:
            await connection.close(FULL, f"{MOST_BROWSERS} pages are open already")
            return
        browser = Browser(role, is_local(str((connection.remote_address or ("",))[0])))
        self._browsers.add(browser)
        sending = asyncio.create_task(_send(connection, browser))
        self._counted(len(self._browsers))
        self._joined(browser)
        try:
            await self._receive(connection, browser)
        except ConnectionClosed:
            pass
        finally:
            self._browsers.discard(browser)
            self._counted(len(self._browsers))
            sending.cancel()

    async def _role(self, connection: ServerConnection) -> str:
        try:
            first = await asyncio.wait_for(connection.recv(), TOKEN_S)
            return self.tokens.role(_read(first).get("token"))
        except (TimeoutError, asyncio.TimeoutError, ConnectionClosed, MyoError):
            return ""

    async def _receive(self, connection: ServerConnection, browser: Browser) -> None:
        times: deque[float] = deque([float("-inf")] * A_SECOND, A_SECOND)
        async for message in connection:
            now = time.monotonic()
            if now - times[0] < 1.0:
                await connection.close(OVERRUN, f"more than {A_SECOND} messages within a second")
                return
            times.append(now)
            try:
                self._received(browser, _read(message))
            except MyoError as error:
                browser.put(json.dumps({"kind": "answer", "id": None, "ok": False, "text": str(error)}))


def _read(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise ConfigError("a message from a browser is text")
    return read_object(message, "a message from a browser", LONGEST)


async def _send(connection: ServerConnection, browser: Browser) -> None:
    """Send what waits for a browser, as fast as it takes it."""
    with suppress(ConnectionClosed):
        while True:
            await browser.wake.wait()
            browser.wake.clear()
            while browser.texts or browser.frame is not None:
                if browser.texts:
                    await connection.send(browser.texts.popleft())
                else:
                    frame, browser.frame = browser.frame, None
                    await connection.send(frame or b"")


def _listening(host: str, port: int) -> socket.socket:
    for candidate in range(port, port + PORTS):
        try:
            return socket.create_server((host, candidate))
        except OverflowError:
            break
        except OSError as error:
            why = error.strerror
    raise ConfigError(f"none of the ports {port} to {port + PORTS - 1} can be served: {why}; name another one")


def _file(path: str, zipped: bool) -> Response | None:
    file = page_files().get(path)
    if file is None:
        return None
    body = file.packed if zipped else file.plain
    headers = Headers(
        {
            "Content-Type": file.type,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-cache",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
            **({"Content-Encoding": "gzip"} if zipped else {}),
        }
    )
    return Response(HTTPStatus.OK, "OK", headers, body)

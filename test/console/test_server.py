"""The server alone: whom it listens to, and ports that are taken."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from myoprosthesis.console.access import Tokens
from myoprosthesis.console.server import PORTS, Browser, ConsoleServer
from myoprosthesis.core.errors import ConfigError

TOKENS = Tokens("s" * 32, "l" * 32)


@pytest.fixture
def serve() -> Iterator[Any]:
    made: list[ConsoleServer] = []

    def begin(port: int, network: bool = False) -> tuple[ConsoleServer, list[Browser], threading.Event]:
        joined: list[Browser] = []
        come = threading.Event()
        took = lambda browser: (joined.append(browser), come.set())  # noqa: E731
        made.append(ConsoleServer(port, network, TOKENS, lambda b, d: None, took, lambda n: None))
        return made[-1], joined, come

    yield begin
    for server in made:
        server.close()


def own_address() -> str:
    """Of this machine on a network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine is on no network")
        return str(probe.getsockname()[0])


def test_a_port_that_is_taken_is_passed_over_and_none_is_an_error(serve):
    first, _, _ = serve(18770)
    second, _, _ = serve(first.port)
    assert first.port < second.port < first.port + PORTS
    with pytest.raises(ConfigError, match="none of the ports 65535 to"):
        taken = socket.create_server(("127.0.0.1", 65535))
        try:
            serve(65535)
        finally:
            taken.close()


def test_another_machine_is_answered_only_where_the_network_is_open_and_is_known_as_such(serve):
    address = own_address()
    local, _, _ = serve(18800)
    with pytest.raises(OSError):
        socket.create_connection((address, local.port), 2.0)
    open_, joined, come = serve(18830, network=True)
    for host in ("127.0.0.1", address):
        with connect(f"ws://{host}:{open_.port}/socket") as page:
            page.send(json.dumps({"token": TOKENS.steer}))
            assert come.wait(10.0)
            come.clear()
    assert [browser.local for browser in joined] == [True, False]


def test_its_address_has_the_token_behind_the_mark_that_browsers_keep(serve):
    server, _, _ = serve(18860)
    assert server.address == f"http://127.0.0.1:{server.port}/#{TOKENS.steer}"
    assert server.look_path == f"/#{TOKENS.look}"

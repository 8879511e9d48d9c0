"""A stack with its console, and what opens it: sockets, and a browser where there is one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from .chromium import PATIENCE_S, Chromium, executable

NS = "shown"


class Console:
    """The console of a stack, by its address."""

    def __init__(self, stack: Any, address: str) -> None:
        self.stack, self.address = stack, address
        self.host, self.token = re.fullmatch(r"http://([^/]+)/#(\S+)", address).groups()  # type: ignore[union-attr]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A file: status, headers, body."""
        from urllib.error import HTTPError

        try:
            with urlopen(Request(f"http://{self.host}{path}", headers=headers)) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def socket(self, token: str | None = None, **more: Any) -> Page:
        return Page(
            connect(f"ws://{self.host}/socket", max_size=None, compression=None, close_timeout=1, **more).__enter__(),
            token or self.token,
        )


class Page:
    """A socket as a page has it."""

    def __init__(self, socket: ClientConnection, token: str) -> None:
        self.socket, self.number = socket, 0
        self.frames: list[bytes] = []
        self.texts: list[dict[str, Any]] = []
        self.meshes = b""
        socket.send(json.dumps({"token": token}))

    def receive(self, seconds: float = PATIENCE_S) -> None:
        message = self.socket.recv(seconds)
        if isinstance(message, str):
            self.texts.append(json.loads(message))
        elif message[0] == 2:
            self.meshes = message[4:]
        else:
            self.frames.append(message)

    def until(self, done: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE_S
        while not (result := done()):
            assert time.monotonic() < end, self.texts[-3:]
            self.receive()
        return result

    def newest(self, kind: str) -> dict[str, Any]:
        return self.until(lambda: next((t for t in reversed(self.texts) if t["kind"] == kind), None))

    def ask(self, name: str, **options: Any) -> tuple[bool, str]:
        self.number += 1
        self.socket.send(json.dumps({"do": name, "id": self.number, **options}))
        is_it = lambda t: t["kind"] == "answer" and t["id"] == self.number  # noqa: E731
        answer = self.until(lambda: next(filter(is_it, self.texts), None))
        return answer["ok"], answer["text"]

    def close(self) -> None:
        self.socket.close()


def address_in(words: list[str]) -> str:
    """The newest address that a console printed."""
    return next((m[0] for w in reversed(words) if (m := re.search(r"http://\S+#\S+", w))), "")


@pytest.fixture(scope="module")
def console(start: Any) -> Iterator[Console]:
    stack = start(effector="arm26", namespace=NS, gui=True, seed=3)
    assert stack.until(lambda: address_in(stack.words)), stack.words
    yield Console(stack.ready(), address_in(stack.words))
    stack.close()


@pytest.fixture
def page(console: Console) -> Iterator[Page]:
    made = console.socket()
    yield made
    made.close()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if not executable():
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    made = Chromium(Path(tmp_path_factory.mktemp("chromium")))
    yield made
    made.close()

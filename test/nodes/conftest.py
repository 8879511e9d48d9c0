"""What tests of the loops' subscriptions share: a node without an executor, and a wait for what it is to receive."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rclpy.node import Node


@pytest.fixture
def node(domain: int) -> Iterator[Node]:
    rclpy.init(args=[])
    made = Node("sided")
    yield made
    made.destroy_node()
    rclpy.try_shutdown()


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Look again and again, until what a function returns is true; that."""

    def wait(done: Callable[[], Any], seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while not (result := done()):
            assert time.monotonic() < end
            time.sleep(0.01)
        return result

    return wait


@pytest.fixture(scope="session")
def collected(until: Callable[..., Any]) -> Callable[..., list[Any]]:
    """The first `n` things that `ask` returns after waits of a port or of subscriptions, however many it takes."""

    def collect(waiting: Any, ask: Callable[[], Any], n: int = 1) -> list[Any]:
        out: list[Any] = []

        def look() -> bool:
            waiting.wait(0.1)
            out.extend(ask())
            return len(out) >= n

        until(look)
        return out

    return collect

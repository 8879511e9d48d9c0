"""Queue of requests for a bus on which one request is under way at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

REPLY_CALLS = 3
"""Calls of `next` after which a request without a reply is given up."""


class RequestQueue:
    """Gives out requests one by one, each when the one before was answered or given up."""

    def __init__(self) -> None:
        self._first: deque[bytes] = deque()
        self._index = 0
        self._calls_left = 0

    def put_first(self, *requests: bytes) -> None:
        """Send these before all others, each once."""
        self._first = deque(requests)

    def on_reply(self) -> None:
        """The request under way was answered."""
        self._calls_left = 0

    def next(self, cycle: Sequence[bytes]) -> bytes:
        """The next request of a cycle; empty while a reply is awaited."""
        if self._calls_left > 0:
            self._calls_left -= 1
            return b""
        self._calls_left = REPLY_CALLS - 1
        if self._first:
            return self._first.popleft()
        self._index = (self._index + 1) % len(cycle)
        return cycle[self._index]

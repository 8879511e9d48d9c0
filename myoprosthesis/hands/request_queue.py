"""Whose turn it is on a bus where one request is under way at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

PATIENCE = 3
"""Calls that wait for the reply to a request before it is given up."""


class RequestQueue:
    """Requests in turn, each when the one before was answered or given up."""

    def __init__(self) -> None:
        self._first: deque[bytes] = deque()
        self._turn = 0
        self._wait = 0

    def begin(self, *requests: bytes) -> None:
        """These come before all others, each once."""
        self._first = deque(requests)

    def answered(self) -> None:
        """A reply has come."""
        self._wait = 0

    def next(self, cycle: Sequence[bytes]) -> bytes:
        """The next request of a cycle; nothing while a reply is awaited."""
        if self._wait > 0:
            self._wait -= 1
            return b""
        self._wait = PATIENCE - 1
        if self._first:
            return self._first.popleft()
        self._turn = (self._turn + 1) % len(cycle)
        return cycle[self._turn]

"""Parts of a recording that are read while those before them are played."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")
AHEAD = 3
"""Items that are made in advance: the last part of a file may be over before the next one's head is understood."""


class ReadAhead(Generic[T]):
    """The items of a generator, made in another thread while those before them are used.

    The head of a text file takes some 30 ms to be understood, for which no sample would come.
    """

    def __init__(self, items: Generator[T, None, None]) -> None:
        self._items = items
        self._reader = ThreadPoolExecutor(1, "recording")
        self._coming = deque(self._reader.submit(next, items, None) for _ in range(AHEAD))

    def take(self) -> T | None:
        """The next item, waited for if need be; None after the last. Raises what making it has raised."""
        item = self._coming.popleft().result()
        self._coming.append(self._reader.submit(next, self._items, None))
        return item

    def close(self) -> None:
        """Let the thread end, and close the generator, once the item that it makes is done."""
        while self._coming:
            self._coming.pop().cancel()
        self._reader.submit(self._items.close)
        self._reader.shutdown(wait=False)

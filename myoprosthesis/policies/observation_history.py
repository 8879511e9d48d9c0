"""The newest observations, which a controller that is to be switched to replays."""

from __future__ import annotations

from collections import deque
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.moment import Moment
from myoprosthesis.core.nanoseconds import ns

Array = NDArray[np.float64]


class ObservationHistory:
    """The newest tables, for as long as they stand for `memory_s` together."""

    def __init__(self, memory_s: float) -> None:
        self._memory_ns, self._length_ns = ns(memory_s), 0
        self._tables: deque[tuple[Array, Moment]] = deque()

    def __len__(self) -> int:
        return len(self._tables)

    def append(self, table: Array, moment: Moment) -> None:
        """Keep a table, and drop the oldest that are no longer needed."""
        self._tables.append((table, moment))
        self._length_ns += ns(moment.seconds)
        while len(self._tables) > 1 and self._length_ns - ns(self._tables[0][1].seconds) >= self._memory_ns:
            self._length_ns -= ns(self._tables.popleft()[1].seconds)

    def after(self, first: int, most: int | None = None) -> list[tuple[Array, Moment]]:
        """At most `most` tables with their moments, from index `first` on."""
        return list(islice(self._tables, first, None if most is None else first + most))

    def clear(self) -> None:
        """Drop all."""
        self._tables.clear()
        self._length_ns = 0

"""What was observed last, for a policy that is to be played from now on."""

from __future__ import annotations

from collections import deque
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.moment import Moment

Array = NDArray[np.float64]


class ObservationHistory:
    """The newest tables, as many as stand for so many seconds, however long each of them is."""

    def __init__(self, memory_s: float) -> None:
        self._memory_ns, self._held_ns = round(memory_s * 1e9), 0
        self._tables: deque[tuple[Array, Moment]] = deque()

    def __len__(self) -> int:
        return len(self._tables)

    def append(self, table: Array, moment: Moment) -> None:
        """Keep a table of this moment."""
        self._tables.append((table, moment))
        self._held_ns += _ns(moment)
        while len(self._tables) > 1 and self._held_ns - _ns(self._tables[0][1]) >= self._memory_ns:
            self._held_ns -= _ns(self._tables.popleft()[1])

    def after(self, first: int, most: int | None = None) -> list[tuple[Array, Moment]]:
        """Tables from the place `first` on with their moments, at most so many."""
        return list(islice(self._tables, first, None if most is None else first + most))

    def clear(self) -> None:
        """Forget all."""
        self._tables.clear()
        self._held_ns = 0


def _ns(moment: Moment) -> int:
    return round(moment.seconds * 1e9)

"""Features of the newest windows of a decoder that is used."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class FeatureLog:
    """Keeps the newest `most` windows; written by one thread, read by another."""

    def __init__(self, most: int) -> None:
        self._rows: deque[Array] = deque(maxlen=most)
        self._fresh = 0
        self._lock = threading.Lock()

    def add(self, rows: Array) -> None:
        """Windows that follow, shape (n, n_features); those of electrodes that are off, not finite, are left out."""
        sound = rows[np.isfinite(rows).all(axis=1)]
        with self._lock:
            self._rows.extend(sound)
            self._fresh += len(sound)

    def clear(self) -> None:
        """Forget all: another decoder, with features of its own, is used from here on."""
        with self._lock:
            self._rows.clear()
            self._fresh = 0

    def take(self) -> tuple[Array, int]:
        """All windows, shape (n, n_features), oldest first, and how many of them came since the last call."""
        with self._lock:
            rows, fresh = list(self._rows), min(self._fresh, len(self._rows))
            self._fresh = 0
        return (np.array(rows) if rows else np.zeros((0, 0))), fresh

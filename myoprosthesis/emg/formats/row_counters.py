"""Counters of rows beside the EMG of a text table, which tell of rows that are not there."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.text import counted

FEWEST = 20
"""Rows at least by which a column is known to count."""
SHARE = 0.8
"""Part of the steps that is the same at least: a counter of three bits goes back after every eighth row."""
FEWEST_TURNS = 4
"""So often a counter goes back to its beginning before that is known to be its way, unless it has so many bits."""


def step_of(values: ArrayLike) -> int:
    """By how much a column (n,) of whole numbers goes up with every row, but where it begins again; 0: it does not."""
    x = np.asarray(values, float)
    if len(x) < FEWEST or not np.isfinite(x).all() or (x != np.round(x)).any():
        return 0
    steps = np.diff(x)
    usual = float(np.median(steps))
    return int(usual) if usual >= 1 and (steps == usual).mean() >= SHARE else 0


class RowCounter:
    """Follows one counter through the parts of a file.

    Rows that are missing and whose time is in the file's own times are gaps there, and are left to them.
    """

    def __init__(self, name: str, step: int) -> None:
        self._name, self._step = name, step
        self._before: tuple[float, float] | None = None
        self._places = 0
        self._ahead = 0
        self._back: Counter[tuple[float, float, float]] = Counter()
        self._smallest, self._largest = np.inf, -np.inf

    def add(self, values: NDArray[np.float64], periods: NDArray[np.float64] | None = None) -> None:
        """The next values (n,), and where the file has times of its own, those in sampling periods (n,).

        A value that is no number is passed over."""
        there = np.isfinite(values)
        x = values[there]
        t = np.full(len(x), np.nan) if periods is None else periods[there]
        if not len(x):
            return
        if self._before is not None:
            x, t = np.append(self._before[0], x), np.append(self._before[1], t)
        steps, passed = np.diff(x), np.diff(t)
        skipped = steps / self._step - 1
        jumps = np.flatnonzero((steps > self._step) & ~(passed > 1 + skipped / 2))
        self._places += len(jumps)
        self._ahead += int(skipped[jumps].round().sum())
        back = np.flatnonzero(steps <= 0)
        self._back.update((float(x[k]), float(x[k + 1]), float(np.nan_to_num(passed[k])) // 1) for k in back)
        self._before = float(x[-1]), float(t[-1])
        self._smallest, self._largest = min(self._smallest, float(x.min())), max(self._largest, float(x.max()))

    def remarks(self) -> list[str]:
        """Of the whole file: a sentence on rows that are missing by the count, and one on where it goes back early."""
        places, missing, again = self._places, self._ahead, 0
        turn, back = self._largest - self._smallest + self._step, sum(self._back.values())
        ends = self._largest, self._smallest
        whole = sum(n for (last, first, _), n in self._back.items() if (last, first) == ends)
        turns = self._largest > self._smallest and (
            float(np.log2(turn)).is_integer() or (back >= FEWEST_TURNS and 2 * whole >= back)
        )
        for (last, first, passed), n in self._back.items():
            skipped = round((first - last) % turn / self._step) - 1
            if not turns or first == last or 4 * skipped * self._step > turn:
                again += n
            elif skipped and not passed > 1 + skipped / 2:
                places, missing = places + n, missing + n * skipped
        out = []
        if missing:
            out.append(
                f"by {self._name!r} {counted(missing, 'row')} {'are' if missing > 1 else 'is'} missing at "
                f"{counted(places, 'place')}: times and labels behind them are early, since none of it is in the times"
            )
        if again:
            out.append(
                f"{self._name!r} goes back or stands still {counted(again, 'time')}: rows twice, or parts joined?"
            )
        return out

"""Labels and targets of a table that have times and a rate of their own, slower than the EMG's: held at its times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
SAME = 1e-3
"""By how much, as a share, steps differ that are one."""
LATE = 1.5
"""Steps after its last time at which a column has no value any more."""


class HeldColumn:
    """One column, of which the rows so far are known: each value holds from its time to the next one's.

    Its rows are further on in time than those of the EMG beside them, since it is slower, so that a file is read once
    from its beginning to its end.
    """

    def __init__(self, path: Path, name: str, step_s: float, emg_step_s: float) -> None:
        """Raises `ConfigError` for a column that is faster than the EMG, whose values are further on in the file."""
        if step_s < (1 - SAME) * emg_step_s:
            raise ConfigError(
                f"{path}: {name!r} has times of its own, {1 / step_s:.6g} Hz, faster than the EMG's "
                f"{1 / emg_step_s:.6g} Hz: write it at the rate of the EMG"
            )
        self.remark = (
            f"{name!r}: of another rate than the EMG, {1 / step_s:.6g} Hz, each value is held until the next one"
        )
        self._step = step_s
        self._times: Array = np.zeros(0)
        self._values: NDArray[Any] = np.zeros(0, object)
        self._ended = False

    def at(self, times: Array, own_times: Array, values: NDArray[Any]) -> NDArray[Any]:
        """Values (n,) at the EMG's `times` (n,), s, once the next rows are known; None where there is none.

        `own_times` (n,) and `values` (n,) are of these rows: NaN, or back at 0, where the column has ended.
        """
        there = np.isfinite(own_times)
        last = self._times[-1] if len(self._times) else -np.inf
        rising = np.maximum.accumulate(np.concatenate([[last], np.where(there, own_times, -np.inf)]))[:-1]
        whole = there & (own_times > rising)
        if self._ended:
            whole[:] = False
        elif not whole.all():
            self._ended = True
            whole[int(np.argmin(whole)) :] = False
        self._times = np.concatenate([self._times, own_times[whole]])
        self._values = np.concatenate([self._values, np.asarray(values, object)[whole]])
        place = np.searchsorted(self._times, times + SAME * self._step, "right") - 1
        out = np.full(len(times), None, object)
        known = place >= 0
        known[known] &= times[known] < self._times[place[known]] + LATE * self._step
        out[known] = self._values[place[known]]
        kept = max(0, int(place[-1])) if len(place) else 0
        self._times, self._values = self._times[kept:], self._values[kept:]
        return out

"""One recorded movement, and the same at equal steps of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecordedMovement:
    """What was recorded of one trial; samples by time. Arrays of what was not recorded are empty, (0, 0)."""

    plan: TrialPlan
    time: Array
    """(n,) s from the go signal (from the trial's start when there was none)."""
    wall: Array
    """(n,) s, when the state was received, by the clock of the machine."""
    position: Array
    """(n, 2) m."""
    velocity: Array
    """(n, 2) m/s."""
    load: Array
    """(n, 2) N, that the field (or the channel) exerted on the endpoint."""
    activation: Array
    """(n, n_muscles) 0 to 1."""
    hidden_time: Array
    """(m,) s from the go signal."""
    hidden: Array
    """(m, n_units) state of the network."""
    command_time: Array
    """(k,) s from the go signal: the stamp of the state that a command answers."""
    command_wall: Array
    """(k,) s."""
    expected: int
    """Samples that the trial's length and the effector's period make."""

    def __len__(self) -> int:
        return len(self.time)

    @property
    def start(self) -> Array:
        """(2,) m."""
        return np.array(self.plan.start[:2])

    @property
    def target(self) -> Array:
        """(2,) m."""
        return np.array(self.plan.target[:2])

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """(n,) ns, the stamps of the states."""
        zero = self.plan.from_ns if self.plan.go_ns is None else self.plan.go_ns
        return zero + np.round(self.time * NS).astype(np.int64)


def at(times: Array, time: Array, values: Array) -> Array:
    """(len(times), n) values (n_samples, n) at `times`, linearly between samples and flat beyond the ends."""
    if not len(time) or values.shape[1] == 0:
        return np.zeros((len(times), values.shape[1]))
    place = np.clip(np.interp(times, time, np.arange(len(time), dtype=float)), 0, len(time) - 1)
    low = place.astype(int)
    high = np.minimum(low + 1, len(time) - 1)
    part = (place - low)[:, None]
    return np.asarray(values[low] * (1 - part) + values[high] * part)

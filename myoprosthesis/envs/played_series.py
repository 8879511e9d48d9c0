"""What is recorded of trials that are played in an environment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = Sequence[tuple[str, str]]
"""Pairs of channel and field, `position` or `velocity`."""


class PlayedSeries:
    """Commands, states and hidden states of every trial, period by period; the state is the one that is observed."""

    def __init__(self, channels: Columns = ()) -> None:
        """`channels` of the state to be recorded."""
        self.channels = tuple(channels)
        self._rows: list[tuple[NDArray[np.bool_], Array, Array, NDArray[np.float32]]] = []

    def add(self, running: NDArray[np.bool_], states: Array, commands: Array, hidden: NDArray[np.float32]) -> None:
        """One period: the trials that run, (n_trials,); their states, commands and hidden states, (n_trials, n)."""
        self._rows.append((running.copy(), states.copy(), commands.copy(), hidden.copy()))

    def lengths(self) -> NDArray[np.intp]:
        """(n_trials,) periods of each trial."""
        return np.sum([row[0] for row in self._rows], axis=0)

    def commands(self) -> list[Array]:
        """Of each trial (n_periods, n_command), in the effector's order, before they were changed on purpose."""
        return self._trials(2)

    def hidden(self) -> list[Array]:
        """Of each trial (n_periods, n_units)."""
        return self._trials(3)

    def states(self, *channels: tuple[str, str]) -> list[Array]:
        """Of each trial (n_periods, n_channels); all channels where none is named."""
        where = [self.channels.index(channel) for channel in channels or self.channels]
        return [trial[:, where] for trial in self._trials(1)]

    def _trials(self, part: int) -> list[Array]:
        values = np.array([row[part] for row in self._rows], float)
        return [values[:n, i] for i, n in enumerate(self.lengths())]

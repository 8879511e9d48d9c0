"""States that the policy came to, from which later episodes may begin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class ReachedStates:
    """The last states of each simulation by stage; each simulation begins in its own only.

    So the result does not depend on how simulations are shared among collectors.
    """

    def __init__(self, simulations: int, stages: int, capacity: int = 8) -> None:
        self.capacity = capacity
        self.count = np.zeros((stages, simulations), np.intp)
        """States kept so far of each stage and simulation, those that were replaced included."""
        self._states: Array | None = None

    def keep(self, ids: NDArray[np.intp], stages: NDArray[np.intp], states: Array) -> None:
        """Keep `states` (len(ids), k), the oldest of the same simulation and stage going for each."""
        if self._states is None:
            self._states = np.zeros((*self.count.shape, self.capacity, states.shape[1]), states.dtype)
        self._states[stages, ids, self.count[stages, ids] % self.capacity] = states
        self.count[stages, ids] += 1

    def draw(self, simulation: int, stage: int, share: float) -> Array | None:
        """The state at `share` (0 … 1) of those kept; None where there is none yet."""
        count = min(self.capacity, int(self.count[stage, simulation]))
        if count == 0 or self._states is None:
            return None
        state: Array = self._states[stage, simulation, int(share * count)]
        return state

    def state(self) -> dict[str, Any]:
        """Arrays for a checkpoint."""
        return {"count": self.count.copy(), "states": None if self._states is None else self._states.copy()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.count = state["count"].copy()
        self._states = None if state["states"] is None else state["states"].copy()

"""Weaker muscles: the active force of each scaled in a model."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class MuscleStrength:
    """Scales F0 of muscles, or MuJoCo's `scale` where F0 is derived from it."""

    def __init__(self, model: mujoco.MjModel, muscles: NDArray[np.intp]) -> None:
        """`muscles` are the actuators, in the model as it was compiled."""
        self._muscles = muscles
        self._columns = np.where(model.actuator_gainprm[muscles, 2] > 0, 2, 3)
        self._own: Array = model.actuator_gainprm[muscles, self._columns].copy()

    def put(self, gains: Array, strength: Array) -> None:
        """Write into `actuator_gainprm` of a model; `strength` (n_muscles,) from 0 to 1."""
        gains[self._muscles, self._columns] = self._own * strength

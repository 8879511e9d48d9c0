"""Forces on parts of a body that stands free, and loads that they carry."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import Disturbance

Array = NDArray[np.float64]


class BodyLoads:
    """The parts of a floating body that can be pushed and loaded; none of a body that is fixed to the world."""

    def __init__(self, model: mujoco.MjModel, floating: bool, objects: list[int]) -> None:
        """`objects` are the numbers of bodies that are objects of the scene."""
        moving = range(1, model.nbody) if floating else range(0)
        ids = [b for b in moving if model.body(b).name and model.body_mass[b] > 0 and b not in objects]
        self.names = tuple(model.body(b).name for b in ids)
        self._model, self.ids = model, np.array(ids, np.intp)
        """(n,) the numbers of the parts in the model."""
        self._own = model.body_mass[self.ids].copy()
        self._carried = np.zeros(len(ids))
        self._constants = mujoco.MjData(model) if ids else None
        """For `mj_setConst`, which computes in it."""

    def disturb(self, data: mujoco.MjData, disturbance: Disturbance) -> bool:
        """Forces at the centres of mass (N, along the axes of the world) and loads (kg) for the next period.

        MuJoCo evaluates the forces where the body is in each step. Whether the model has changed."""
        if self._constants is None:
            return False
        force, load = disturbance.body_force, disturbance.body_load
        if force is not None:
            data.xfrc_applied[self.ids, :3] = force
        return self._carry(np.zeros_like(self._carried) if load is None else load)

    def release(self, data: mujoco.MjData) -> None:
        """No force; the loads stay until the next period."""
        if self._constants is not None:
            data.xfrc_applied[self.ids] = 0.0

    def reset(self) -> None:
        """Nothing is carried."""
        self._carry(np.zeros_like(self._carried))

    def state(self) -> Array:
        """The loads; see `restore`."""
        return self._carried

    def restore(self, carried: Array) -> None:
        """Put in place what `state` returned."""
        self._carry(carried)

    def _carry(self, load: Array) -> bool:
        if self._constants is None or np.array_equal(load, self._carried):
            return False
        self._carried = np.array(load, float)
        self._model.body_mass[self.ids] = self._own + self._carried
        strength = self._model.actuator_acc0.copy()  # by which some muscles are scaled: they stay as they are
        mujoco.mj_setConst(self._model, self._constants)
        self._model.actuator_acc0[:] = strength
        return True

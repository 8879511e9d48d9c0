"""The free objects of a scene as they are now: their properties, their mass, and the forces on them."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.effectors.object_properties import FIELDS, UNITS, ObjectProperties, heavier

Array = NDArray[np.float64]


class SceneObjects:
    """Keeps what a model's objects are made of, and writes changes of it into the model."""

    def __init__(self, model: mujoco.MjModel, properties: ObjectProperties, dofs: NDArray[np.intp]) -> None:
        """`dofs` (n_objects, 3) are the degrees of freedom along x, y and z of each object."""
        self._model, self._kinds, self._dofs = model, properties, dofs
        self._properties, self._mass = properties.own.copy(), np.ones(len(dofs))
        self._fields: dict[str, Array] = {name: getattr(model, name) for name in FIELDS}
        self._constants = mujoco.MjData(model) if len(dofs) else None
        """For `mj_setConst`, which computes in it."""
        self.load = np.zeros((len(dofs), 3))
        """(n_objects, 3) N, of this period."""
        self.push = np.zeros(model.nv)
        """The same as generalised forces (nv,)."""

    def __bool__(self) -> bool:
        return self._constants is not None

    def reset(self, changes: dict[str, float]) -> None:
        """The properties of the model but for `changes`, the mass as it is, no force."""
        self._set(self._kinds.values(changes), np.ones_like(self._mass))
        self.load[:] = 0.0

    def disturb(self, disturbance: Disturbance) -> bool:
        """Forces and mass for the next period; whether the model has changed."""
        force, mass = disturbance.object_force, disturbance.object_mass
        self.load = np.zeros_like(self.load) if force is None else np.array(force, float)
        self.push[self._dofs] = self.load
        return self._set(self._properties, np.ones_like(self._mass) if mass is None else mass)

    def state(self) -> tuple[Array, Array, Array]:
        """Properties, mass and forces, each flat; see `restore`."""
        return self._properties.ravel(), self._mass, self.load.ravel()

    def restore(self, properties: Array, mass: Array, load: Array) -> None:
        """Put in place what `state` returned."""
        self._set(properties.reshape(-1, len(UNITS)), mass)
        self.load = load.reshape(-1, 3)

    def _set(self, properties: Array, mass: Array) -> bool:
        """Objects with these properties (n_objects, 5), of so many times their mass; whether that is a change."""
        same = np.array_equal(properties, self._properties) and np.array_equal(mass, self._mass)
        if same or self._constants is None:
            return False
        self._properties, self._mass = properties.copy(), mass.copy()
        self._kinds.put(self._fields, heavier(properties, mass))
        mujoco.mj_setConst(self._model, self._constants)
        return True

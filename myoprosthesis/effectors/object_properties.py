"""Radius, mass and friction of the objects of a scene, changed in a model that is compiled already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector import Initial
from myoprosthesis.core.errors import ConfigError, unknown

Array = NDArray[np.float64]
UNITS = {"radius": "m", "mass": "kg", "friction": "1", "torsional_friction": "m", "rolling_friction": "m"}
"""Units of the properties: `<object>/radius`, `<object>/mass`, … and the three kinds of friction as in MuJoCo."""
FIELDS = ("geom_size", "geom_aabb", "geom_friction", "body_mass", "body_inertia")
"""Arrays of a model that `put` writes; `mj_setConst` derives others from them."""
_RADIUS, _MASS, _FRICTION = 0, 1, slice(2, 5)


class ObjectProperties:
    """The properties of objects as rows (n_objects, 5) in the order of `UNITS`.

    Radius and friction are those of objects that are one sphere; others have a mass only, and 0 for the rest.
    """

    def __init__(self, model: mujoco.MjModel, names: Sequence[str], bodies: Sequence[int]) -> None:
        """`names` of the objects and their `bodies` in the model, as it was compiled."""
        self._names, self._bodies = tuple(names), [int(b) for b in bodies]
        self._geoms = [_sphere(model, body) for body in self._bodies]
        self.own: Array = np.zeros((len(names), len(UNITS)))
        """(n_objects, 5) as the model was compiled."""
        for row, body, geom in zip(self.own, self._bodies, self._geoms, strict=True):
            row[_MASS] = model.body_mass[body]
            if geom >= 0:
                row[_RADIUS], row[_FRICTION] = model.geom_size[geom, 0], model.geom_friction[geom]
        self._inertia: Array = model.body_inertia[self._bodies].copy()

    def is_property(self, name: str) -> bool:
        """Whether a name of a start is that of a property, such as `ball1/mass`."""
        thing, _, what = name.rpartition("/")
        return thing in self._names and what in UNITS

    def split(self, initial: Initial) -> tuple[Initial, dict[str, float]]:
        """The places of a start by channel, and the properties of objects in it by name."""
        changes = {name: value for name, value in initial.items() if self.is_property(name)}
        for name, value in changes.items():
            if isinstance(value, (tuple, list)):
                raise ConfigError(f"a start has {value} for {name}, which is one number and has no velocity")
        return {k: v for k, v in initial.items() if k not in changes}, changes  # type: ignore[return-value]

    def values(self, changes: Mapping[str, float]) -> Array:
        """(n_objects, 5) the model's own, but for `changes` by name; raises `ConfigError` for what cannot be."""
        values: Array = self.own.copy()
        for name, value in changes.items():
            thing, _, what = name.rpartition("/")
            row, column = self._names.index(thing), list(UNITS).index(what)
            if self._geoms[row] < 0 and column != _MASS:
                raise unknown("property of an object that is no sphere,", name, [f"{thing}/mass"])
            if not (np.isfinite(value) and (value >= 0 if "friction" in what else value > 0)):
                least = "0 or more" if "friction" in what else "above 0"
                raise ConfigError(f"a start has {value} {UNITS[what]} for {name}; it must be {least}")
            values[row, column] = value
        return values

    def put(self, fields: Mapping[str, Array], values: Array) -> None:
        """Write `values` (n_objects, 5) into the arrays of a model by name, `FIELDS`; then call `mj_setConst`.

        The inertia is that of a homogeneous body of this mass; where the model's own is larger than that of its
        sphere, as with `boundinertia`, no smaller one is written."""
        for k, (body, geom) in enumerate(zip(self._bodies, self._geoms, strict=True)):
            fields["body_mass"][body] = values[k, _MASS]
            fields["body_inertia"][body] = self._inertia_of(k, values[k])
            if geom >= 0:
                radius = values[k, _RADIUS]
                fields["geom_size"][geom, 0] = radius
                fields["geom_aabb"][geom] = (0.0, 0.0, 0.0, radius, radius, radius)
                fields["geom_friction"][geom] = values[k, _FRICTION]

    def _inertia_of(self, k: int, row: Array) -> Array:
        """(3,) kg·m², about the object's centre of mass."""
        own, inertia = self.own[k], self._inertia[k]
        if np.array_equal(row[:2], own[:2]):
            return np.asarray(inertia)
        if self._geoms[k] < 0:
            return np.asarray(inertia * (row[_MASS] / own[_MASS]))
        sphere, least = (0.4 * r[_MASS] * r[_RADIUS] ** 2 for r in (row, own))
        bounded = np.where(inertia > least * (1 + 1e-9), inertia, 0.0)
        return np.asarray(np.maximum(sphere, bounded))


def heavier(properties: Array, mass: Array) -> Array:
    """Properties (…, n_objects, 5) with so many times the mass."""
    values = properties.copy()
    values[..., _MASS] *= mass
    return np.asarray(values)


def _sphere(model: mujoco.MjModel, body: int) -> int:
    """The geom of a body that is one sphere about its own origin; −1 for any other."""
    first, count = int(model.body_geomadr[body]), int(model.body_geomnum[body])
    single = count == 1 and int(model.geom_type[first]) == mujoco.mjtGeom.mjGEOM_SPHERE
    return first if single and not model.geom_pos[first].any() else -1

"""A thing for a body to handle: a free body of one simple shape."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from myoprosthesis.core.errors import ConfigError, unknown

_SHAPES = {
    "sphere": (mujoco.mjtGeom.mjGEOM_SPHERE, 1),
    "box": (mujoco.mjtGeom.mjGEOM_BOX, 3),
    "cylinder": (mujoco.mjtGeom.mjGEOM_CYLINDER, 2),
    "capsule": (mujoco.mjtGeom.mjGEOM_CAPSULE, 2),
}
"""The geom of each shape, and how many sizes it has."""


@dataclass(frozen=True)
class Prop:
    """A free body.

    `size` (m): the radius of a sphere, half of each edge of a box, radius and half length of a cylinder or capsule.
    `mass` in kg, `friction` sliding, torsional (m) and rolling (m), `contact` how many
    of them count (1, 3: sliding, 4: torsional too, 6: all), `position` (m) and `orientation` (unit quaternion
    w, x, y, z) of the start. Raises `ConfigError` for what cannot be."""

    name: str
    size: tuple[float, ...]
    mass: float
    shape: str = "sphere"
    friction: tuple[float, float, float] = (1.0, 0.005, 0.0001)
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    orientation: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    rgba: tuple[float, float, float, float] = (0.9, 0.55, 0.2, 1.0)
    contact: int = 3

    def __post_init__(self) -> None:
        if self.shape not in _SHAPES:
            raise unknown("shape of a prop", self.shape, _SHAPES)
        count = _SHAPES[self.shape][1]
        if len(self.size) != count or not all(np.isfinite(s) and s > 0 for s in self.size):
            raise ConfigError(
                f"prop {self.name!r} has size {self.size}; a {self.shape} needs {count} lengths above 0 m"
            )
        if not (np.isfinite(self.mass) and self.mass > 0):
            raise ConfigError(f"prop {self.name!r} has a mass of {self.mass} kg; it must be above 0")
        if not all(np.isfinite(f) and f >= 0 for f in self.friction):
            raise ConfigError(f"prop {self.name!r} has friction {self.friction}; each must be 0 or more")
        if self.contact not in (1, 3, 4, 6):
            raise ConfigError(f"prop {self.name!r} has contact {self.contact}; it is 1, 3, 4 or 6")
        if not np.isfinite([*self.position, *self.orientation]).all() or not any(self.orientation):
            raise ConfigError(f"prop {self.name!r} needs a finite start pose, got {self.position}, {self.orientation}")

    @property
    def pose(self) -> tuple[float, ...]:
        """(7,) the start pose, as in `qpos`."""
        return (*self.position, *self.orientation)

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the body, last in the world; whatever touches anything touches it."""
        body = spec.worldbody.add_body(name=self.name, pos=self.position, quat=self.orientation)
        body.add_freejoint(name=self.name)
        geom, count = _SHAPES[self.shape]
        body.add_geom(
            name=self.name, type=geom, size=[*self.size, *(0.0,) * (3 - count)], mass=self.mass,
            friction=self.friction, condim=self.contact, contype=1, conaffinity=1, rgba=self.rgba,
        )  # fmt: skip

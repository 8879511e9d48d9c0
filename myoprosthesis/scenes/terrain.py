"""The ground of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from myoprosthesis.core.errors import ConfigError

NAME = "terrain"


@dataclass(frozen=True)
class Terrain:
    """Ground at `height` (m), whose bumps rise to `height + roughness`; 0: a plane.

    `friction` as of a `Prop`. Bumps are drawn from `seed` on a square of `extent` (m) to each side of the origin, one
    every `spacing` (m)."""

    height: float = 0.0
    friction: tuple[float, float, float] = (1.0, 0.005, 0.0001)
    roughness: float = 0.0
    extent: float = 5.0
    spacing: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = (self.height, self.roughness, self.extent, self.spacing, *self.friction)
        if not np.isfinite(numbers).all() or self.roughness < 0 or min(self.friction) < 0:
            raise ConfigError(f"a terrain needs finite numbers, with roughness and friction of 0 or more; got {self}")
        if not 0 < self.spacing <= self.extent <= 1000 * self.spacing:
            raise ConfigError(
                f"a terrain of {self.extent:g} m has bumps every {self.spacing:g} m; it needs 1 to 1000 to each side"
            )

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Take the place of the world's planes and height fields."""
        grounds = (mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_HFIELD)
        for geom in [g for g in spec.worldbody.geoms if g.type in grounds]:
            spec.delete(geom)
        common = {"name": NAME, "friction": self.friction, "contype": 1, "conaffinity": 1, "pos": (0, 0, self.height)}
        if not self.roughness:
            size = (self.extent, self.extent, 0.1)
            spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=size, **common)
            return
        n = round(2 * self.extent / self.spacing) + 1
        bumps = np.random.default_rng(self.seed).random(n * n)
        field = spec.add_hfield(name=NAME, size=(self.extent, self.extent, self.roughness, 0.1), nrow=n, ncol=n)
        field.userdata = bumps.tolist()
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname=NAME, **common)

"""Where the parts of the MyoSim legs are in a posture: its kinematics alone, without any physics."""

from __future__ import annotations

from functools import cached_property

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.leg_names import PLACES
from myoprosthesis.core.level_frame import pelvis_rotation, quaternion
from myoprosthesis.effectors.bodies import myolegs
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.motion.posture import JOINTS, POSTURE

Array = NDArray[np.float64]
FEET = {"r": ("calcn_r", "toes_r"), "l": ("calcn_l", "toes_l")}

FAR_M = 0.2
"""Distances between the legs that are greater are taken as this."""


class Legs:
    """The MyoSim legs in postures (n, n_posture) of `POSTURE`."""

    def __init__(self) -> None:
        self.model = myolegs(BodyOptions()).model
        self._data = mujoco.MjData(self.model)
        m = self.model
        self._joints = [int(m.joint(name).qposadr[0]) for name in JOINTS]
        self._pelvis = np.zeros(9)
        mujoco.mju_quat2Mat(self._pelvis, m.body("pelvis").quat)
        self._places = [m.site(name).id for name in PLACES]
        self._sides = tuple([g for g in range(m.ngeom) if self._is_leg(g, side)] for side in FEET)
        self._soles = {side: [g for g in range(m.ngeom) if self._is_sole(g, side)] for side in FEET}

    def _is_sole(self, geom: int, side: str) -> bool:
        m = self.model
        return m.body(int(m.geom_bodyid[geom])).name in FEET[side] and bool(m.geom_contype[geom])

    def _is_leg(self, geom: int, side: str) -> bool:
        m = self.model
        return m.body(int(m.geom_bodyid[geom])).name.endswith(f"_{side}") and bool(m.geom_contype[geom])

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Limits of each joint (rad)."""
        return {name: (float(low), float(high)) for name in JOINTS for low, high in [self.model.joint(name).range]}

    @cached_property
    def followers(self) -> tuple[tuple[str, str, Array], ...]:
        """Joints that follow another one: its name, that of the other, and the polynomial (5,) of its angle."""
        m = self.model
        return tuple(
            (m.joint(int(m.eq_obj1id[k])).name, m.joint(int(m.eq_obj2id[k])).name, m.eq_data[k, :5].copy())
            for k in range(m.neq)
            if int(m.eq_type[k]) == mujoco.mjtEq.mjEQ_JOINT and m.eq_active0[k] and m.eq_obj2id[k] >= 0
        )

    def coupled(self, postures: Array) -> dict[str, Array]:
        """(n,) of each joint that follows another one in the model, by name."""
        return {
            name: np.asarray(np.polynomial.polynomial.polyval(postures[:, POSTURE.index(other)], polynomial))
            for name, other, polynomial in self.followers
        }

    def qpos(self, posture: Array) -> Array:
        """(nq,) of one posture that faces along x."""
        m, out = self.model, np.zeros(self.model.nq)
        out[:3] = posture[:3]
        out[3:7] = quaternion(pelvis_rotation(*posture[3:6]) @ self._pelvis.reshape(3, 3).T)
        out[self._joints] = posture[6:]
        for name, values in self.coupled(posture[None]).items():
            out[int(m.joint(name).qposadr[0])] = values[0]
        return out

    def places(self, postures: Array) -> Array:
        """(n, n_places, 3) m, of `PLACES` in the world."""
        return self._measured(postures)[0]

    def soles(self, postures: Array) -> tuple[Array, Array]:
        """Height (n, n_soles) m of the lowest point of each part of the soles, and how far ahead it is, (n, n_soles) m.

        The first half are those of the right foot."""
        _, heights, ahead = self._measured(postures)
        return heights, ahead

    def between(self, postures: Array) -> Array:
        """(n,) m, how far the legs are from each other; below 0 they go through each other."""
        out = np.zeros(len(postures))
        for k, posture in enumerate(postures):
            self._data.qpos[:] = self.qpos(posture)
            mujoco.mj_kinematics(self.model, self._data)
            out[k] = min(
                mujoco.mj_geomDistance(self.model, self._data, right, left, FAR_M, None)
                for right in self._sides[0]
                for left in self._sides[1]
            )
        return out

    def _measured(self, postures: Array) -> tuple[Array, Array, Array]:
        geoms = [g for side in FEET for g in self._soles[side]]
        places, heights = np.zeros((len(postures), len(PLACES), 3)), np.zeros((len(postures), len(geoms)))
        ahead = np.zeros_like(heights)
        for k, posture in enumerate(postures):
            self._data.qpos[:] = self.qpos(posture)
            mujoco.mj_kinematics(self.model, self._data)
            places[k] = self._data.site_xpos[self._places]
            for i, geom in enumerate(geoms):
                heights[k, i], ahead[k, i] = self._lowest(geom)
        return places, heights, ahead

    def _lowest(self, geom: int) -> tuple[float, float]:
        """How high the lowest point of a capsule or an ellipsoid is, and how far ahead its middle, m."""
        m, d = self.model, self._data
        size, turn, place = m.geom_size[geom], d.geom_xmat[geom].reshape(3, 3), d.geom_xpos[geom]
        capsule = int(m.geom_type[geom]) == mujoco.mjtGeom.mjGEOM_CAPSULE
        below = size[0] + size[1] * abs(turn[2, 2]) if capsule else np.linalg.norm(size * turn[2])
        return float(place[2] - below), float(place[0])

"""What acts on joints and feet of legs of muscles in states that were seen: internal moments, force of the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.leg_names import SIDES
from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.motion.legs import FEET

Array = NDArray[np.float64]
_LIMIT = int(mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT)


@dataclass(frozen=True)
class Forces:
    """What acts in n states.

    `moments` (n, n_joints) N m are of muscles, passive tissue and the ends of the range together, in the direction of
    each joint: the net internal moment of inverse dynamics. `ground` (n, 2, 3) N is the force on the right and on the
    left foot in the world. `muscles` (n, n_muscles) N, below 0 where they pull."""

    moments: Array
    ground: Array
    muscles: Array


class LegForces:
    """The forces in a state, which follow from its places, velocities and activations (MuJoCo's forward dynamics).

    Args:
        body: The MyoSim legs, with the physics of what was seen (its time step is a part of contacts).
        joints: Whose moments are wanted.
    """

    def __init__(self, body: MujocoBody, joints: Sequence[str]) -> None:
        self._model, self._data = body.model, mujoco.MjData(body.model)
        spec = body.spec
        columns = [(joint, field) for field in ("position", "velocity") for joint in spec.joints]
        columns += [(f"{muscle}/activation", "position") for muscle in spec.muscles]
        sources = {column: body.source(*column) for column in columns}
        self.columns = tuple(column for column, (name, _) in sources.items() if name)
        """Channels and fields of the state that are needed, in the order of `of`."""
        self._where = [(sources[column][0], sources[column][1][0]) for column in self.columns]
        self._muscles = body.actuation.muscles
        self._dofs = [int(self._model.joint(joint).dofadr[0]) for joint in joints]
        self._followers = [row for row in joint_couplings.coupled(self._model) if row[1] >= 0]
        m = self._model
        self._feet = {b: k for k, side in enumerate(SIDES) for b in (m.body(name).id for name in FEET[side])}

    def of(self, states: Array) -> Forces:
        """Of states (n, n_columns) of `columns`; nothing but the ground, the muscles and gravity acts on the legs."""
        moments = np.zeros((len(states), len(self._dofs)))
        ground, muscles = np.zeros((len(states), len(SIDES), 3)), np.zeros((len(states), len(self._muscles)))
        data, model = self._data, self._model
        arrays = {name: getattr(data, name) for name, _ in self._where}
        for k, row in enumerate(states):
            for (name, place), value in zip(self._where, row, strict=True):
                arrays[name][place] = value
            mujoco.mj_normalizeQuat(model, data.qpos)
            mujoco.mj_forward(model, data)
            moments[k] = self._internal()[self._dofs]
            ground[k] = self._ground()
            muscles[k] = data.actuator_force[self._muscles]
        return Forces(moments, ground, muscles)

    def _internal(self) -> Array:
        """(nv,) with what acts on joints that follow another one where it is felt, at that one (virtual work)."""
        data, model = self._data, self._model
        limits = np.zeros(model.nv)
        if data.nefc:
            mujoco.mj_mulJacTVec(model, data, limits, np.where(data.efc_type == _LIMIT, data.efc_force, 0.0))
        total = data.qfrc_actuator + data.qfrc_passive + limits
        for follower, leader, polynomial in self._followers:
            place = model.jnt_qposadr[leader]
            rate = np.polynomial.polynomial.polyval(
                data.qpos[place] - model.qpos0[place], np.polynomial.polynomial.polyder(polynomial)
            )
            total[model.jnt_dofadr[leader]] += rate * total[model.jnt_dofadr[follower]]
        return total

    def _ground(self) -> Array:
        """(2, 3) N on the feet; legs that brush each other do not count."""
        data, model = self._data, self._model
        out, force = np.zeros((len(SIDES), 3)), np.zeros(6)
        for k in range(data.ncon):
            contact = data.contact[k]
            first, second = (int(model.geom_bodyid[geom]) for geom in contact.geom)
            foot, sign = (second, 1.0) if first == 0 else (first, -1.0)
            if 0 in (first, second) and foot in self._feet:
                mujoco.mj_contactForce(model, data, k, force)
                out[self._feet[foot]] += sign * (contact.frame.reshape(3, 3).T @ force[:3])
        return out

"""The excitations that bring a body of muscles towards a posture, by its own physics: what a policy is taught by."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library
from myoprosthesis.effectors.mujoco_body import MujocoBody

Array = NDArray[np.float64]


class TorqueTeacher:
    """Excitations whose torques move each joint towards its goal at `error / time_s`, as far as muscles can at once.

    A muscle's force is its passive one and, in proportion to its activation, an active one (MuJoCo's model; the joints
    at rest). The activations a ≥ 0 are those with the least ‖D⁻¹ (R a − τ)‖² + effort² ‖a‖²: R (N·m) the torques of
    fully active muscles, τ those that hold the body where it is and overcome the damping D (N·m·s/rad) of each joint at
    the wanted speed. So an error of torque counts by the speed (rad/s) that it causes."""

    def __init__(self, body: MujocoBody, time_s: float = 0.1, effort: float = 0.3) -> None:
        """`body` has damped hinges and muscles alone."""
        self._nnls = library("scipy.optimize", "train", "a teacher of muscles").nnls
        self._model, self._data = body.model, mujoco.MjData(body.model)
        if not (body.model.dof_damping > 0).all() or body.model.nv != body.model.nq:
            raise ConfigError(f"effector {body.spec.name!r} has joints that are no damped hinges: it cannot be taught")
        self._time_s, self._effort = time_s, effort * np.eye(body.model.nu)

    def excitations(self, posture: Array, error: Array) -> Array:
        """(n_muscles,) from 0 to 1, at a posture (nq,) rad whose goal is `error` (nq,) rad away."""
        m, d = self._model, self._data
        d.qpos[:], d.qvel[:], d.act[:], d.ctrl[:] = posture, 0.0, 0.0, 0.0
        mujoco.mj_forward(m, d)
        arms = np.zeros((m.nu, m.nv))
        mujoco.mju_sparse2dense(arms, d.actuator_moment, d.moment_rownnz, d.moment_rowadr, d.moment_colind)
        passive, rest = d.actuator_force.copy(), d.qfrc_bias - d.qfrc_passive
        d.act[:] = 1.0
        mujoco.mj_fwdActuation(m, d)
        torques = (arms * (d.actuator_force - passive)[:, None]).T / m.dof_damping[:, None]
        wanted = (rest - arms.T @ passive) / m.dof_damping + error / self._time_s
        activations, _ = self._nnls(np.vstack([torques, self._effort]), np.concatenate([wanted, np.zeros(m.nu)]))
        return np.minimum(activations, 1.0)

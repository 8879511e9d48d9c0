"""Joints that follow others by the equality constraints of a model, such as the inner joints of a knee or a finger."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray


def coupled(model: mujoco.MjModel) -> list[tuple[int, int, NDArray[np.float64]]]:
    """Follower, leader (−1: none) and the five coefficients of the polynomial of each active coupling of two joints."""
    kind = int(mujoco.mjtEq.mjEQ_JOINT)
    rows = [k for k in range(model.neq) if int(model.eq_type[k]) == kind and model.eq_active0[k]]
    return [(int(model.eq_obj1id[k]), int(model.eq_obj2id[k]), model.eq_data[k, :5].copy()) for k in rows]


def follow(model: mujoco.MjModel, qpos: NDArray[np.float64]) -> None:
    """Put each joint that follows another one where its coupling wants it.

    With q0 the reference `qpos0`, a follower is at q0 + Σ a_i (leader − leader's q0)^i, i from 0 to 4 (MuJoCo, XML
    reference, equality/joint).

    Args:
        model: The model.
        qpos: (nq,) positions, rad or m; those of followers are overwritten. More rows (n, nq) are done at once.
    """
    for follower, leader, coefficients in coupled(model):
        at: Any = model.jnt_qposadr[follower]
        offset = 0.0
        if leader >= 0:
            place = model.jnt_qposadr[leader]
            offset = qpos[..., place] - model.qpos0[place]
        qpos[..., at] = model.qpos0[at] + np.polynomial.polynomial.polyval(offset, coefficients)


def motions(model: mujoco.MjModel) -> NDArray[np.float64]:
    """Velocities of all degrees of freedom from those of the ones that no other joint drives, shape (nv, nv).

    A joint that follows another one moves with it (at the rate of the start), and not by itself."""
    rates = np.eye(model.nv)
    for follower, leader, coefficients in coupled(model):
        row = model.jnt_dofadr[follower]
        rates[row] = 0.0
        if leader >= 0:
            rates[row, model.jnt_dofadr[leader]] = coefficients[1]
    return rates

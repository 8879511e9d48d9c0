"""A linear law that brings a body of muscles near a posture: what a policy that learns to do so may start from."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.effectors.stretch_reflex import StretchReflex

Array = NDArray[np.float64]


def stretch_guide(body: MujocoBody, postures: Array, gain: float, delay_s: float) -> tuple[Array, Array]:
    """What to add to the logits of excitations for each radian to the goal, and for each rad/s, (n_muscles, nv) both.

    A muscle is excited by how far it is longer than at the goal, and by how fast it lengthens, as by the stretch
    reflex; moment arms are the means of those in `postures` (n, nq), rad.

    Args:
        body: Of hinges and muscles alone.
        postures: Where it will be.
        gain: Logits for one optimal fibre length of stretch.
        delay_s: How far ahead the stretch is looked at, by its velocity.
    """
    model, data = body.model, mujoco.MjData(body.model)
    optimal = StretchReflex(model, np.arange(model.nu), 0.0, 0.0).optimal
    arms = np.zeros((len(postures), model.nu, model.nv))
    for posture, out in zip(postures, arms, strict=True):
        data.qpos[:] = posture
        mujoco.mj_fwdPosition(model, data)
        rows = data.moment_rownnz, data.moment_rowadr, data.moment_colind
        mujoco.mju_sparse2dense(out, data.actuator_moment, *rows)
    along = gain * arms.mean(axis=0) / optimal[:, None]
    return -along, delay_s * along

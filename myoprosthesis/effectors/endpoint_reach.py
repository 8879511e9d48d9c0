"""How far the endpoint of a MuJoCo body comes: the length of the chain of joints that it hangs on."""

from __future__ import annotations

from itertools import product

import mujoco
import numpy as np
from numpy.typing import NDArray

TURNING = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_BALL))
SLIDE = int(mujoco.mjtJoint.mjJNT_SLIDE)
OVERSHOOT = 0.1
"""Share of a slide's travel by which its limits, which are soft, may be passed."""
Array = NDArray[np.float64]


def endpoint_reach(model: mujoco.MjModel, site: int) -> tuple[float, ...]:
    """A place (x, y, z) and how far from it the endpoint comes at most, in m; no posture brings it farther away.

    The place is that of the turning joint nearest to the world, or of the endpoint where none turns, with every slide
    in the middle of its travel. Empty without an endpoint or joints, and where it floats or slides without limits.
    """
    data = mujoco.MjData(model)
    slides = (model.jnt_type == SLIDE) & (model.jnt_limited > 0)
    data.qpos[model.jnt_qposadr[slides]] = model.jnt_range[slides].mean(axis=1)
    mujoco.mj_kinematics(model, data)
    body = int(model.site_bodyid[site]) if site >= 0 else 0
    places: list[Array] = [data.site_xpos[site].copy()] if body else []
    travels: list[list[Array]] = [[]]  # of the slides between one turning joint and the next
    while body:
        if model.body_mocapid[body] >= 0:
            return ()
        first = int(model.body_jntadr[body])
        for joint in reversed(range(first, first + int(model.body_jntnum[body]))):
            if int(model.jnt_type[joint]) in TURNING:
                places.append(data.xanchor[joint].copy())
                travels.append([])
            elif slides[joint]:
                half = (0.5 + OVERSHOOT) * float(np.ptp(model.jnt_range[joint]))
                travels[-1].append(half * data.xaxis[joint])
            else:
                return ()
        body = int(model.body_parentid[body])
    if len(places) < 2 and not travels[0]:
        return ()
    length = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum()) if len(places) > 1 else 0.0
    return (*(float(x) for x in places[-1]), length + sum(map(_farthest, travels)))


def _farthest(travels: list[Array]) -> float:
    """How far some slides that turn together displace what they carry: to the farthest corner of their box, m."""
    corners = product((-1.0, 1.0), repeat=len(travels))
    return max(float(np.linalg.norm(sum((s * t for s, t in zip(signs, travels, strict=True)), np.zeros(3))))
               for signs in corners)  # fmt: skip

"""How far the endpoint of a MuJoCo body comes: the length of the chain of hinges that it hangs on."""

from __future__ import annotations

import mujoco
import numpy as np

TURNING = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_BALL))


def endpoint_reach(model: mujoco.MjModel, site: int) -> tuple[float, ...]:
    """The place (x, y, z) of the hinge nearest to the world, and the chain's whole length from there, in m.

    No posture brings the endpoint farther away. Empty without an endpoint, and where it also slides or floats.
    """
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    body = int(model.site_bodyid[site]) if site >= 0 else 0
    places = [data.site_xpos[site].copy()] if body else []
    while body:
        first = int(model.body_jntadr[body])
        for joint in reversed(range(first, first + int(model.body_jntnum[body]))):
            if int(model.jnt_type[joint]) not in TURNING:
                return ()
            places.append(data.xanchor[joint].copy())
        body = int(model.body_parentid[body])
    if len(places) < 2:
        return ()
    length = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    return (*(float(x) for x in places[-1]), length)

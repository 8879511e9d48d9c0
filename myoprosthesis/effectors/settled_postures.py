"""Postures that a hand's muscles can reach: where they bring it, and not what its joints would allow.

Most postures within the limits of the joints cannot be reached: a tendon crosses several joints, so that in `myohand`
no muscle bends the last joint of a finger without those before it. Postures under random constant excitations are
reached, but two thirds of their joints are at a limit, and they still move after seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.effectors.mujoco_body import MujocoBody

LONGEST_S, SHORTEST_S, STILL = 3.0, 0.6, 0.05
"""s, s and rad/s: a hand that is not slower than this by then is not settled."""


def settled_postures(body: MujocoBody, sites: Sequence[str], seed: int = 0) -> Iterator[NDArray[np.float64]]:
    """Postures at which a body of muscles that are commanded by length comes to rest, without end.

    Each begins at the body's start. The muscles' targets are their lengths at joint angles that are drawn within
    their limits; stretch reflexes then pull as far as muscles, passive forces, gravity and limits let them.

    Yields:
        Joint angles (rad) in the order of the model, and x, y, z (m) of each of `sites`.
    """
    model, data = body.model, mujoco.MjData(body.model)
    bounds = body.spec.command.bounds()
    numbers = [model.site(site).id for site in sites]
    periods = round(LONGEST_S / body.spec.dt)
    for number in range(1 << 62):
        rng = np.random.default_rng((seed, number))
        data.qpos[:] = rng.uniform(*model.jnt_range.T)
        mujoco.mj_fwdPosition(model, data)
        lengths = np.clip(data.actuator_length, *bounds)
        body.reset()
        for k in range(periods):
            body.advance(lengths, NO_DISTURBANCE)
            if k * body.spec.dt >= SHORTEST_S and np.abs(body.data.qvel).max() < STILL:
                yield np.concatenate([body.data.qpos, body.data.site_xpos[numbers].ravel()])
                break

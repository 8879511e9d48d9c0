"""A MuJoCo model as a picture: what can move, on white, without floor and scenery."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

HIDDEN_GROUP = 5
"""Of geoms; not drawn unless asked for."""


def render(
    model: mujoco.MjModel, data: mujoco.MjData, width: int, height: int, angles: tuple[float, float],
    distance: float = 0.0, look_at: Any = None,
) -> NDArray[np.uint8]:  # fmt: skip
    """The body as it stands, (height, width, 3) RGB.

    Azimuth and elevation in degrees, distance in m (0: the body fills the picture), look_at (3,) m (None: its middle).
    """
    visual = model.vis.global_
    visual.offwidth, visual.offheight = max(visual.offwidth, width), max(visual.offheight, height)
    camera = mujoco.MjvCamera()
    mujoco.mjv_defaultFreeCamera(model, camera)
    camera.azimuth, camera.elevation = angles
    middle, radius = extent(model, data)
    half_angle = np.deg2rad(visual.fovy) / 2 * min(1.0, width / height)
    camera.distance = distance or 1.05 * radius / np.sin(half_angle)
    camera.lookat[:] = middle if look_at is None else look_at
    size = model.geom_rbound  # 0 for a plane
    apart = np.linalg.norm(data.geom_xpos - middle, axis=1) - size > radius
    scenery = (apart | (size > 3 * radius) | (size == 0)) & (model.body_weldid[model.geom_bodyid] == 0)
    groups = model.geom_group.copy()
    model.geom_group[scenery] = HIDDEN_GROUP
    try:
        with mujoco.Renderer(model, height, width) as renderer:
            renderer.update_scene(data, camera)
            image = np.array(renderer.render())
            renderer.enable_segmentation_rendering()
            image[renderer.render()[..., 0] < 0] = 255
    finally:
        model.geom_group[:] = groups
    return image


def extent(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[NDArray[np.float64], float]:
    """Middle (3,) and radius (m) of a ball around all that can move."""
    moving = np.flatnonzero((model.body_weldid[model.geom_bodyid] != 0) & (model.geom_rbound > 0))
    if not moving.size:
        return np.array(model.stat.center), float(model.stat.extent)
    places, radii = data.geom_xpos[moving], model.geom_rbound[moving][:, None]
    low, high = (places - radii).min(axis=0), (places + radii).max(axis=0)
    middle = (low + high) / 2
    return middle, float((np.linalg.norm(places - middle, axis=1) + radii[:, 0]).max())

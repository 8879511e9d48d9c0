"""A MuJoCo model as a picture: what can move, on white, without floor and scenery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

HIDDEN_GROUP = 5
"""Of geoms; not drawn unless asked for."""
IDLE, ACTIVE = (0.72, 0.70, 0.78, 1.0), (0.85, 0.05, 0.05, 1.0)
"""Colours of a muscle without and with full activation; between them in between."""
MARK_RGBA = (0.1, 0.55, 0.25, 0.45)


@dataclass(frozen=True)
class View:
    """From where a body is seen.

    Azimuth and elevation in degrees, distance in m (0: the body fills the picture), look_at (3,) m (None: its middle,
    and along with a body that walks).
    """

    azimuth: float = 90.0
    elevation: float = -35.0
    distance: float = 0.0
    look_at: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Mark:
    """A ball that is drawn but is no part of the model, such as a target: centre (3,) and radius, m."""

    centre: tuple[float, ...]
    radius: float


class BodyPicture:
    """Draws one model, as it stands, as often as it is asked: the view is chosen at the first picture and stays.

    Where the body is free to go anywhere, the view goes along with it over the floor. With `activation`, muscles are
    coloured by their activation.
    """

    def __init__(
        self, model: mujoco.MjModel, width: int, height: int, view: View = View(), activation: bool = False
    ) -> None:
        visual = model.vis.global_
        visual.offwidth, visual.offheight = max(visual.offwidth, width), max(visual.offheight, height)
        self._model, self._view, self._shape = model, view, (height, width)
        self._option = mujoco.MjvOption()
        if activation:
            for flag in (mujoco.mjtVisFlag.mjVIS_ACTUATOR, mujoco.mjtVisFlag.mjVIS_ACTIVATION):
                self._option.flags[flag] = 1
            model.vis.rgba.actuator[:], model.vis.rgba.actuatorpositive[:] = IDLE, ACTIVE
        self._camera: mujoco.MjvCamera | None = None
        self._scenery = np.zeros(model.ngeom, bool)
        self._root = None if view.look_at is not None else floating_root(model)
        self._middle, self._begin = np.zeros(3), np.zeros(3)
        """Where the camera looked, and where the floating root was, in the first picture."""
        self._renderer = mujoco.Renderer(model, height, width)

    def __enter__(self) -> BodyPicture:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Release what the library that draws holds."""
        self._renderer.close()

    def image(self, data: mujoco.MjData, marks: Sequence[Mark] = ()) -> NDArray[np.uint8]:
        """The body where `data` is now, (height, width, 3) RGB."""
        camera, renderer = self._camera or self._placed(data), self._renderer
        if self._root is not None:
            camera.lookat[:] = self._middle + (data.xpos[self._root] - self._begin) * [1.0, 1.0, 0.0]
        groups = self._model.geom_group.copy()
        self._model.geom_group[self._scenery] = HIDDEN_GROUP
        try:
            renderer.update_scene(data, camera, self._option)
        finally:
            self._model.geom_group[:] = groups
        for mark in marks:
            _add(renderer.scene, mark)
        image = np.array(renderer.render())
        renderer.enable_segmentation_rendering()
        image[renderer.render()[..., 0] < 0] = 255
        renderer.disable_segmentation_rendering()
        return image

    def _placed(self, data: mujoco.MjData) -> mujoco.MjvCamera:
        """The camera, once it is known how large the body is; and which geoms are scenery."""
        model, view = self._model, self._view
        height, width = self._shape
        camera = mujoco.MjvCamera()
        mujoco.mjv_defaultFreeCamera(model, camera)
        camera.azimuth, camera.elevation = view.azimuth, view.elevation
        middle, radius = extent(model, data)
        half_angle = np.deg2rad(model.vis.global_.fovy) / 2 * min(1.0, width / height)
        camera.distance = view.distance or 1.05 * radius / np.sin(half_angle)
        camera.lookat[:] = middle if view.look_at is None else view.look_at
        self._middle = camera.lookat.copy()
        if self._root is not None:
            self._begin = data.xpos[self._root].copy()
        self._scenery = scenery(model, data)
        self._camera = camera
        return camera


def render(model: mujoco.MjModel, data: mujoco.MjData, width: int, height: int, view: View) -> NDArray[np.uint8]:
    """One picture of the body as it stands, (height, width, 3) RGB."""
    with BodyPicture(model, width, height, view) as picture:
        return picture.image(data)


def _add(scene: mujoco.MjvScene, mark: Mark) -> None:
    if scene.ngeom >= scene.maxgeom:
        return
    sphere: Any = mujoco.mjtGeom.mjGEOM_SPHERE
    size, place, turn = np.full(3, mark.radius), np.array(mark.centre, float), np.eye(3).ravel()
    geom = scene.geoms[scene.ngeom]
    mujoco.mjv_initGeom(geom, sphere, size, place, turn, np.array(MARK_RGBA, np.float32))
    geom.segid = scene.ngeom  # the white background is what segmentation leaves empty
    geom.objtype, geom.objid = int(mujoco.mjtObj.mjOBJ_SITE), 0
    scene.ngeom += 1


def floating_root(model: mujoco.MjModel) -> int | None:
    """The body with the free joint from which most of the mass hangs; None where that is fastened to the world."""
    heaviest = int(np.bincount(model.body_rootid, model.body_mass, model.nbody)[1:].argmax()) + 1
    joint = int(model.body_jntadr[heaviest])
    free = joint >= 0 and int(model.jnt_type[joint]) == mujoco.mjtJoint.mjJNT_FREE
    return heaviest if free else None


def scenery(model: mujoco.MjModel, data: mujoco.MjData) -> NDArray[np.bool_]:
    """(ngeom,) which geoms are no part of what moves, nor near it: floor, furniture, a room."""
    middle, radius = extent(model, data)
    size = model.geom_rbound  # 0 for a plane
    apart = np.linalg.norm(data.geom_xpos - middle, axis=1) - size > radius
    hidden: NDArray[np.bool_] = (apart | (size > 3 * radius) | (size == 0)) & (
        model.body_weldid[model.geom_bodyid] == 0
    )
    return hidden


def extent(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[NDArray[np.float64], float]:
    """Middle (3,) and radius (m) of a ball around all that can move."""
    moving = np.flatnonzero((model.body_weldid[model.geom_bodyid] != 0) & (model.geom_rbound > 0))
    if not moving.size:
        return np.array(model.stat.center), float(model.stat.extent)
    places, radii = data.geom_xpos[moving], model.geom_rbound[moving][:, None]
    low, high = (places - radii).min(axis=0), (places + radii).max(axis=0)
    middle = (low + high) / 2
    return middle, float((np.linalg.norm(places - middle, axis=1) + radii[:, 0]).max())

"""A simulated body as shapes for a picture that is drawn elsewhere: described once, then placed along its states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.errors import Refused
from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.body_picture import extent, floating_root, scenery
from myoprosthesis.effectors.mesh_reduction import reduced
from myoprosthesis.effectors.mujoco_body import MujocoBody

Array = NDArray[np.float64]
PLACED = ("root", "joints", "objects")
"""Groups of channels that say where a body is."""
GEOM, TENDON = mujoco.mjtGeom, int(mujoco.mjtTrn.mjTRN_TENDON)
KINDS = {
    int(GEOM.mjGEOM_SPHERE): "sphere", int(GEOM.mjGEOM_CAPSULE): "capsule", int(GEOM.mjGEOM_ELLIPSOID): "ellipsoid",
    int(GEOM.mjGEOM_CYLINDER): "cylinder", int(GEOM.mjGEOM_BOX): "box", int(GEOM.mjGEOM_MESH): "mesh",
}  # fmt: skip
SEEN = 3
"""Groups of geoms below this number are drawn, as MuJoCo's own viewer does."""
PULLEY = -2
BELLY = "belly"
MODEL = "_model"
"""What the name of a hand's model ends with."""


def drawn_as(effector: str) -> str:
    """The effector whose body is drawn for one of this name: of a real hand its model."""
    return effector + MODEL if effector + MODEL in registry.names("effectors") else effector


class BodyShapes:
    """Shapes and tendons of a body, where the channels of its state put them.

    It has a `mujoco.MjData` of its own, and the body stays where it is.
    """

    def __init__(self, body: MujocoBody) -> None:
        self.body, self.model = body, body.model
        self.data = mujoco.MjData(body.model)
        if body.start_keyframe >= 0:
            mujoco.mj_resetDataKeyframe(self.model, self.data, body.start_keyframe)
        mujoco.mj_forward(self.model, self.data)
        self._tendons = np.flatnonzero(self.model.tendon_group < SEEN)
        self._activation = _activations(self.model, self._tendons)
        geoms = self._drawn = self._geoms()
        self._parts = np.array(sorted({int(self.model.geom_bodyid[g]) for g in geoms}), np.intp)
        self._followers = bool(joint_couplings.coupled(self.model))
        contacts = [self.model.sensor(name) for name in body.spec.contacts]
        self._contacts = np.array([int(sensor.objid[0]) for sensor in contacts], np.intp)
        self._channels: tuple[str, ...] = ()
        self._columns: dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]] = {}
        self.description, self.meshes = self._described(geoms)
        """Shapes as plain data, and the vertices (float32) and triangles (uint16) of their meshes."""

    def place(self, channels: tuple[str, ...], positions: Array) -> bool:
        """Put the body where a state says, positions (n,) by channel; False where they are not finite.

        Raises `Refused` where the state does not say where the body is."""
        if channels is not self._channels:
            self._fit(channels)
        if not np.isfinite(positions).all():
            return False
        data = self.data
        for field, (columns, addresses) in self._columns.items():
            getattr(data, field)[addresses] = positions[columns]
        if self._followers:
            joint_couplings.follow(self.model, data.qpos)
        mujoco.mj_normalizeQuat(self.model, data.qpos)
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_comPos(self.model, data)
        mujoco.mj_tendon(self.model, data)
        return True

    def packed(self) -> NDArray[np.float32]:
        """Where all is: for each part x y z qw qx qy qz, for each tendon activation and number of points, then these.

        Activation is −1 for a tendon that no muscle pulls; a pulley stands among the points as NaN."""
        data, tendons = self.data, self._tendons
        counts = data.ten_wrapnum[tendons]
        activation = np.full(tendons.size, -1.0)
        pulled = self._activation >= 0
        activation[pulled] = np.clip(data.act[self._activation[pulled]], 0.0, 1.0)
        points = np.zeros((0, 3))
        if tendons.size:
            rows = np.concatenate([np.arange(a, a + n) for a, n in zip(data.ten_wrapadr[tendons], counts, strict=True)])
            points = data.wrap_xpos.reshape(-1, 3)[rows].copy()
            points[data.wrap_obj.ravel()[rows] == PULLEY] = np.nan
        return np.concatenate([self.parts(), activation, counts, points.ravel()]).astype(np.float32)

    def parts(self) -> NDArray[np.float32]:
        """Where the parts are alone, shape (7 n_parts,): how `packed` begins."""
        return np.concatenate([self.data.xpos[self._parts], self.data.xquat[self._parts]], axis=1).ravel().astype("f4")

    def contact_places(self) -> Array:
        """Where the contacts of the body's `spec` are measured, (n_contacts, 3) m."""
        return np.asarray(self.data.site_xpos[self._contacts])

    def solids(self) -> Array:
        """Where each of the shapes is now, x y z qw qx qy qz, shape (n_shapes, 7)."""
        out = np.zeros((len(self._drawn), 7))
        for row, geom in zip(out, self._drawn, strict=True):
            body, m = self.model.geom_bodyid[geom], self.model
            mujoco.mju_mulPose(
                row[:3], row[3:], self.data.xpos[body], self.data.xquat[body], m.geom_pos[geom], m.geom_quat[geom]
            )
        return out

    def _fit(self, channels: tuple[str, ...]) -> None:
        """Find where the channels of a state belong in `data`."""
        groups = self.body.spec.groups
        needed = [name for group in PLACED for name in groups.get(group, ())]
        missing = [name for name in needed if name not in channels]
        if missing:
            raise Refused(
                f"the state has no {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}, which "
                f"{self.body.spec.name!r} is drawn from"
            )
        places: dict[str, list[tuple[int, int]]] = {}
        wanted = {*needed, *groups.get("activation", ())}
        for column, name in enumerate(channels):
            if name in wanted:
                field, where = self.body.source(name)
                places.setdefault(field, []).append((column, where[0]))
        self._columns = {
            field: (np.array([c for c, _ in pairs], np.intp), np.array([a for _, a in pairs], np.intp))
            for field, pairs in places.items()
        }
        self._channels = channels

    def _geoms(self) -> list[int]:
        model = self.model
        hidden = scenery(model, self.data)
        shown = np.flatnonzero(~hidden & (model.geom_group < SEEN) & np.isin(model.geom_type, list(KINDS)))
        return [int(g) for g in shown if _colour(model, int(g))[3]]

    def _bellies(self, name: str) -> list[int]:
        """The tendons whose muscles a geom stands for, by its name: `biceps_belly` for all that begin with biceps."""
        stem, _, end = name.rpartition("_")
        tendons = enumerate(self._tendons)
        pulled = [(k, self.model.tendon(int(t)).name) for k, t in tendons if self._activation[k] >= 0]
        return [k for k, tendon in pulled if end == BELLY and tendon.startswith(stem)]

    def _described(self, geoms: Sequence[int]) -> tuple[dict[str, Any], bytes]:
        model, parts = self.model, {int(b): k for k, b in enumerate(self._parts)}
        numbers = dict.fromkeys(int(model.geom_dataid[g]) for g in geoms if KINDS[int(model.geom_type[g])] == "mesh")
        meshes: list[dict[str, int]] = []
        out = bytearray()
        for k, mesh in enumerate(numbers):
            numbers[mesh] = k
            at, n = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
            first, m = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
            vertices, triangles = reduced(model.mesh_vert[at : at + n], model.mesh_face[first : first + m])
            meshes.append({"at": len(out), "vertices": len(vertices), "triangles": len(triangles)})
            out += vertices.tobytes() + triangles.tobytes()
            out += bytes(-len(out) % 4)
        middle, radius = extent(model, self.data)
        shapes = [
            {
                "kind": KINDS[int(model.geom_type[g])],
                "part": parts[int(model.geom_bodyid[g])],
                "size": model.geom_size[g].tolist(),
                "place": model.geom_pos[g].tolist(),
                "turn": model.geom_quat[g].tolist(),
                "colour": _colour(model, g),
                "mesh": numbers.get(int(model.geom_dataid[g]), -1),
                "muscles": self._bellies(model.geom(g).name),
            }
            for g in geoms
        ]  # fmt: skip
        root = floating_root(model)
        return {
            "parts": len(self._parts),
            "shapes": shapes,
            "meshes": meshes,
            "tendons": [model.tendon(int(t)).name for t in self._tendons],
            "middle": middle.tolist(),
            "radius": radius,
            "floor": root is not None,
            "follow": -1
            if root is None
            else min((k for b, k in parts.items() if model.body_rootid[b] == root), default=-1),
        }, bytes(out)


def _activations(model: mujoco.MjModel, tendons: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of each tendon where in `data.act` the activation of its muscle stands; −1 where no muscle pulls it."""
    out = np.full(model.ntendon, -1, np.intp)
    for actuator in range(model.nu):
        if int(model.actuator_trntype[actuator]) == TENDON and model.actuator_actadr[actuator] >= 0:
            out[model.actuator_trnid[actuator, 0]] = model.actuator_actadr[actuator]
    return out[tendons]


def _colour(model: mujoco.MjModel, geom: int) -> list[float]:
    material = int(model.geom_matid[geom])
    return [float(x) for x in (model.mat_rgba[material] if material >= 0 else model.geom_rgba[geom])]

"""Rigid bodies of two joints as differentiable functions, batch last; see `torch_twin.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
import torch
from torch import Tensor

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.gradient.torch_muscle import Rows


class Skeleton(Protocol):
    """Rigid-body dynamics of two joints; every method takes and returns rows of shape (batch,)."""

    def mass(self, q: Rows) -> tuple[Tensor | float, Tensor | float, Tensor | float]:
        """(M11, M12, M22) of the joint-space inertia."""
        ...

    def bias(self, q: Rows, v: Rows) -> tuple[Tensor | float, Tensor | float]:
        """Coriolis and centrifugal force at the joints."""
        ...

    def endpoint(self, q: Rows) -> Rows:
        """Endpoint (x, y), m."""
        ...

    def endpoint_velocity(self, q: Rows, v: Rows) -> Rows:
        """J v, m/s."""
        ...

    def joint_force(self, q: Rows, force: Rows) -> Rows:
        """Jᵀ F."""
        ...

    def joints_at(self, x: Rows) -> Rows:
        """Joint positions that bring the endpoint to `x` (m)."""
        ...


@dataclass(frozen=True)
class TwoLink:
    """Two hinges about z, the second at distance `l1` (m) along the first link, the endpoint at `l2`."""

    l1: float
    l2: float
    inertia_1: float
    """About the shoulder with the second body's mass at the elbow, kg·m²."""
    inertia_2: float
    """Of the second body about the elbow, kg·m²."""
    coupling: float
    """m2 · l1 · (distance of the second centre of mass from the elbow), kg·m²."""
    armature: tuple[float, float]

    def mass(self, q: Rows) -> tuple[Tensor | float, Tensor | float, Tensor | float]:
        """Entries (1, 1), (1, 2) and (2, 2) of the mass matrix; see `Skeleton.mass`."""
        c = self.coupling * torch.cos(q[1])
        return (
            self.inertia_1 + self.inertia_2 + self.armature[0] + 2 * c,
            self.inertia_2 + c,
            self.inertia_2 + self.armature[1],
        )

    def bias(self, q: Rows, v: Rows) -> tuple[Tensor | float, Tensor | float]:
        """Coriolis and centrifugal forces at the joints; see `Skeleton.bias`."""
        s = self.coupling * torch.sin(q[1])
        return -s * (2 * v[0] + v[1]) * v[1], s * v[0] * v[0]

    def endpoint(self, q: Rows) -> Rows:
        """Position of the endpoint, m; see `Skeleton.endpoint`."""
        q12 = q[0] + q[1]
        return (
            self.l1 * torch.cos(q[0]) + self.l2 * torch.cos(q12),
            self.l1 * torch.sin(q[0]) + self.l2 * torch.sin(q12),
        )

    def _lever(self, q: Rows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        q12 = q[0] + q[1]
        x2, y2 = self.l2 * torch.cos(q12), self.l2 * torch.sin(q12)
        return self.l1 * torch.cos(q[0]) + x2, self.l1 * torch.sin(q[0]) + y2, x2, y2

    def endpoint_velocity(self, q: Rows, v: Rows) -> Rows:
        """Velocity of the endpoint, m/s; see `Skeleton.endpoint_velocity`."""
        x, y, x2, y2 = self._lever(q)
        return -y * v[0] - y2 * v[1], x * v[0] + x2 * v[1]

    def joint_force(self, q: Rows, force: Rows) -> Rows:
        """Joint forces Jᵀ F of a force F at the endpoint; see `Skeleton.joint_force`."""
        x, y, x2, y2 = self._lever(q)
        return -y * force[0] + x * force[1], -y2 * force[0] + x2 * force[1]

    def joints_at(self, x: Rows) -> Rows:
        """The posture with the elbow bent forwards; out of reach, the straight arm that points there."""
        reach = x[0] ** 2 + x[1] ** 2
        bend = torch.acos(((reach - self.l1**2 - self.l2**2) / (2 * self.l1 * self.l2)).clamp(-1, 1))
        inner = torch.atan2(self.l2 * torch.sin(bend), self.l1 + self.l2 * torch.cos(bend))
        return torch.atan2(x[1], x[0]) - inner, bend


@dataclass(frozen=True)
class Slides:
    """A mass (kg) on two slides along x and y."""

    m: float
    armature: tuple[float, float]

    def mass(self, q: Rows) -> tuple[Tensor | float, Tensor | float, Tensor | float]:
        """Entries (1, 1), (1, 2) and (2, 2) of the mass matrix; see `Skeleton.mass`."""
        return self.m + self.armature[0], 0.0, self.m + self.armature[1]

    def bias(self, q: Rows, v: Rows) -> tuple[Tensor | float, Tensor | float]:
        """Coriolis and centrifugal forces at the joints; see `Skeleton.bias`."""
        return 0.0, 0.0

    def endpoint(self, q: Rows) -> Rows:
        """Position of the endpoint, m; see `Skeleton.endpoint`."""
        return q

    def endpoint_velocity(self, q: Rows, v: Rows) -> Rows:
        """Velocity of the endpoint, m/s; see `Skeleton.endpoint_velocity`."""
        return v

    def joint_force(self, q: Rows, force: Rows) -> Rows:
        """Joint forces Jᵀ F of a force F at the endpoint; see `Skeleton.joint_force`."""
        return force

    def joints_at(self, x: Rows) -> Rows:
        """Joint positions of an endpoint; see `Skeleton.joints_at`."""
        return x


def _inertia_z(model: mujoco.MjModel, body: int) -> float:
    """Inertia about the z axis through the centre of mass, kg·m²."""
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.body_iquat[body])
    z = rotation.reshape(3, 3)[2]
    return float(z @ (model.body_inertia[body] * z))


def skeleton_of(model: mujoco.MjModel) -> Skeleton:
    """The two joints of a model; raises `ConfigError` where it is built otherwise."""
    site = model.site("endpoint").id
    armature = (float(model.dof_armature[0]), float(model.dof_armature[1]))
    first, second = (int(b) for b in model.jnt_bodyid)
    if model.jnt_type[0] == int(mujoco.mjtJoint.mjJNT_SLIDE):
        straight = (
            np.array_equal(model.jnt_axis, [[1, 0, 0], [0, 1, 0]])
            and first == second
            and not model.body_pos[first].any()
            and not model.site_pos[site].any()
        )
        refuse_unless(straight, "both slides along x and y on one body at the origin, the site at its centre")
        return Slides(float(model.body_mass[first]), armature)
    points = model.body_pos[second], model.body_ipos[first], model.body_ipos[second], model.site_pos[site]
    along_x = not any(p[1:].any() for p in points)
    upright = all(np.array_equal(model.body_quat[b], [1, 0, 0, 0]) for b in (first, second))
    chain = (
        np.array_equal(model.jnt_axis, [[0, 0, 1]] * 2)
        and model.body_parentid[second] == first
        and not model.jnt_pos.any()
        and not model.body_pos[first].any()
        and not model.qpos0.any()
        and model.site_bodyid[site] == second
    )
    refuse_unless(along_x and upright and chain, "two links along x with hinges about z at their origins")
    m1, m2 = float(model.body_mass[first]), float(model.body_mass[second])
    c1, c2 = float(model.body_ipos[first, 0]), float(model.body_ipos[second, 0])
    l1, l2 = float(model.body_pos[second, 0]), float(model.site_pos[site, 0])
    return TwoLink(
        l1=l1,
        l2=l2,
        inertia_1=_inertia_z(model, first) + m1 * c1**2 + m2 * l1**2,
        inertia_2=_inertia_z(model, second) + m2 * c2**2,
        coupling=m2 * l1 * c2,
        armature=armature,
    )


def refuse_unless(there: bool, what: str) -> None:
    """A model that is built otherwise than the copy can follow."""
    if not there:
        raise ConfigError(f"the torch twin copies {what}; this model is built otherwise")

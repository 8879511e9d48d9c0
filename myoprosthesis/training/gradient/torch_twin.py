"""A differentiable copy of MuJoCo's step for the planar muscle bodies `arm26` and `point_mass`.

Every number is read from the compiled `mujoco.MjModel`, so the copy cannot drift from the body. One control
period is `substeps` physics steps, each of which does in closed form what `mj_step1`, the load
`qfrc_applied = Jᵀ F` and `mj_step2` do: fixed-tendon lengths and velocities, the muscle curves of
`mju_muscleGain` and `mju_muscleBias`, `mju_muscleDynamics`, tendon springs with a dead band, rigid-body
dynamics, and Euler integration that is semi-implicit in velocity and implicit in joint damping.

Tensors are stored structure-of-arrays, **batch last**: shape (rows, batch). Everything is then elementwise
along the batch and a compiler fuses a whole control period into one loop.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
import torch
from torch import Tensor, nn

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.training.gradient.torch_muscle import Muscles, Rows, spring_of
from myoprosthesis.training.gradient.torch_skeleton import Skeleton, skeleton_of

LAW_ROWS = 10
"""Rows of a planar law: f (2), K (2 × 2, row-major), B (2 × 2, row-major)."""


class TwinState(NamedTuple):
    """All that `mj_step` carries from one step to the next; batch last."""

    q: Tensor
    """(2, batch) joint positions, rad or m."""
    v: Tensor
    """(2, batch) joint velocities, rad/s or m/s."""
    act: Tensor
    """(n_muscles, batch) activations, 0..1."""


class Sense(NamedTuple):
    """What the body's sensors report of a state; batch last."""

    endpoint: Tensor
    """(2, batch) m."""
    endpoint_velocity: Tensor
    """(2, batch) m/s."""
    muscle_length: Tensor
    """(n_muscles, batch) m, MuJoCo's `actuator_length`."""
    muscle_velocity: Tensor
    """(n_muscles, batch) m/s, lengthening positive."""


def law_rows(law: ForceField, batch: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """The planar part of `law` as a tensor (10, batch): F = f + K x + B v."""
    planar = np.concatenate([law.f[:2], law.K[:2, :2].ravel(), law.B[:2, :2].ravel()])
    return torch.tensor(planar, dtype=dtype)[:, None].repeat(1, batch)


def field_force(law: Tensor, x: Rows, v: Rows) -> Rows:
    """Force (N) of the law, rows (10, batch), at endpoint position `x` (m) and velocity `v` (m/s)."""
    fx, fy, kxx, kxy, kyx, kyy, bxx, bxy, byx, byy = law.unbind(0)
    return (
        fx + kxx * x[0] + kxy * x[1] + bxx * v[0] + bxy * v[1],
        fy + kyx * x[0] + kyy * x[1] + byx * v[0] + byy * v[1],
    )


def differentiable_body(effector: str, control_dt: float) -> tuple[MujocoBody, Twin]:
    """The MuJoCo body that is registered as `effector`, with a control period of `control_dt` (s), and its twin.

    Raises:
        ConfigError: The effector is no MuJoCo body, or its physics has something that the twin does not compute.
    """
    if not issubclass(registry.options("effectors", effector), BodyOptions):
        raise ConfigError(
            f"effector {effector!r} has no differentiable twin: arm26 and point_mass have one, and any planar MuJoCo "
            "body with two joints and fixed-tendon muscles whose options are `BodyOptions`"
        )
    body = registry.factory("effectors", effector)(registry.options("effectors", effector)(dt=control_dt))
    return body, Twin(body.model, control_dt)


class Twin(nn.Module):
    """The differentiable copy of one body; float64 until converted with `.to(torch.float32)`."""

    def __init__(self, model: mujoco.MjModel, control_dt: float = 0.01) -> None:
        """`control_dt` (s) is the period of a command, a whole multiple of the model's timestep."""
        super().__init__()
        _refuse_unknown_physics(model)
        self.dt = float(model.opt.timestep)
        self.substeps = round(control_dt / self.dt)
        if self.substeps < 1 or abs(self.substeps * self.dt - control_dt) > 1e-9:
            raise ConfigError(
                f"a control period of {control_dt} s is no whole multiple of the body's timestep of "
                f"{self.dt} s; {max(1, self.substeps) * self.dt:g} s would be"
            )
        self.control_dt = control_dt
        self.damping: tuple[float, float] = tuple(float(d) for d in model.dof_damping)  # type: ignore[assignment]
        self.muscles = Muscles(model)
        self.springs = tuple(spring_of(model, i) for i in range(model.ntendon) if model.tendon_stiffness[i] > 0)
        self.skeleton: Skeleton = skeleton_of(model)
        self.home = np.array(model.key_qpos[0] if model.nkey else model.qpos0, float)

    def start(self, q: Tensor) -> TwinState:
        """At rest and relaxed at joint positions `q` (2, batch)."""
        return TwinState(q, torch.zeros_like(q), q.new_zeros(len(self.muscles.names), q.shape[1]))

    def step(self, state: TwinState, excitation: Tensor, law: Tensor) -> TwinState:
        """One control period under `excitation` (n_muscles, batch), 0..1, and `law` (10, batch)."""
        q, v, act = state.q.unbind(0), state.v.unbind(0), state.act
        for _ in range(self.substeps):
            q, v, act = self._substep(q, v, act, excitation, law)
        return TwinState(torch.stack(q), torch.stack(v), act)

    def joints_at(self, x: Tensor) -> Tensor:
        """Joint positions (2, batch) that bring the endpoint to `x` (2, batch), m."""
        return torch.stack(self.skeleton.joints_at(x.unbind(0)))

    def sense(self, state: TwinState) -> Sense:
        """What the sensors report of `state`."""
        q, v = state.q.unbind(0), state.v.unbind(0)
        return Sense(
            torch.stack(self.skeleton.endpoint(q)),
            torch.stack(self.skeleton.endpoint_velocity(q, v)),
            self.muscles.length(q),
            self.muscles.length(v),
        )

    def _substep(self, q: Rows, v: Rows, act: Tensor, u: Tensor, law: Tensor) -> tuple[Rows, Rows, Tensor]:
        body, h = self.skeleton, self.dt
        push = field_force(law, body.endpoint(q), body.endpoint_velocity(q, v))
        load = body.joint_force(q, push)
        bias = body.bias(q, v)
        pull = self.muscles.joint_force(q, v, act)
        t1, t2 = (pull[i] + load[i] - bias[i] - self.damping[i] * v[i] for i in (0, 1))
        for spring in self.springs:
            tension = spring.tension(q)
            t1, t2 = t1 + spring.moment[0] * tension, t2 + spring.moment[1] * tension

        m11, m12, m22 = body.mass(q)
        m11, m22 = m11 + h * self.damping[0], m22 + h * self.damping[1]  # Euler is implicit in joint damping
        per_det = 1 / (m11 * m22 - m12 * m12)
        v = (v[0] + h * per_det * (m22 * t1 - m12 * t2), v[1] + h * per_det * (m11 * t2 - m12 * t1))
        q = (q[0] + h * v[0], q[1] + h * v[1])
        return q, v, act + h * self.muscles.activation_rate(u, act)


def _refuse_unknown_physics(model: mujoco.MjModel) -> None:
    """Raise unless the model uses only what the twin computes."""
    J, D = mujoco.mjtJoint, mujoco.mjtDisableBit
    flags, known = model.opt.disableflags, int(D.mjDSBL_CONSTRAINT) | int(D.mjDSBL_CONTACT)
    dyn, gain = int(mujoco.mjtDyn.mjDYN_MUSCLE), int(mujoco.mjtGain.mjGAIN_MUSCLE)
    bias = int(mujoco.mjtBias.mjBIAS_MUSCLE)
    wanted = {
        "two hinges about z, or slides along x and y": model.jnt_type.tolist()
        in ([int(J.mjJNT_HINGE)] * 2, [int(J.mjJNT_SLIDE)] * 2),
        "the Euler integrator": model.opt.integrator == int(mujoco.mjtIntegrator.mjINT_EULER),
        "no gravity": not np.any(model.opt.gravity),
        "constraints disabled": bool(flags & int(D.mjDSBL_CONSTRAINT)),
        "no other disabled part of the physics": not flags & ~known,
        "no joint springs": not np.any(model.jnt_stiffness),
        "linear damping and springs": not any(
            np.any(getattr(model, name, 0))
            for name in ("dof_dampingpoly", "tendon_dampingpoly", "tendon_stiffnesspoly")
        ),
        "no fluid": model.opt.density == 0 and model.opt.viscosity == 0,
        "fixed tendons without damping, friction or armature": np.all(
            model.wrap_type == int(mujoco.mjtWrap.mjWRAP_JOINT)
        )
        and not np.any(model.tendon_damping)
        and not np.any(model.tendon_frictionloss)
        and not np.any(getattr(model, "tendon_armature", 0)),
        "muscles on tendons, without gear, smoothing or limits on force and activation": np.all(
            model.actuator_dyntype == dyn
        )
        and np.all(model.actuator_gaintype == gain)
        and np.all(model.actuator_biastype == bias)
        and np.all(model.actuator_trntype == int(mujoco.mjtTrn.mjTRN_TENDON))
        and np.all(model.actuator_gear[:, 0] == 1)
        and not np.any(model.actuator_dynprm[:, 2])
        and not np.any(model.actuator_forcelimited)
        and not np.any(model.actuator_actlimited)
        and not np.any(model.actuator_actearly)
        and np.all(model.actuator_ctrllimited)
        and np.all(model.actuator_gainprm[:, 2] >= 0)
        and np.array_equal(model.actuator_gainprm[:, :9], model.actuator_biasprm[:, :9]),
    }
    for what, there in wanted.items():
        if not there:
            raise ConfigError(
                f"the torch twin copies bodies with {what}; this model has something else. "
                "arm26 and point_mass are such bodies"
            )

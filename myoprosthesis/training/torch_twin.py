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

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import mujoco
import numpy as np
import torch
from torch import Tensor, nn

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.law import Law

Rows = tuple[Tensor, ...]
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


def law_rows(law: Law, batch: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
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


class MuscleConstants(NamedTuple):
    """Constants of the muscles, each (n_muscles, 1). Quotients are formed once, not in every step."""

    optimal_length: Tensor
    """L0 in m."""
    moment_1: Tensor
    """Change of length per first joint coordinate, m/rad or m/m."""
    moment_2: Tensor
    length_at_zero: Tensor
    """Normalised length L of a tendon of length 0."""
    length_1: Tensor
    """Change of L per first joint coordinate."""
    length_2: Tensor
    velocity_1: Tensor
    """Change of the normalised velocity V per first joint velocity."""
    velocity_2: Tensor
    pull_1: Tensor
    """Force at the first joint at full active force; a muscle pulls, so against its moment."""
    pull_2: Tensor
    ascent: Tensor
    """2 / (1 − lmin)."""
    descent: Tensor
    """2 / (lmax − 1)."""
    fpmax: Tensor
    fvmax: Tensor
    yielding: Tensor
    """V from which lengthening no longer adds force, fvmax − 1."""
    per_yielding: Tensor
    rate_up: Tensor
    """Of activation, 1/s."""
    rate_down: Tensor
    low: Tensor
    """Excitation is clipped to `low` … `high`."""
    high: Tensor


class Muscles(nn.Module):
    """All muscles of a body, each on a fixed tendon; curves as in MuJoCo's `engine_util_misc.c`."""

    table: Tensor

    def __init__(self, model: mujoco.MjModel) -> None:
        super().__init__()
        self.names = tuple(model.actuator(i).name for i in range(model.nu))
        prm, (low, high) = model.actuator_gainprm.T, model.actuator_lengthrange.T
        force, lmin, lmax, vmax, fpmax, fvmax = prm[2], prm[4], prm[5], prm[6], prm[7], prm[8]
        moment = np.array([_moment(model, int(tendon)) for tendon in model.actuator_trnid[:, 0]]).T
        optimal = (high - low) / (prm[1] - prm[0])
        length, velocity = moment / optimal, moment / (optimal * vmax)
        rates, control = 1 / model.actuator_dynprm[:, :2].T, model.actuator_ctrlrange.T.clip(0, 1)
        columns = {
            "optimal_length": optimal, "moment_1": moment[0], "moment_2": moment[1],
            "length_at_zero": prm[0] - low / optimal, "length_1": length[0], "length_2": length[1],
            "velocity_1": velocity[0], "velocity_2": velocity[1],
            "pull_1": -force * moment[0], "pull_2": -force * moment[1],
            "ascent": 2 / (1 - lmin), "descent": 2 / (lmax - 1), "fpmax": fpmax,
            "fvmax": fvmax, "yielding": fvmax - 1, "per_yielding": 1 / (fvmax - 1),
            "rate_up": rates[0], "rate_down": rates[1], "low": control[0], "high": control[1],
        }
        constants = MuscleConstants(**{name: torch.tensor(column)[:, None] for name, column in columns.items()})
        # One buffer: a compiled function checks and passes on each tensor it uses, in every control period.
        self.register_buffer("table", torch.stack(constants), persistent=False)

    @property
    def constants(self) -> MuscleConstants:
        """In the present dtype."""
        return MuscleConstants(*self.table.unbind(0))

    def length(self, q: Rows) -> Tensor:
        """Length (m) of the tendons, linear in the joints; of joint velocities, their velocities (m/s)."""
        c = self.constants
        return c.moment_1 * q[0] + c.moment_2 * q[1]

    def joint_force(self, q: Rows, v: Rows, act: Tensor) -> Rows:
        """Force (N·m or N) of all muscles together at each of the two joints."""
        c = self.constants
        L = c.length_at_zero + c.length_1 * q[0] + c.length_2 * q[1]
        V = c.velocity_1 * v[0] + c.velocity_2 * v[1]
        tension = force_length(L, c) * force_velocity(V, c) * act + passive_force(L, c)
        return (c.pull_1 * tension).sum(0), (c.pull_2 * tension).sum(0)

    def activation_rate(self, excitation: Tensor, act: Tensor) -> Tensor:
        """d act / dt (1/s), Millard et al. 2013, doi:10.1115/1.4023390, as in `mju_muscleDynamics`."""
        c = self.constants
        excess = torch.clamp(excitation, c.low, c.high) - act
        stretch = 0.5 + 1.5 * act.clamp(0, 1)
        return excess * torch.where(excess > 0, c.rate_up / stretch, c.rate_down * stretch)


def force_length(L: Tensor, c: MuscleConstants) -> Tensor:
    """Active force of a normalised length: a bump of four parabolas, 1 at L = 1, 0 outside (lmin, lmax)."""
    x = torch.maximum((1 - L) * c.ascent, (L - 1) * c.descent)
    rest = (2 - x).clamp(min=0)
    return torch.where(x <= 1, 1 - 0.5 * x * x, 0.5 * rest * rest)


def force_velocity(V: Tensor, c: MuscleConstants) -> Tensor:
    """Factor of a normalised velocity: 0 at V ≤ −1, 1 at rest, `fvmax` when stretched fast."""
    short, rest = (V + 1).clamp(min=0), (c.yielding - V).clamp(min=0)
    return torch.where(V <= 0, short * short, c.fvmax - rest * rest * c.per_yielding)


def passive_force(L: Tensor, c: MuscleConstants) -> Tensor:
    """None to L = 1, then a parabola, linear from (1 + lmax) / 2."""
    x = ((L - 1) * c.descent).clamp(min=0)
    return c.fpmax * torch.where(x <= 1, 0.5 * x * x, x - 0.5)


@dataclass(frozen=True)
class Spring:
    """A passive tendon: slack between `lower` and `upper` (m or rad), a linear spring outside."""

    moment: tuple[float, float]
    stiffness: float
    lower: float
    upper: float

    def tension(self, q: Rows) -> Tensor:
        """Force (N or N·m) along the tendon."""
        length = self.moment[0] * q[0] + self.moment[1] * q[1]
        return self.stiffness * ((self.lower - length).clamp(min=0) - (length - self.upper).clamp(min=0))


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
        c = self.coupling * torch.cos(q[1])
        return self.inertia_1 + self.inertia_2 + self.armature[0] + 2 * c, self.inertia_2 + c, \
            self.inertia_2 + self.armature[1]

    def bias(self, q: Rows, v: Rows) -> tuple[Tensor | float, Tensor | float]:
        s = self.coupling * torch.sin(q[1])
        return -s * (2 * v[0] + v[1]) * v[1], s * v[0] * v[0]

    def endpoint(self, q: Rows) -> Rows:
        q12 = q[0] + q[1]
        return (self.l1 * torch.cos(q[0]) + self.l2 * torch.cos(q12),
                self.l1 * torch.sin(q[0]) + self.l2 * torch.sin(q12))

    def _lever(self, q: Rows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        q12 = q[0] + q[1]
        x2, y2 = self.l2 * torch.cos(q12), self.l2 * torch.sin(q12)
        return self.l1 * torch.cos(q[0]) + x2, self.l1 * torch.sin(q[0]) + y2, x2, y2

    def endpoint_velocity(self, q: Rows, v: Rows) -> Rows:
        x, y, x2, y2 = self._lever(q)
        return -y * v[0] - y2 * v[1], x * v[0] + x2 * v[1]

    def joint_force(self, q: Rows, force: Rows) -> Rows:
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
        return self.m + self.armature[0], 0.0, self.m + self.armature[1]

    def bias(self, q: Rows, v: Rows) -> tuple[Tensor | float, Tensor | float]:
        return 0.0, 0.0

    def endpoint(self, q: Rows) -> Rows:
        return q

    def endpoint_velocity(self, q: Rows, v: Rows) -> Rows:
        return v

    def joint_force(self, q: Rows, force: Rows) -> Rows:
        return force

    def joints_at(self, x: Rows) -> Rows:
        return x


class Twin(nn.Module):
    """The differentiable copy of one body; float64 until converted with `.to(torch.float32)`."""

    def __init__(self, model: mujoco.MjModel, control_dt: float = 0.01) -> None:
        """`control_dt` (s) is the period of a command, a whole multiple of the model's timestep."""
        super().__init__()
        _refuse_unknown_physics(model)
        self.dt = float(model.opt.timestep)
        self.substeps = round(control_dt / self.dt)
        if self.substeps < 1 or abs(self.substeps * self.dt - control_dt) > 1e-9:
            raise ConfigError(f"a control period of {control_dt} s is no whole multiple of the body's timestep of "
                              f"{self.dt} s; {max(1, self.substeps) * self.dt:g} s would be")
        self.control_dt = control_dt
        self.damping: tuple[float, float] = tuple(float(d) for d in model.dof_damping)  # type: ignore[assignment]
        self.muscles = Muscles(model)
        self.springs = tuple(_spring(model, i) for i in range(model.ntendon) if model.tendon_stiffness[i] > 0)
        self.skeleton: Skeleton = _skeleton(model)
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
        "two hinges about z, or slides along x and y":
            model.jnt_type.tolist() in ([int(J.mjJNT_HINGE)] * 2, [int(J.mjJNT_SLIDE)] * 2),
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
        "fixed tendons without damping, friction or armature":
            np.all(model.wrap_type == int(mujoco.mjtWrap.mjWRAP_JOINT))
            and not np.any(model.tendon_damping) and not np.any(model.tendon_frictionloss)
            and not np.any(getattr(model, "tendon_armature", 0)),
        "muscles on tendons, without gear, smoothing or limits on force and activation":
            np.all(model.actuator_dyntype == dyn) and np.all(model.actuator_gaintype == gain)
            and np.all(model.actuator_biastype == bias)
            and np.all(model.actuator_trntype == int(mujoco.mjtTrn.mjTRN_TENDON))
            and np.all(model.actuator_gear[:, 0] == 1) and not np.any(model.actuator_dynprm[:, 2])
            and not np.any(model.actuator_forcelimited) and not np.any(model.actuator_actlimited)
            and not np.any(model.actuator_actearly) and np.all(model.actuator_ctrllimited)
            and np.all(model.actuator_gainprm[:, 2] >= 0)
            and np.array_equal(model.actuator_gainprm[:, :9], model.actuator_biasprm[:, :9]),
    }
    for what, there in wanted.items():
        if not there:
            raise ConfigError(f"the torch twin copies bodies with {what}; this model has something else. "
                              "arm26 and point_mass are such bodies")


def _moment(model: mujoco.MjModel, tendon: int) -> tuple[float, float]:
    """Coefficients of a fixed tendon on the two joints."""
    first = model.tendon_adr[tendon]
    out = [0.0, 0.0]
    for k in range(first, first + model.tendon_num[tendon]):
        out[model.wrap_objid[k]] += float(model.wrap_prm[k])
    return out[0], out[1]


def _spring(model: mujoco.MjModel, i: int) -> Spring:
    lower, upper = (float(x) for x in model.tendon_lengthspring[i])
    return Spring(_moment(model, i), float(model.tendon_stiffness[i]), lower, upper)


def _inertia_z(model: mujoco.MjModel, body: int) -> float:
    """Inertia about the z axis through the centre of mass, kg·m²."""
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.body_iquat[body])
    z = rotation.reshape(3, 3)[2]
    return float(z @ (model.body_inertia[body] * z))


def _skeleton(model: mujoco.MjModel) -> Skeleton:
    site = model.site("endpoint").id
    armature = (float(model.dof_armature[0]), float(model.dof_armature[1]))
    first, second = (int(b) for b in model.jnt_bodyid)
    if model.jnt_type[0] == int(mujoco.mjtJoint.mjJNT_SLIDE):
        straight = (np.array_equal(model.jnt_axis, [[1, 0, 0], [0, 1, 0]]) and first == second
                    and not model.body_pos[first].any() and not model.site_pos[site].any())
        _refuse_unless(straight, "both slides along x and y on one body at the origin, the site at its centre")
        return Slides(float(model.body_mass[first]), armature)
    points = model.body_pos[second], model.body_ipos[first], model.body_ipos[second], model.site_pos[site]
    along_x = not any(p[1:].any() for p in points)
    upright = all(np.array_equal(model.body_quat[b], [1, 0, 0, 0]) for b in (first, second))
    chain = (np.array_equal(model.jnt_axis, [[0, 0, 1]] * 2) and model.body_parentid[second] == first
             and not model.jnt_pos.any() and not model.body_pos[first].any() and not model.qpos0.any()
             and model.site_bodyid[site] == second)
    _refuse_unless(along_x and upright and chain, "two links along x with hinges about z at their origins")
    m1, m2 = float(model.body_mass[first]), float(model.body_mass[second])
    c1, c2 = float(model.body_ipos[first, 0]), float(model.body_ipos[second, 0])
    l1, l2 = float(model.body_pos[second, 0]), float(model.site_pos[site, 0])
    return TwoLink(
        l1=l1, l2=l2, inertia_1=_inertia_z(model, first) + m1 * c1**2 + m2 * l1**2,
        inertia_2=_inertia_z(model, second) + m2 * c2**2, coupling=m2 * l1 * c2, armature=armature,
    )


def _refuse_unless(there: bool, what: str) -> None:
    if not there:
        raise ConfigError(f"the torch twin copies {what}; this model is built otherwise")

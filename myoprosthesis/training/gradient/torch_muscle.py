"""MuJoCo's muscles and passive tendon springs as differentiable functions, batch last; see `torch_twin.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np
import torch
from torch import Tensor, nn

Rows = tuple[Tensor, ...]


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
        moment = np.array([moment_of(model, int(tendon)) for tendon in model.actuator_trnid[:, 0]]).T
        optimal = (high - low) / (prm[1] - prm[0])
        length, velocity = moment / optimal, moment / (optimal * vmax)
        rates, control = 1 / model.actuator_dynprm[:, :2].T, model.actuator_ctrlrange.T.clip(0, 1)
        columns = {
            "optimal_length": optimal,
            "moment_1": moment[0],
            "moment_2": moment[1],
            "length_at_zero": prm[0] - low / optimal,
            "length_1": length[0],
            "length_2": length[1],
            "velocity_1": velocity[0],
            "velocity_2": velocity[1],
            "pull_1": -force * moment[0],
            "pull_2": -force * moment[1],
            "ascent": 2 / (1 - lmin),
            "descent": 2 / (lmax - 1),
            "fpmax": fpmax,
            "fvmax": fvmax,
            "yielding": fvmax - 1,
            "per_yielding": 1 / (fvmax - 1),
            "rate_up": rates[0],
            "rate_down": rates[1],
            "low": control[0],
            "high": control[1],
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


def moment_of(model: mujoco.MjModel, tendon: int) -> tuple[float, float]:
    """Coefficients of a fixed tendon on the two joints."""
    first = model.tendon_adr[tendon]
    out = [0.0, 0.0]
    for k in range(first, first + model.tendon_num[tendon]):
        out[model.wrap_objid[k]] += float(model.wrap_prm[k])
    return out[0], out[1]


def spring_of(model: mujoco.MjModel, i: int) -> Spring:
    """The passive spring of tendon `i`."""
    lower, upper = (float(x) for x in model.tendon_lengthspring[i])
    return Spring(moment_of(model, i), float(model.tendon_stiffness[i]), lower, upper)

"""A short measurement by which changed physics is noticed."""

from __future__ import annotations

import numpy as np

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.effector import Effector, Initial, Simulation

DURATION_S = 1.0
AWAY_M, APART_M = 1000.0, 100.0
"""Height of the first object, and distance of the next ones, while a body is measured."""


def fingerprint(effector: Effector) -> tuple[float, ...]:
    """Joint positions and velocities after a fixed second of excitation, in the order of `spec.joints`.

    Each command channel follows its own slow sine in the lower half of its range, so that every actuator
    works over a range of lengths and speeds. Objects are out of reach meanwhile: they are not the body's own. The
    effector is left reset.
    """
    spec = effector.spec
    low, high = spec.command.bounds()
    phase = np.arange(spec.command.size) * 2.399963  # golden angle: no two channels alike
    away: Initial = {f"{name}/z": AWAY_M + APART_M * k for k, name in enumerate(spec.objects)}
    state = effector.reset(0, away) if away and isinstance(effector, Simulation) else effector.reset(0)
    for k in range(max(1, round(DURATION_S / spec.dt))):
        wave = 0.25 * (1 - np.cos(2 * np.pi * (k * spec.dt) + phase))
        state = effector.step(low + (high - low) * wave, NO_DISTURBANCE)
    result = tuple(float(x) for x in np.concatenate([state.joint_position, state.joint_velocity]))
    effector.reset(0)
    return result

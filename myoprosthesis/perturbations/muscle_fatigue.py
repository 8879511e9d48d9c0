"""Fatigue of muscles: motor units that are fresh, active or tired."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Fatigue:
    """Three compartments of motor units, resting, active and fatigued, per muscle.

    dM_A/dt = C(t) − F·M_A, dM_F/dt = F·M_A − R·M_F, with the active share following the activation as far as
    rested units last (Xia & Frey Law 2008, doi 10.1016/j.jbiomech.2008.07.013). Strength is 1 − M_F.
    """

    def __init__(self, n: int) -> None:
        self.fatigued: NDArray[np.float64] = np.zeros(n)

    def step(self, activation: NDArray[np.float64], rates: dict[str, float], dt: float) -> NDArray[np.float64]:
        """Strength, shape (n,), after `dt` seconds at `activation` with rates `F` and `R` (1/s)."""
        active = np.minimum(activation, 1.0 - self.fatigued)
        change = rates["F"] * active - rates["R"] * self.fatigued
        self.fatigued = np.clip(self.fatigued + dt * change, 0.0, 1.0)
        return 1.0 - self.fatigued

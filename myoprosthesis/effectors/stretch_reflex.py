"""Muscles that are commanded by length: a stretch reflex makes their excitation at the rate of the physics."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
MARGIN = 0.25
"""Of the optimal fibre length: by which the targets reach beyond the range of a muscle's lengths."""


class StretchReflex:
    """Excitation of muscles by how far they are longer than their targets, and how fast they lengthen.

    u = kp (l − l*) / l0 + kd v / l0 within 0..1, with length l and target length l* (m), lengthening velocity v (m/s)
    and optimal fibre length l0 (m).

    A muscle that is shorter than its target relaxes; one whose target is the upper bound, which is longer than it ever
    becomes, relaxes whatever its velocity. With the delay of activation (15 ms) and kp = 10, an arm26 that is pushed
    with 11 N swings about its target for more than 2 s with kd = 0.2 s, and is back within 1 mm after 1 s with 1 s.
    """

    def __init__(self, model: mujoco.MjModel, muscles: NDArray[np.intp], kp: float, kd: float) -> None:
        """`muscles` are their numbers among the actuators; `kp` (1) and `kd` (s) as above.

        Raises `ConfigError` for a muscle whose range of lengths is not known."""
        low, high = model.actuator_lengthrange[muscles].T
        shortest, longest = model.actuator_gainprm[muscles, :2].T
        with np.errstate(divide="ignore", invalid="ignore"):
            self.optimal = (high - low) / (longest - shortest)
        unknown: Sequence[str] = [
            model.actuator(int(i)).name for i, l0 in zip(muscles, self.optimal, strict=True) if not 0 < l0 < np.inf
        ]
        if unknown:
            raise ConfigError(
                f"muscles without a range of lengths cannot be commanded by length: {', '.join(unknown)}; "
                "give them a lengthrange in the MJCF"
            )
        self.low, self.high = low - MARGIN * self.optimal, high + MARGIN * self.optimal
        """Bounds of the target (m)."""
        self._muscles, self._kp, self._kd = muscles, kp, kd

    def excite(self, data: mujoco.MjData, target: Array) -> None:
        """Set the excitations in `data.ctrl` for target lengths (m), (n_muscles,), where the body is now.

        `data` is after its position and velocity stage."""
        m = self._muscles
        data.ctrl[m] = self.excitation(data.actuator_length[m], data.actuator_velocity[m], target)

    def excitation(self, length: Array, velocity: Array, target: Array) -> Array:
        """(…, n_muscles) for lengths (m), lengthening velocities (m/s) and target lengths (m) of the same shape."""
        wanted = (self._kp * (length - target) + self._kd * velocity) / self.optimal
        return np.where(target < self.high, np.clip(wanted, 0.0, 1.0), 0.0)

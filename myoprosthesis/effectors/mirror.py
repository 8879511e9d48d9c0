"""An effector that follows its command at once: for dry runs and tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.options import option


@dataclass(frozen=True)
class MirrorOptions:
    """Options of the mirror."""

    dt: float = option(0.01, "control period", "s", 1e-4, 1.0)
    joints: tuple[str, ...] = option(("joint1", "joint2"), "names of the joints")
    limit: float = option(1.57, "range of each joint, both ways", "rad", 1e-3, 10.0)
    rate_limit: float = option(10.0, "fastest change of a command", "rad/s", 1e-3, 1e4)


class Mirror:
    """Implements `Effector`: joint positions are the command of the last period."""

    def __init__(self, options: MirrorOptions) -> None:
        n = len(options.joints)
        self.spec = EffectorSpec(
            name="mirror",
            dt=options.dt,
            joints=options.joints,
            fail="hold",
            resettable=True,
            pausable=True,
            deterministic=True,
            rate_limit=options.rate_limit,
            command=Channels("position", options.joints, "rad", (-options.limit,) * n, (options.limit,) * n),
        )
        self._tick = 0
        self._position = np.zeros(n)

    def reset(self, seed: int = 0) -> EffectorState:
        """All joints at zero."""
        self._tick, self._position = 0, np.zeros_like(self._position)
        return self._state(np.zeros_like(self._position))

    def step(self, command: NDArray[np.float64], disturbance: Disturbance) -> EffectorState:
        """Move to `command`, shape (n,), within one period."""
        velocity = (command - self._position) / self.spec.dt
        self._tick, self._position = self._tick + 1, np.array(command, float)
        return self._state(velocity)

    def close(self) -> None:
        """Nothing to release."""

    def _state(self, velocity: NDArray[np.float64]) -> EffectorState:
        table = np.stack([self._position, velocity, np.zeros_like(velocity)])
        return EffectorState(self.spec, self._tick * self.spec.dt, table, self._position.copy())

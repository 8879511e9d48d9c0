"""The seam between policies and bodies: what every effector, simulated or real, is and does."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState

Array = NDArray[np.float64]


@runtime_checkable
class Effector(Protocol):
    """Four members; constructing opens nothing and moves nothing."""

    @property
    def spec(self) -> EffectorSpec:
        """Known before anything is opened."""
        ...

    def reset(self, seed: int) -> EffectorState:
        """Simulation: a defined start. Hardware: a safe pose, slowly. The first call opens the device."""
        ...

    def step(self, command: Array, imposed: Disturbance) -> EffectorState:
        """Apply `command` for one period `spec.dt` under `imposed`; never sleeps."""
        ...

    def close(self) -> None:
        """Enter the fail state and release the device; safe to call twice."""
        ...


@runtime_checkable
class Device(Effector, Protocol):
    """An effector that can be lost, and that is told when nobody commands it. Its `step` never raises for a lost
    device: it goes on returning the last state, with `fault` set, and recovers by itself."""

    @property
    def fault(self) -> str:
        """Why it cannot follow commands now; empty while it can."""
        ...

    def idle(self, command: Array, imposed: Disturbance) -> EffectorState:
        """One period in the fail state, of which `command` is the command, instead of `step`. The device may stop
        writing where silence is safe, so that its own watchdog can fire. Never sleeps."""
        ...

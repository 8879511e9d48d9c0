"""The seam between policies and bodies: what every effector, simulated or real, is and does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState

Array = NDArray[np.float64]
Initial = Mapping[str, float | tuple[float, float]]
"""A start by channel of the state: the position (rad, m; 0..1 for an activation), or position and velocity. Channels
that it does not name keep the effector's own start."""


@runtime_checkable
class Effector(Protocol):
    """Four members; constructing opens nothing and moves nothing."""

    @property
    def spec(self) -> EffectorSpec:
        """Known before anything is opened, and the same for ever."""
        ...

    def reset(self, seed: int) -> EffectorState:
        """Go to the start.

        Simulation: a defined state, at once. Hardware: a safe pose, slowly. The first call opens the device.

        Args:
            seed: of whatever is random in the start; the same seed gives the same start.

        Returns:
            The state at the start.

        Raises:
            EffectorError: the device cannot be opened.
        """
        ...

    def step(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """Apply a command for one period `spec.dt`. Never sleeps.

        Args:
            command: (n_command,) in the units and the order of `spec.command`, finite and within its bounds. It is the
                caller's own and must not be changed or kept.
            disturbance: what acts on the body from outside in this period, at `spec.sites` only.

        Returns:
            The state at the end of the period, which no later call changes.

        Raises:
            EffectorError: a simulation diverged.
        """
        ...

    def close(self) -> None:
        """Enter the fail state and release the device; safe to call twice."""
        ...


@runtime_checkable
class Simulation(Effector, Protocol):
    """An effector that can begin anywhere, and be saved and resumed."""

    def reset(self, seed: int, initial: Initial | None = None) -> EffectorState:
        """Go to the start, or to one of the caller's own.

        Args:
            seed: as for every effector.
            initial: values by channel of `root`, `joints`, `activation` and `objects`, and properties of objects for
                this trial, such as `ball1/mass` (kg); None: the effector's own start.

        Returns:
            The state at the start.

        Raises:
            ConfigError: a channel that cannot be put anywhere, or a value that is not finite.
        """
        ...

    def get_state(self) -> Array:
        """All that the future depends on.

        Returns:
            (n,) numbers that `set_state` of an effector with the same model takes; what they are is its own matter.
        """
        ...

    def set_state(self, state: Array) -> EffectorState:
        """Continue from a moment: the same commands give the same states, bit for bit.

        Args:
            state: (n,) from `get_state`.

        Returns:
            The state of that moment.

        Raises:
            ConfigError: not a state of this model.
        """
        ...


@runtime_checkable
class Device(Effector, Protocol):
    """An effector that can be lost, and that learns when nobody commands it.

    Its `step` never raises for a lost device: it goes on returning the last state, with `fault` set, and recovers by
    itself."""

    @property
    def fault(self) -> str:
        """Why it cannot follow commands now; empty while it can."""
        ...

    def idle(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """One period in the fail state, instead of `step`.

        The device may stop writing where silence is safe, so that its own watchdog can fire. Never sleeps.

        Args:
            command: (n_command,) the command of the fail state.
            disturbance: as for `step`.

        Returns:
            The state at the end of the period.
        """
        ...

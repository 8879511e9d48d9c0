"""Protocol of a controller: a policy or decoder fitted to one effector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.perturbation_plan import PerturbationEntry

Array = NDArray[np.float64]


class Controller(Protocol):
    """A policy fitted to one effector: observations in, commands in the effector's order out."""

    name: str
    policy: Any
    contract: Contract
    fresh: bool
    """Whether the newest update computed a new command."""

    @property
    def period(self) -> int:
        """Updates from one computed command to the next."""
        ...

    @property
    def command(self) -> Array | None:
        """The newest command, shape (n_command,), in the units of the effector's command; None before the first."""
        ...

    def reset(self) -> None:
        """Forget the past, as at the start of a trial."""
        ...

    def on_activate(self, last_command: Array) -> None:
        """Go on from what another controller commanded, or from where the effector is.

        Args:
            last_command: shape (n_command,), in the order of the effector's command.
        """
        ...

    def perturb(self, entries: Sequence[PerturbationEntry]) -> None:
        """Apply these perturbations to what is observed and remembered, in place of those before.

        Args:
            entries: those of the sites `observation` and `hidden`.

        Raises:
            Refused: one of them cannot be applied; all others are.
        """
        ...

    def update(self, table: Array, moment: Moment) -> Array:
        """The command after an observation.

        Args:
            table: of a policy (3, n_channels): position, velocity and effort of the effector's channels and the
                task's; of a decoder (n_samples, n_emg): conditioned EMG.
            moment: its time, the trial that runs, and what draws noise.

        Returns:
            Shape (n_command,), in the order and units of the effector's command; NaN where the policy returns that.

        Raises:
            ContractError: the policy cannot be run any more.
        """
        ...

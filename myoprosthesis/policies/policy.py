"""Switching between controllers without a jump of the command."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract

Array = NDArray[np.float64]


class Policy(Protocol):
    """Anything with a contract that turns observations into actions."""

    contract: Contract

    def step(self, observation: NDArray[np.float32]) -> Array:
        """Action for an observation."""
        ...

    def reset(self) -> None:
        """Recurrent state as at the start of a trial."""
        ...

    @property
    def hidden(self) -> NDArray[np.float32]:
        """All recurrent state, flat."""
        ...


@runtime_checkable
class StatefulPolicy(Protocol):
    """A policy that can also be given its recurrent state."""

    def prepare_changes(self) -> None:
        """Make ready for `change`; raises `ContractError` where that is not possible."""
        ...

    def change(self, hidden: NDArray[np.float32]) -> Array:
        """Put `hidden`, flat, in place of all recurrent state; the action for the newest observation then."""
        ...

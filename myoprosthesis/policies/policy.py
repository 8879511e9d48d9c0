"""Protocols of a policy, which turns observations into actions, and of one whose recurrent state can be set."""

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
        """The action for an observation.

        Args:
            observation: shape (n_observation,), the contract's terms in their order and units. It is left as it is.

        Returns:
            Shape (n_action,), in the order and units of `contract.action`.

        Raises:
            ContractError: the policy cannot be run any more.
        """
        ...

    def reset(self) -> None:
        """Set the recurrent state to that of the start of a trial."""
        ...

    @property
    def hidden(self) -> NDArray[np.float32]:
        """All recurrent state, flat, shape (n_hidden,); empty without any."""
        ...


@runtime_checkable
class StatefulPolicy(Protocol):
    """A policy whose recurrent state can be set from outside."""

    def prepare_readout(self) -> None:
        """Make `set_hidden` ready, which may take half a millisecond.

        Raises:
            ContractError: the action is not read from the recurrent state alone.
        """
        ...

    def set_hidden(self, hidden: NDArray[np.float32]) -> Array:
        """Replace all recurrent state.

        Args:
            hidden: shape (n_hidden,), flat.

        Returns:
            The action for the newest observation, shape (n_action,), read from this state.
        """
        ...

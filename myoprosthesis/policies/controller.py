"""Switching between controllers without a jump of the command."""

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
    """A policy fitted to one effector: what it hears in, a command in the effector's order out."""

    name: str
    policy: Any
    contract: Contract
    fresh: bool
    """Whether the newest command was computed anew."""

    @property
    def period(self) -> int:
        """It answers every so many tables that it hears."""
        ...

    @property
    def command(self) -> Array | None:
        """The newest command; None before the first."""
        ...

    def reset(self) -> None:
        """As at the start of a trial."""
        ...

    def adopt(self, command: Array) -> None:
        """The effector was commanded this until now, by another."""
        ...

    def perturb(self, entries: Sequence[PerturbationEntry]) -> str:
        """Distort what is heard; empty, or why part of it cannot be done."""
        ...

    def hear(self, table: Array, moment: Moment) -> Array:
        """The command after this table."""
        ...

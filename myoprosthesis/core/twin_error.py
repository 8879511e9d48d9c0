"""What was commanded, what the twin does, what the hand does: the differences between them, by joint name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TwinError:
    """Errors of twin and hand against the command, and of the hand against the twin.

    rad (m for sliding joints), shape (n,) each, in the order of `names`; NaN where unknown.
    """

    names: tuple[str, ...]
    twin: Array
    measured: Array
    apart: Array

    @property
    def channels(self) -> tuple[str, ...]:
        """`<joint>/twin`, `<joint>/measured`, `<joint>/apart`: the names of `values`."""
        return tuple(f"{joint}/{kind}" for kind in ("twin", "measured", "apart") for joint in self.names)

    @property
    def values(self) -> Array:
        """All differences, shape (3 n,), in the order of `channels`."""
        return np.concatenate([self.twin, self.measured, self.apart])

    @property
    def worst(self) -> tuple[str, float]:
        """The joint in which hand and twin are furthest apart, and how far; of no known one: ('', 0)."""
        if np.isnan(self.apart).all():
            return "", 0.0
        k = int(np.nanargmax(np.abs(self.apart)))
        return self.names[k], float(self.apart[k])


class TwinComparison:
    """Compares three postures by the names of their joints.

    The joints that all three have, in the order of the command; raises `ConfigError` when there are none.
    """

    def __init__(self, commanded: Sequence[str], twin: Sequence[str], measured: Sequence[str]) -> None:
        self.names = tuple(n for n in commanded if n in twin and n in measured)
        if not self.names:
            raise ConfigError(
                f"no joint is in all three: commanded are {', '.join(commanded)}; the twin has {', '.join(twin)}; "
                f"measured are {', '.join(measured)}"
            )
        self._columns = [[names.index(n) for n in self.names] for names in map(list, (commanded, twin, measured))]

    def __call__(self, commanded: ArrayLike, twin: ArrayLike, measured: ArrayLike) -> TwinError:
        """The differences of three postures, each in the order of the names it was announced with."""
        postures = (np.asarray(x, float)[k] for x, k in zip((commanded, twin, measured), self._columns, strict=True))
        command, simulated, real = postures
        return TwinError(self.names, simulated - command, real - command, real - simulated)

"""Named, bounded channels: what a command or an action consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.json_value import number, text
from myoprosthesis.core.text import brief

FIELDS = ("position", "velocity", "effort")
"""The rows of a state table, in the order of sensor_msgs/JointState."""


@dataclass(frozen=True)
class Channels:
    """Named, bounded channels in one field of a JointState.

    `quantity` is that field: `position` where every channel is a target of a place (rad or m), else `effort`, such as
    muscle excitation (0..1). `low` and `high` are bounds in `unit`, one per name; `unit` is one for all, or one per
    name where they differ."""

    quantity: str
    names: tuple[str, ...]
    unit: str | tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.quantity not in FIELDS:
            raise ContractError(f"channel quantity {self.quantity!r} is none of {', '.join(FIELDS)}")
        if not len(self.names) == len(self.low) == len(self.high):
            raise ContractError(
                f"{len(self.names)} channel names with {len(self.low)} lower and {len(self.high)} upper bounds: "
                "each name needs both"
            )
        if not isinstance(self.unit, str):
            if len(self.unit) != len(self.names):
                count = f"{len(self.names)} channel names with {len(self.unit)} units"
                raise ContractError(f"{count}: one for all, or one for each is needed")
            if len(set(self.unit)) == 1:
                object.__setattr__(self, "unit", self.unit[0])
        if len(set(self.names)) != len(self.names):
            raise ContractError(f"channel names are not unique: {', '.join(self.names)}")
        if not all(np.isfinite(lo) and np.isfinite(hi) and lo < hi for lo, hi in zip(self.low, self.high, strict=True)):
            raise ContractError("every channel needs finite bounds with low < high")

    @property
    def size(self) -> int:
        """Number of channels."""
        return len(self.names)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each channel."""
        return (self.unit,) * len(self.names) if isinstance(self.unit, str) else self.unit

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`(low, high)` as arrays of shape (n,)."""
        return np.array(self.low, float), np.array(self.high, float)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Channels:
        """Inverse of `to_dict`."""
        return cls(
            quantity=text(data["quantity"], "quantity"),
            names=tuple(text(n, "the name of a channel") for n in data["names"]),
            unit=unit if isinstance(unit := data["unit"], str) else tuple(text(u, "a unit") for u in unit),
            low=tuple(number(x, "a lower limit") for x in data["low"]),
            high=tuple(number(x, "an upper limit") for x in data["high"]),
        )


def same_unit(one: str, other: str) -> bool:
    """Whether two texts name the same unit: `N·m`, `N*m`, `N m` and `Nm` do, `deg` and `rad` do not."""
    return _plain_unit(one) == _plain_unit(other)


def _plain_unit(unit: str) -> str:
    text = "".join(c for c in unit.strip() if c not in "·⋅*. ")
    return {"radian": "rad", "radians": "rad", "metre": "m", "meter": "m", "": "1"}.get(text, text)


def permutation(wanted: Sequence[str], available: Sequence[str]) -> NDArray[np.intp]:
    """Indices `i` with `available[i[k]] == wanted[k]`; raises `ContractError` naming the first difference."""
    where = {name: i for i, name in enumerate(available)}
    if len(where) != len(available):
        twice = next(name for i, name in enumerate(available) if where[name] != i)
        raise ContractError(f"channel {brief(twice)!r} is there twice")
    for name in wanted:
        if name not in where:
            raise ContractError(f"channel {name!r} is wanted but not there; there are: {_listed(available)}")
    known = set(wanted)
    for name in available:
        if name not in known:
            raise ContractError(f"channel {brief(name)!r} is there but not wanted; wanted are: {_listed(wanted)}")
    return np.array([where[name] for name in wanted], np.intp)


def reorder(wanted: Sequence[str], names: Sequence[str]) -> NDArray[np.intp] | None:
    """The `permutation` that brings values of `names` into the order `wanted`; None where nothing moves."""
    order = permutation(wanted, names)
    return None if np.array_equal(order, np.arange(order.size)) else order


def _listed(names: Sequence[str]) -> str:
    """Names for a sentence, which nobody reads when it is longer than a page."""
    return brief(", ".join(names[:200]), 2000)

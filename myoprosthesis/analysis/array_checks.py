"""What the functions of this folder accept: finite arrays of the shape that they name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.errors import DataError

Array = NDArray[np.float64]


def finite(value: ArrayLike, name: str, *shape: str | int) -> Array:
    """`value` as an array of floats with the axes of `shape`: a name for a free length, a number for a fixed one.

    Raises `DataError` for another shape, for none at all along an axis, and for numbers that are not finite.
    """
    try:
        x = np.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not an array of numbers of shape {_shape_text(shape)}: {error}") from None
    fits = x.ndim == len(shape) and all(isinstance(s, str) or s == n for s, n in zip(shape, x.shape, strict=True))
    if not fits or 0 in x.shape:
        raise DataError(f"{name} has shape {x.shape}, expected {_shape_text(shape)} and no axis empty")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        where = tuple(bad[0].tolist())
        raise DataError(f"{name} has {len(bad)} values that are not finite, the first at {where}; leave them out first")
    return x


def alike(a: Array, b: Array, names: str) -> None:
    """Refuses two arrays of different shapes."""
    if a.shape != b.shape:
        raise DataError(f"{names} have shapes {a.shape} and {b.shape}, expected the same")


def positive(value: float, name: str) -> float:
    """`value` when it is finite and above zero."""
    if not (np.isfinite(value) and value > 0):
        raise DataError(f"{name} is {value!r}, expected a number above 0")
    return float(value)


def whole(value: int, name: str, low: int, high: int) -> int:
    """`value` when it is a whole number from `low` to `high`, both included."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise DataError(f"{name} is {value!r}, expected a whole number from {low} to {high}")
    return int(value)


def _shape_text(shape: Sequence[str | int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"

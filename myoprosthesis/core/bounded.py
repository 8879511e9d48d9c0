"""Values within bounds, where what is not finite is seen before it is clipped: a clipped infinity is full scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.errors import EffectorError

Array = NDArray[np.float64]


def bounded(values: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
    """`values` within `low` and `high`; NaN where a value is not finite."""
    numbers = np.asarray(values, float)
    return np.where(np.isfinite(numbers), np.minimum(np.maximum(numbers, low), high), np.nan)


def finite(values: Array) -> Array:
    """`values`, which go into the bytes of a device; raises `EffectorError` where one is not finite."""
    if not np.isfinite(values).all():
        raise EffectorError(f"targets that are not finite cannot be sent: {np.array2string(values, precision=4)}")
    return values

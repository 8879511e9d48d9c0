"""Amplitude of a window, read from its features: what the speed of a movement is scaled by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.decoders.features import TDPSD_POWER

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Amplitude:
    """Mean over channels of the mean absolute value, or of the root of the sum of squares where `tdpsd` replaces it.

    In the unit of the samples; the latter grows with the root of the window's length. `mav` itself makes LDA worse
    beside `tdpsd` and `log_cov`: 0.7 points between sessions.
    """

    columns: NDArray[np.intp]
    powers: bool
    """The columns are the first values of `tdpsd`: the logarithm of a power of the root of the sum of squares."""

    @classmethod
    def of(cls, names: Sequence[str]) -> Amplitude | None:
        """From the names of the features' values; None: they tell no amplitude."""
        for end in ("/mav", "/tdpsd1"):
            columns = [k for k, name in enumerate(names) if name.endswith(end)]
            if columns:
                return cls(np.array(columns, np.intp), end == "/tdpsd1")
        return None

    def __call__(self, x: Array) -> Array:
        """Amplitude (n,) of features (n, n_features)."""
        own = x[:, self.columns]
        if self.powers:
            own = (TDPSD_POWER * np.exp(own)) ** (1 / TDPSD_POWER)
        return np.asarray(own.mean(axis=1))

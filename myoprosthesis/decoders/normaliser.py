"""Normalisation of features: mean and scale of the windows of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.onnx_graphs.graph_builder import CLIP

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Normalises features to (x − mean) · scale; both have shape (n_features,) and come from the windows of the fit."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, x: Array) -> Normaliser:
        """Mean and reciprocal standard deviation of `x` (n, n_features); a constant feature becomes 0."""
        sd = x.std(axis=0)
        return cls(x.mean(axis=0), np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > 1e-12))

    def __call__(self, x: Array) -> Array:
        """Normalised and clipped features, as the input of the layers."""
        return np.clip((x - self.mean) * self.scale, -CLIP, CLIP)

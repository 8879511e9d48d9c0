"""A fitted model as plain arrays: normaliser, layers, output, and what it knows of the features it was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CLIP = 10.0
"""A normalised feature is clipped to ± this before the layers."""
NOVELTY = "novelty"
"""The last channel of every decoder's action: the distance from what was fitted, about 1 for the familiar."""
NOVELTY_MAX = 1e6


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Features become (x − mean) · scale; both (n_features,), from the fitted windows alone."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, x: Array) -> Normaliser:
        """Mean and reciprocal standard deviation of `x` (n, n_features); a constant feature becomes 0."""
        sd = x.std(axis=0)
        return cls(x.mean(axis=0), np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > 1e-12))

    def __call__(self, x: Array) -> Array:
        """Normalised and clipped features, as the layers see them."""
        return np.clip((x - self.mean) * self.scale, -CLIP, CLIP)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers (weights (n_in, n_out), bias (n_out,)) with ReLU between them; `output`: softmax, sigmoid or linear."""

    layers: tuple[tuple[Array, Array], ...]
    output: str

    def __call__(self, z: Array) -> Array:
        """Scores or values (n, n_out) for normalised features (n, n_in)."""
        for k, (weights, bias) in enumerate(self.layers):
            z = (np.maximum(z, 0.0) if k else z) @ weights + bias
        if self.output == "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return np.asarray(e / e.sum(axis=1, keepdims=True))
        return 1 / (1 + np.exp(-z)) if self.output == "sigmoid" else z


@dataclass(frozen=True, eq=False)
class Familiarity:
    """How far features lie from all that was fitted: the Mahalanobis distance to the nearest of `centres` (k, n) of
    normalised features after `whiten` (n, n), over √n, so that fitted features lie at about 1."""

    whiten: Array
    centres: Array

    @classmethod
    def of(cls, z: Array, groups: NDArray[np.intp]) -> Familiarity:
        """From normalised features (n, n_features) and the number of each row's class; covariance within classes,
        shrunk as Ledoit & Wolf 2004 (doi 10.1016/S0047-259X(03)00096-4)."""
        from sklearn.covariance import ledoit_wolf

        kinds = np.unique(groups)
        means = np.array([z[groups == k].mean(axis=0) for k in kinds])
        within = z - means[np.searchsorted(kinds, groups)]
        covariance, _ = ledoit_wolf(within, assume_centered=True)
        values, vectors = np.linalg.eigh(covariance)
        whiten = vectors / np.sqrt(np.maximum(values, 1e-3)) / np.sqrt(z.shape[1])
        return cls(whiten, means @ whiten)

    def __call__(self, z: Array) -> Array:
        """Distances (n,) of normalised features (n, n_features)."""
        y = z @ self.whiten
        square = ((y[:, None, :] - self.centres[None]) ** 2).sum(axis=2)
        return np.asarray(np.sqrt(square.min(axis=1)))

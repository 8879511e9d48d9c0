"""Detector of features unlike those of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


NOVELTY = "novelty"
"""Last channel of every decoder's action: the distance from the features of the fit, which themselves lie at about
1."""
NOVELTY_MAX = 1e6


@dataclass(frozen=True, eq=False)
class NoveltyDetector:
    """Distance of features from those of the fit.

    The Mahalanobis distance to the nearest of `centres` (k, n) of normalised features after `whiten` (n, n), over √n,
    so that the features of the fit lie at about 1.
    """

    whiten: Array
    centres: Array

    @classmethod
    def of(cls, z: Array, groups: NDArray[np.intp]) -> NoveltyDetector:
        """Fit to normalised features (n, n_features) and the number of each row's class.

        Covariance within classes, shrunk by Ledoit & Wolf 2004 (doi 10.1016/S0047-259X(03)00096-4).
        """
        from sklearn.covariance import ledoit_wolf

        classes = np.unique(groups)
        means = np.array([z[groups == k].mean(axis=0) for k in classes])
        within = z - means[np.searchsorted(classes, groups)]
        covariance, _ = ledoit_wolf(within, assume_centered=True)
        values, vectors = np.linalg.eigh(covariance)
        whiten = vectors / np.sqrt(np.maximum(values, 1e-3)) / np.sqrt(z.shape[1])
        return cls(whiten, means @ whiten)

    def __call__(self, z: Array) -> Array:
        """Distances (n,) of normalised features (n, n_features)."""
        y = z @ self.whiten
        square = ((y[:, None, :] - self.centres[None]) ** 2).sum(axis=2)
        return np.asarray(np.sqrt(square.min(axis=1)))

"""How well a condition can be told from movements that are seen along a band of principal components."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.analysis.array_checks import Array, finite, whole
from myoprosthesis.core.errors import DataError

Bands = Sequence[tuple[int, int]]
"""First and last component of each, from 1 on, both included."""


def bands(count: int, width: int) -> list[tuple[int, int]]:
    """Bands of `width` components out of `count`; the last one may be narrower."""
    whole(width, "width", 1, 1_000_000)
    return [(first, min(first + width - 1, count)) for first in range(1, count + 1, width)]


def decodability(trials: ArrayLike, labels: ArrayLike, components: Bands, folds: int = 5, seed: int = 0) -> Array:
    """(n_bands,) share of held-out trials whose label a linear decoder tells from one band of components.

    As in Chiappa et al. 2024 (doi 10.1016/j.neuron.2024.09.002), a trial is all of its samples along the components;
    here the components too are fitted without the trials that are held out, and the linear discriminant has the
    shrinkage of Ledoit & Wolf, since a trial has more numbers than there are trials.

    Args:
        trials: Shape (n_trials, n_samples, n_channels).
        labels: Shape (n_trials,), of two values or more, each of at least `folds` trials.
        components: The bands.
        folds: Parts of the trials, each of which is held out once; all labels are in each.
        seed: Of the division into parts.

    Raises:
        DataError: Too few trials of a label, or trials of a label that are all the same, on which nothing is tested.
    """
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import StratifiedKFold

    x = finite(trials, "trials", "n_trials", "n_samples", "n_channels")
    y: NDArray[np.generic] = np.asarray(labels)
    if y.shape != (len(x),):
        raise DataError(f"labels have shape {y.shape}, expected one for each of {len(x)} trials")
    whole(folds, "folds", 2, 1000)
    values, counts = np.unique(y, return_counts=True)
    if len(values) < 2 or counts.min() < folds:
        got = ", ".join(f"{n} of {value}" for value, n in zip(values, counts, strict=True))
        raise DataError(f"{folds} parts need two labels of {folds} trials each, got {got}")
    if any(np.ptp(x[y == value], axis=0).max() == 0 for value in values):
        raise DataError("all trials of a label are the same: vary their start, or what is held out is what was fitted")
    right = np.zeros(len(components))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        fit = PCA(svd_solver="full").fit(x[train].reshape(-1, x.shape[2]))
        for k, (first, last) in enumerate(components):
            whole(last, "the last component of a band", first, x.shape[2])
            axes = fit.components_[first - 1 : last]
            known, held = (((x[part] - fit.mean_) @ axes.T).reshape(len(part), -1) for part in (train, test))
            decoder = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(known, y[train])
            right[k] += (decoder.predict(held) == y[test]).sum()
    return right / len(x)

"""Hidden states of a network along axes that all conditions share.

States have shape (n_conditions, n_samples, n_units): one movement, or one mean movement, per condition, aligned in
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.analysis.array_checks import Array, alike, finite, whole
from myoprosthesis.core import axes_file as core
from myoprosthesis.core.errors import DataError


@dataclass(frozen=True, eq=False)
class Axes:
    """Orthonormal axes in the space of the units, by falling variance."""

    mean: Array
    """(n_units,) where the axes cross."""
    components: Array
    """(n_axes, n_units) unit vectors; of each the largest entry is positive."""
    variance: Array
    """(n_axes,) share of the total variance of the states that they were fitted on."""

    def project(self, states: ArrayLike) -> Array:
        """Coordinates (…, n_axes) of states (…, n_units): the trajectories, condition by condition."""
        x = np.asarray(states, float)
        x = finite(x, "states", *[f"n_{i}" for i in range(x.ndim - 1)], len(self.mean))
        return (x - self.mean) @ self.components.T

    def restore(self, coordinates: ArrayLike) -> Array:
        """States (…, n_units) at coordinates (…, n_axes): inverse of `project` within the axes."""
        z = np.asarray(coordinates, float)
        z = finite(z, "coordinates", *[f"n_{i}" for i in range(z.ndim - 1)], len(self.components))
        return self.mean + z @ self.components

    def write(self, path: Path) -> None:
        """Keep mean and components in an .npz or .csv, from which perturbations of the hidden state read them."""
        core.write(path, self.mean, self.components)


def shared_axes(states: ArrayLike, count: int | None = None) -> Axes:
    """The first `count` principal axes (all when None) of all conditions' states taken together.

    One set of axes for every condition, so that their trajectories may be compared, as in Churchland et al. 2012
    (doi 10.1038/nature11129); the mean taken off is that over conditions and time. Units are not rescaled.
    """
    from sklearn.decomposition import PCA

    x = finite(states, "states", "n_conditions", "n_samples", "n_units")
    flat = x.reshape(-1, x.shape[2])
    most = min(len(flat) - 1, flat.shape[1])
    if most < 1 or not np.ptp(flat, axis=0).any():
        raise DataError("states that never change have no axes")
    fit = PCA(most if count is None else whole(count, "count", 1, most), svd_solver="full").fit(flat)
    # scikit-learn does the same since 1.5; before, signs depended on the samples
    largest = np.abs(fit.components_).argmax(axis=1)
    sign = np.sign(fit.components_[np.arange(len(largest)), largest])
    return Axes(fit.mean_, fit.components_ * sign[:, None], fit.explained_variance_ratio_)


def variance_accounted(states: ArrayLike, axes: Axes) -> Array:
    """(n_conditions, n_axes) cumulative share of each condition's own variance over time that the axes hold.

    With axes of other conditions this says how far the subspace is shared (compare the alignment index of Elsayed et
    al. 2016, doi 10.1038/ncomms13239). A condition that never changes has no variance to share and is refused.
    """
    x = finite(states, "states", "n_conditions", "n_samples", len(axes.mean))
    moved = x - x.mean(axis=1, keepdims=True)
    total = (moved**2).sum(axis=(1, 2))
    if not total.all():
        raise DataError(f"condition {int(total.argmin())} never changes, so has no variance to account for")
    return np.cumsum(((moved @ axes.components.T) ** 2).sum(axis=1), axis=1) / total[:, None]


def components_for(axes: Axes, share: float) -> int:
    """How many of the axes account for `share` of the total variance, as 0.95."""
    if not 0 < share <= 1:
        raise DataError(f"share is {share!r}, expected a number above 0, at most 1")
    enough = np.flatnonzero(np.cumsum(axes.variance) >= share - 1e-12)
    if not len(enough):
        raise DataError(
            f"the {len(axes.variance)} axes account for {axes.variance.sum():.3f}, less than {share:g}; fit more"
        )
    return int(enough[0]) + 1


def distance(a: ArrayLike, b: ArrayLike) -> Array:
    """(n_samples,) Euclidean distance over time between two trajectories (n_samples, n_units or n_axes)."""
    x, y = finite(a, "a", "n_samples", "n_units"), finite(b, "b", "n_samples", "n_units")
    alike(x, y, "a and b")
    return np.linalg.norm(x - y, axis=1)


def distances(states: ArrayLike) -> Array:
    """(n_samples, n_conditions, n_conditions) distance over time between every two conditions; symmetric."""
    x = finite(states, "states", "n_conditions", "n_samples", "n_units").transpose(1, 0, 2)
    return np.linalg.norm(x[:, :, None] - x[:, None], axis=3)


def spread(states: ArrayLike) -> Array:
    """(n_samples,) mean distance over time between two different conditions.

    It shows whether the trajectories start together and meet again near the target.
    """
    d = distances(states)
    n = d.shape[1]
    if n < 2:
        raise DataError("one condition has no distance to another, expected at least 2")
    return np.asarray(d.sum(axis=(1, 2)) / (n * (n - 1)))


def principal_angles(a: Axes, b: Axes) -> Array:
    """(min n_axes,) angles (rad) between two subspaces, rising; 0 where they share a direction, π/2 where none.

    By `scipy.linalg.subspace_angles` (Björck & Golub 1973, doi 10.1090/S0025-5718-1973-0348991-3).
    """
    from scipy.linalg import subspace_angles

    if a.components.shape[1] != b.components.shape[1]:
        raise DataError(
            f"axes of {a.components.shape[1]} and {b.components.shape[1]} units have no angles between them"
        )
    angles: Array = subspace_angles(a.components.T, b.components.T)
    return angles[::-1]

"""Muscle synergies and what depends on them: factors, variance accounted for, similarity, subspaces of the control.

Muscle activity is an envelope, activation or action of shape (n_samples, n_muscles).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.analysis.array_checks import Array, alike, finite, whole
from myoprosthesis.analysis.intervals import Band, Interval
from myoprosthesis.core.errors import DataError

METHODS = ("nmf", "pca")


@dataclass(frozen=True, eq=False)
class Synergies:
    """activity ≈ mean + activation @ weights."""

    weights: Array
    """(n_synergies, n_muscles), each of length 1; by falling share of the activity."""
    activation: Array
    """(n_samples, n_synergies), in the unit of the activity."""
    mean: Array
    """(n_muscles,) taken off before; zero for NMF."""

    def restore(self) -> Array:
        """(n_samples, n_muscles) activity that the synergies make."""
        return self.mean + self.activation @ self.weights


@dataclass(frozen=True, eq=False)
class Match:
    """Which synergy of one set goes with which of another, and how alike they are."""

    pairs: tuple[tuple[int, int], ...]
    """Indices in the first and in the second set; as many as the smaller set has, by the first."""
    cosine: Array
    """(n_pairs,) cosine between the weights of each pair."""

    @property
    def mean(self) -> float:
        """Mean cosine of the pairs."""
        return float(self.cosine.mean())


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Synergies of all trials together, and how far they depend on which trials were made."""

    synergies: Synergies
    vaf: Interval
    """Global variance accounted for."""
    vaf_per_muscle: Band
    """(n_muscles,)."""
    weights: Band
    """(n_synergies, n_muscles), resampled sets matched to the synergies of all trials."""
    similarity: Interval
    """Mean cosine between the synergies of all trials and those of a resampled set."""


@dataclass(frozen=True, eq=False)
class Subspace:
    """Principal components of a policy's actions, to inactivate some of them while it runs."""

    mean: Array
    """(n_muscles,)."""
    components: Array
    """(n_components, n_muscles) orthonormal, by falling variance."""
    variance: Array
    """(n_components,) share of the variance of the actions."""

    def keep(self, components: int | Sequence[int]) -> tuple[Array, Array]:
        """Matrix P (n_muscles, n_muscles) and offset c (n_muscles,): the projected action is P a + c.

        `components`: the number of first components, or the indices of those to keep; the mean action always is.
        """
        most = len(self.components)
        if isinstance(components, int | np.integer) and not isinstance(components, bool):
            chosen = list(range(whole(int(components), "components", 0, most)))
        else:
            chosen = [whole(i, "a component", 0, most - 1) for i in components]  # type: ignore[union-attr]
            if len(set(chosen)) < len(chosen):
                raise DataError(f"components {chosen} name one twice")
        kept = self.components[chosen]
        matrix = kept.T @ kept
        return matrix, self.mean - matrix @ self.mean

    def project(self, action: ArrayLike, components: int | Sequence[int]) -> Array:
        """Actions (…, n_muscles) of which only `components` are left, as in `keep`.

        They may leave the range that the effector takes: clip them as the policy's own are.
        """
        a = np.asarray(action, float)
        a = finite(a, "action", *[f"n_{i}" for i in range(a.ndim - 1)], len(self.mean))
        matrix, offset = self.keep(components)
        return a @ matrix + offset


def nmf(activity: ArrayLike, count: int, seed: int = 0, starts: int = 5) -> Synergies:
    """`count` non-negative synergies by non-negative matrix factorisation (Lee & Seung 1999, doi 10.1038/44565).

    Synchronous muscle synergies as in Tresch et al. 2006 (doi 10.1152/jn.00222.2005). The best of one start from the
    singular vectors and `starts` − 1 random ones is taken. Raises `DataError` for activity below zero. Scale muscles to
    comparable size first (MVC, unit variance), or the strong ones decide.
    """
    x = finite(activity, "activity", "n_samples", "n_muscles")
    whole(starts, "starts", 1, 10_000)
    if x.min() < 0:
        raise DataError(f"activity goes down to {x.min():.3g}, expected none below 0 for NMF; rectify it or use PCA")
    _countable(x, count)
    factorisations = [_factors(x, count, "nndsvda", seed)]
    factorisations += [_factors(x, count, "random", seed + i) for i in range(1, starts)]
    return min(factorisations, key=lambda s: float(((x - s.restore()) ** 2).sum()))


def pca(activity: ArrayLike, count: int) -> Synergies:
    """`count` synergies as principal components of the activity; of each the largest weight is positive.

    Compared with NMF and others in Tresch et al. 2006 (doi 10.1152/jn.00222.2005).
    """
    from sklearn.decomposition import PCA

    x = finite(activity, "activity", "n_samples", "n_muscles")
    _countable(x, count)
    fit = PCA(count, svd_solver="full").fit(x)
    # scikit-learn does the same since 1.5; before, signs depended on the samples
    sign = np.sign(fit.components_[np.arange(count), np.abs(fit.components_).argmax(axis=1)])
    weights = fit.components_ * sign[:, None]
    return Synergies(weights, (x - fit.mean_) @ weights.T, fit.mean_)


def vaf(activity: ArrayLike, restored: ArrayLike, centre: bool = False) -> float:
    """Global variance accounted for, 1 − Σ(x − x̂)² / Σx²; with `centre`, Σ(x − mean)² below, as suits PCA.

    Without centring as in Torres-Oviedo et al. 2006 (doi 10.1152/jn.00810.2005), which is the stricter about muscles
    that are always on and the milder elsewhere; at most 1, below 0 when zero would have been nearer.
    """
    x, total = _power(activity, centre)
    y = finite(restored, "restored", "n_samples", "n_muscles")
    alike(x, y, "activity and restored")
    return 1 - float(((x - y) ** 2).sum() / total.sum())


def vaf_per_muscle(activity: ArrayLike, restored: ArrayLike, centre: bool = False) -> Array:
    """(n_muscles,) `vaf` of each muscle by itself; NaN for a muscle that was silent (or constant, with `centre`)."""
    x, total = _power(activity, centre)
    y = finite(restored, "restored", "n_samples", "n_muscles")
    alike(x, y, "activity and restored")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, 1 - ((x - y) ** 2).sum(axis=0) / total, np.nan)


def vaf_curve(activity: ArrayLike, method: str = "nmf", most: int | None = None, seed: int = 0) -> Array:
    """(most,) global variance accounted for by 1, 2, … `most` synergies (all when None); centred for "pca"."""
    x = finite(activity, "activity", "n_samples", "n_muscles")
    most = min(x.shape) if most is None else most
    return np.array([_vaf(x, _extract(x, n, method, seed), method) for n in range(1, most + 1)])


def count_for(activity: ArrayLike, threshold: float = 0.9, per_muscle: float = 0.0, method: str = "nmf",
              seed: int = 0) -> int:  # fmt: skip
    """The fewest synergies with which the global variance accounted for is at least `threshold`.

    With `per_muscle`, also that of every muscle that was ever active: 0.9 and 0.75 in Torres-Oviedo et al. 2006
    (doi 10.1152/jn.00810.2005), 0.9 globally in Clark et al. 2010 (doi 10.1152/jn.00825.2009).
    """
    x = finite(activity, "activity", "n_samples", "n_muscles")
    for name, value in (("threshold", threshold), ("per_muscle", per_muscle)):
        if not 0 <= value <= 1:
            raise DataError(f"{name} is {value!r}, expected a number from 0 to 1")
    reached = 0.0
    for n in range(1, min(x.shape) + 1):
        synergies = _extract(x, n, method, seed)
        reached = _vaf(x, synergies, method)
        if reached >= threshold and np.nanmin(vaf_per_muscle(x, synergies.restore(), method == "pca")) >= per_muscle:
            return n
    raise DataError(f"{min(x.shape)} synergies account for {reached:.3f}, less than asked; lower the thresholds")


def similarity(a: ArrayLike, b: ArrayLike) -> Match:
    """The matching of two sets of weights (n_synergies, n_muscles) with the largest sum of cosines.

    By `scipy.optimize.linear_sum_assignment`, each synergy used once; the sets may differ in size. Muscles must be the
    same in the same order. Cosines as measure of similarity: d'Avella et al. 2003 (doi 10.1038/nn1010).
    """
    x, y = finite(a, "a", "n_synergies", "n_muscles"), finite(b, "b", "n_synergies", "n_muscles")
    if x.shape[1] != y.shape[1]:
        raise DataError(f"a and b have {x.shape[1]} and {y.shape[1]} muscles, expected the same ones")
    lengths = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    if not (lengths[0].all() and lengths[1].all()):
        raise DataError("a synergy whose weights are all zero has no direction, leave it out")
    return _matched((x @ y.T) / np.outer(*lengths))


def bootstrap(
    trials: ArrayLike, count: int, method: str = "nmf", seed: int = 0, *, level: float = 0.95, resamples: int = 200
) -> Bootstrap:
    """`count` synergies of trials (n_trials, n_samples, n_muscles), with percentile intervals over resampled trials.

    Whole trials or cycles are drawn with replacement, as samples within one are not independent; the synergies of each
    draw are matched to those of all trials by `similarity` (in the way of Cheung et al. 2009,
    doi 10.1073/pnas.0910114106, who resampled to compare sets). Principal components are matched up to their sign.
    """
    x = finite(trials, "trials", "n_trials", "n_samples", "n_muscles")
    whole(resamples, "resamples", 1, 1_000_000)
    if len(x) < 2:
        raise DataError("one trial cannot be resampled, expected at least 2")
    if not 0 < level < 1:
        raise DataError(f"level is {level!r}, expected a number between 0 and 1, such as 0.95")
    flat, centre = x.reshape(-1, x.shape[2]), method == "pca"
    whole_set = _extract(flat, count, method, seed)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[Array]] = {"vaf": [], "muscle": [], "weights": [], "cosine": []}
    for _ in range(resamples):
        some = x[rng.integers(len(x), size=len(x))].reshape(-1, x.shape[2])
        # one start, from the singular vectors: random ones would add the scatter of the search to that of the trials
        synergies = pca(some, count) if centre else _factors(some, count, "nndsvda", seed)
        cosine = whole_set.weights @ synergies.weights.T
        order = [j for _, j in _matched(np.abs(cosine) if centre else cosine).pairs]
        turned = np.where(centre & (cosine[np.arange(count), order] < 0), -1.0, 1.0)
        weights = turned[:, None] * synergies.weights[order]
        drawn["vaf"].append(np.array(vaf(some, synergies.restore(), centre)))
        drawn["muscle"].append(vaf_per_muscle(some, synergies.restore(), centre))
        drawn["weights"].append(weights)
        drawn["cosine"].append((whole_set.weights * weights).sum(axis=1).mean())
    ends = [(1 - level) / 2, (1 + level) / 2]
    low_high = {name: np.quantile(np.array(values), ends, axis=0) for name, values in drawn.items()}
    restored = whole_set.restore()

    def band(value: Array, name: str) -> Band:
        return Band(value, low_high[name][0], low_high[name][1], level)

    def interval(value: float, name: str) -> Interval:
        return Interval(value, float(low_high[name][0]), float(low_high[name][1]), level)

    return Bootstrap(
        whole_set,
        interval(vaf(flat, restored, centre), "vaf"),
        band(vaf_per_muscle(flat, restored, centre), "muscle"),
        band(whole_set.weights, "weights"),
        interval(float(np.mean(drawn["cosine"])), "cosine"),
    )


def subspace(actions: ArrayLike) -> Subspace:
    """Principal components of a policy's actions (n_samples, n_muscles), recorded while it does its task.

    For control-subspace inactivation (Chiappa et al. 2024, doi 10.1016/j.neuron.2024.09.002): run the policy again with
    every action replaced by its projection on the first k components (`Subspace.project` or `keep`) and plot its
    performance against k. Record and project in one space, the policy's output before any squashing.
    """
    x = finite(actions, "actions", "n_samples", "n_muscles")
    from sklearn.decomposition import PCA

    if len(x) <= x.shape[1] or not np.ptp(x, axis=0).any():
        raise DataError(
            f"{len(x)} actions of {x.shape[1]} muscles span no full subspace, expected more, and that they vary"
        )
    fit = PCA(svd_solver="full").fit(x)
    return Subspace(fit.mean_, fit.components_, fit.explained_variance_ratio_)


def _extract(x: Array, count: int, method: str, seed: int) -> Synergies:
    if method not in METHODS:
        raise DataError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    return pca(x, count) if method == "pca" else nmf(x, count, seed)


def _vaf(x: Array, synergies: Synergies, method: str) -> float:
    return vaf(x, synergies.restore(), method == "pca")


def _factors(x: Array, count: int, init: str, seed: int) -> Synergies:
    """One run of NMF, scaled to weights of length 1 and sorted by share."""
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    model = NMF(count, init=init, random_state=seed, max_iter=1000, tol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a slow end changes the fit by less than its tolerance
        activation = model.fit_transform(x)
    length = np.linalg.norm(model.components_, axis=1)
    weights = model.components_ / np.where(length > 0, length, 1)[:, None]
    activation = activation * length
    order = np.argsort(-(activation**2).sum(axis=0), kind="stable")
    return Synergies(weights[order], activation[:, order], np.zeros(x.shape[1]))


def _matched(cosine: Array) -> Match:
    """The pairs of rows and columns with the largest sum."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cosine, maximize=True)
    return Match(tuple((int(i), int(j)) for i, j in zip(rows, columns, strict=True)), cosine[rows, columns])


def _countable(x: Array, count: int) -> None:
    whole(count, "count", 1, min(x.shape))
    if not x.any():
        raise DataError("activity that is zero throughout has no synergies")


def _power(activity: ArrayLike, centre: bool) -> tuple[Array, Array]:
    """The activity and each muscle's sum of squares, about its mean with `centre`."""
    x = finite(activity, "activity", "n_samples", "n_muscles")
    total = ((x - x.mean(axis=0) if centre else x) ** 2).sum(axis=0)
    if not total.any():
        raise DataError("activity that is zero (or never varies) has no variance to account for")
    return x, total

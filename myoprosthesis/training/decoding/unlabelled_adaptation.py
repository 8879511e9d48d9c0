"""Adaptation of a decoder to a new day from unlabelled EMG of its use.

First the features are aligned: mean and scale of the normaliser become those of the new day, as in He & Wu 2020 (doi
10.1109/TBME.2019.2913914) for covariances. Then class means and covariance follow the decoder's own decisions, by
expectation maximisation of a mixture of normal distributions (Dempster, Laird & Rubin 1977, doi
10.1111/j.2517-6161.1977.tb01600.x) that is held to the classes of the fit, each class with a smallest share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.training.decoding.class_distributions import ClassDistributions, check_linear, with_distributions
from myoprosthesis.training.decoding.fitting import Fitted

Array = NDArray[np.float64]
LEAST_WINDOWS = 40
"""Fewest windows for each class of the decoder: 2 s at 50 ms."""
ITERATIONS = 10
MEAN_WEIGHT, COVARIANCE_WEIGHT = 0.8, 0.25
"""Weights of the new day's class means and covariance; between 0.5 and 1 for the means, all held-out days gain."""
FLOOR = 0.25
"""Smallest share of a class, of that which it would have if all were equally frequent."""
ABSENT, SELDOM = 0.05, 0.15
"""A class decided more seldom than this part of its share in the fit did not come; or came so seldom that its own
decisions do not move it: with one class left out, following them lost up to 12 points."""
FREQUENT, FREQUENT_RANGE = 2.0, (0.7, 1.4)
"""A class that had this times an equal share in the fit, such as rest, must keep its share within this range: otherwise
the mean of the features moves because the mixture of movements is another."""
LEAST_AGREEMENT = 0.3
"""Smallest agreement beyond chance of decisions one window apart; on the days of the data it is 0.5 to 0.8."""
BLOCK = 20
"""Consecutive windows that are adapted to, or checked on, in turn."""


@dataclass(frozen=True)
class UnlabelledResult:
    """Agreement of decisions one window apart in blocks that were not adapted to, before and after; windows used."""

    agreement_before: float
    agreement_after: float
    windows: int


def check_unlabelled(decoder: Fitted, class_shares: Mapping[str, float]) -> None:
    """Raise `ConfigError` for a decoder that cannot be adapted without labels, whatever the EMG."""
    check_linear(decoder)
    if set(class_shares) != set(decoder.names):
        raise ConfigError("how frequent each class was in its fit is not known of this decoder: fit it again")


def aligned(decoder: Fitted, x: Array) -> Fitted:
    """The decoder with mean and scale of the features `x` (n, n_features) of the new day in its normaliser."""
    return replace(decoder, normaliser=Normaliser.of(x))


def refined(decoder: Fitted, x: Array, followed: NDArray[np.bool_]) -> Fitted:
    """The decoder with the means of the classes `followed` (n_classes,) and the covariance as its decisions say.

    `x` (n, n_features) are features of the new day, not normalised.
    """
    z, old = decoder.normaliser(x), ClassDistributions.of_decoder(decoder)
    floor, weight = followed * FLOOR / len(followed), followed[:, None] * MEAN_WEIGHT
    current = decoder
    for _ in range(ITERATIONS):
        new = ClassDistributions.of_shares(z, _with_floor(current.network(z), floor))
        mixed = ClassDistributions(
            (1 - weight) * old.means + weight * new.means,
            (1 - COVARIANCE_WEIGHT) * old.covariance + COVARIANCE_WEIGHT * new.covariance,
        )
        current = with_distributions(decoder, old, mixed)
    return current


def adapt_unlabelled(
    decoder: Fitted, x: Array, class_shares: Mapping[str, float], windows_apart: int
) -> tuple[Fitted, UnlabelledResult]:
    """Adapt to features of a new day.

    Args:
        decoder: One of classes with one linear layer.
        x: Features, shape (n, n_features), in the order in which they came.
        class_shares: Share of each class in the windows of the fit.
        windows_apart: Steps after which two windows share no sample.

    Raises:
        ConfigError: The decoder has several layers or a memory, or its shares are not known; the windows are too few
            or not all finite; a class did not come or was much more frequent than in the fit; or decisions on
            blocks that were not adapted to agree with those one window later hardly more than by chance, or less than
            before.
    """
    check_unlabelled(decoder, class_shares)
    k = len(decoder.names)
    if len(x) < LEAST_WINDOWS * k:
        raise ConfigError(
            f"{len(x)} windows are too few to adapt {k} classes by: at least {LEAST_WINDOWS * k} are needed"
        )
    if not np.isfinite(x).all():
        raise ConfigError("a window to adapt by holds features that are not finite")
    start = aligned(decoder, x)
    followed = _followed(start, x, class_shares)
    used = np.arange(len(x)) // BLOCK % 2 == 0
    trial = refined(aligned(decoder, x[used]), x[used], followed)
    before, after = (agreement(d, x[~used], windows_apart) for d in (decoder, trial))
    if after.beyond_chance < LEAST_AGREEMENT:
        raise ConfigError(
            f"adapted, {after.share:.1%} of the decisions would agree with those one window later, hardly more than by "
            f"chance: is it noise, or are these other movements? The decoder stays"
        )
    if after.share < before.share:
        raise ConfigError(
            f"adapted, decisions would agree less with those one window later than before ({before.share:.1%} before, "
            f"{after.share:.1%} after): the decoder stays"
        )
    return refined(start, x, followed), UnlabelledResult(before.share, after.share, len(x))


def _followed(start: Fitted, x: Array, class_shares: Mapping[str, float]) -> NDArray[np.bool_]:
    """Classes (n_classes,) that came often enough to be followed; raises `ConfigError` where a class did not come."""
    share = start.network(start.normaliser(x)).mean(axis=0)
    for name, now in zip(start.names, share.tolist(), strict=True):
        fitted = class_shares[name]
        if now < ABSENT * fitted:
            raise ConfigError(
                f"class {name!r} hardly came ({now:.1%} of the windows, {fitted:.1%} in the fit): every class is "
                f"needed to adapt the decoder; it stays"
            )
        low, high = FREQUENT_RANGE
        if fitted * len(share) >= FREQUENT and not low * fitted <= now <= high * fitted:
            raise ConfigError(
                f"class {name!r} has {now:.1%} of the windows, {fitted:.1%} in the fit: the movements must be mixed "
                f"about as in the fit to adapt the decoder; it stays"
            )
    return np.array([now >= SELDOM * class_shares[name] for name, now in zip(start.names, share.tolist(), strict=True)])


@dataclass(frozen=True)
class Agreement:
    """Share of windows decided as the one a window later, and Cohen's κ (1960, doi 10.1177/001316446002000104)."""

    share: float
    beyond_chance: float


def agreement(decoder: Fitted, x: Array, windows_apart: int) -> Agreement:
    """How far decisions on features `x` (n, n_features) agree with those `windows_apart` steps later."""
    best = decoder.network(decoder.normaliser(x)).argmax(axis=1)
    share = float((best[windows_apart:] == best[:-windows_apart]).mean())
    chance = float(((np.bincount(best) / len(best)) ** 2).sum())
    return Agreement(share, (share - chance) / max(1 - chance, 1e-12))


def _with_floor(share: Array, floor: Array) -> Array:
    """Probabilities (n, k) whose mean over rows is at least `floor` (k,), by a factor for each class."""
    for _ in range(20):
        mean = share.mean(axis=0)
        wanted = np.maximum(mean, floor)
        share = share * (wanted / wanted.sum() / np.maximum(mean, 1e-12))
        share = share / share.sum(axis=1, keepdims=True)
    return share


def explained(decoder: Fitted, x: Array) -> float:
    """Mean log density of features (n, n_features) by the decoder's classes, each as frequent as it decides."""
    z, share = decoder.normaliser(x), decoder.network(decoder.normaliser(x)).mean(axis=0)
    scale = decoder.normaliser.scale
    density = ClassDistributions.of_decoder(decoder).log_likelihood(z, np.maximum(share, 1e-12))
    return density + float(np.log(scale[scale > 0]).sum())

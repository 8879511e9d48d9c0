"""Supervised adaptation of a decoder to a new day, from seconds of labelled EMG.

Class means and the covariance within classes are shrunk towards those of the new day, as in Vidovic et al. 2016 (doi
10.1109/TNSRE.2015.2492619). How far is estimated, as James and Stein's shrinkage does (Efron & Morris 1973, doi
10.2307/2284155): the part of the change that is more than what repetitions of one session differ by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.decoding.class_distributions import ClassDistributions, check_linear, with_distributions
from myoprosthesis.training.decoding.fitting import Fitted
from myoprosthesis.training.decoding.repetition_spread import spread_of
from myoprosthesis.training.decoding.windows import Windows

Array = NDArray[np.float64]
LEAST_WINDOWS = 16
"""Fewest windows of a class: half of them must be able to check the other half."""
COVARIANCE_WEIGHT = 0.25
SHIFT_SHARE = 0.5
"""Share of the variance between old and new class means that the covariance takes up, since they may move on."""
UNKNOWN_SPREAD = 0.5
"""Weight of the new day for a decoder whose fit had no repetitions."""


@dataclass(frozen=True)
class ShiftWeights:
    """Weights, 0 to 1, of a new day's class means: of the shift that all classes have in common, and of the rest."""

    common: float
    own: float


@dataclass(frozen=True)
class AdaptationResult:
    """Weights of the new day and the accuracies of its own cross-check, before and after."""

    common_weight: float
    own_weight: float
    before: float
    after: float


def first_seconds(w: Windows, names: Sequence[str], seconds: float, step_s: float) -> NDArray[np.bool_]:
    """The first windows of each class: `seconds` / number of classes of each.

    Raises:
        ConfigError: A class is absent, unknown, or has less than `LEAST_WINDOWS`.
    """
    unknown = sorted(set(w.label.tolist()) - set(names))
    if unknown:
        raise ConfigError(f"label {unknown[0]!r} is none of the decoder's classes {', '.join(names)}")
    take = np.zeros(len(w), bool)
    wanted = int(seconds / len(names) / step_s)
    for name in names:
        own = np.flatnonzero(w.label == name)
        if not len(own):
            raise ConfigError(f"class {name!r} does not occur: every class of the decoder is needed to adapt it")
        if min(len(own), wanted) < LEAST_WINDOWS:
            raise ConfigError(
                f"class {name!r} has {min(len(own), wanted)} windows in {seconds:g} s for {len(names)} classes: at "
                f"least {LEAST_WINDOWS} are needed ({LEAST_WINDOWS * step_s * len(names):g} s in all)"
            )
        take[own[:wanted]] = True
    return take


def shift_weights(decoder: Fitted, old: ClassDistributions, new: ClassDistributions, spread: float) -> ShiftWeights:
    """1 − what repetitions differ by / what the new day differs by, not below 0, for both parts of the shift.

    Args:
        decoder: Its novelty detector has the units of `spread`.
        old: Classes of the decoder.
        new: Classes of the new day.
        spread: Mean square distance of class means of repetitions of one session, as many windows each.
    """
    shift = (new.means - old.means) @ decoder.novelty_detector.whiten
    common, n = shift.mean(axis=0), len(shift)
    own = float(((shift - common) ** 2).sum(axis=1).mean())
    expected = spread / n, spread * (1 - 1 / n)
    measured = float(common @ common), own
    return ShiftWeights(*(max(0.0, 1 - e / max(m, 1e-12)) for e, m in zip(expected, measured, strict=True)))


def shrunk(old: ClassDistributions, new: ClassDistributions, weights: ShiftWeights) -> ClassDistributions:
    """Classes between the old and the new ones; with weights of 0, the old ones."""
    shift = new.means - old.means
    common = shift.mean(axis=0)
    own = shift - common
    left = weights.own * (1 - weights.own) * own.T @ own / len(own)
    left = left + weights.common * (1 - weights.common) * np.outer(common, common)
    covariance_weight = COVARIANCE_WEIGHT if weights.common or weights.own else 0.0
    return ClassDistributions(
        old.means + weights.common * common + weights.own * own,
        (1 - covariance_weight) * old.covariance + covariance_weight * new.covariance + SHIFT_SHARE * left,
    )


def adapted(
    decoder: Fitted, x: Array, label: NDArray[np.str_], spread: Mapping[str, float]
) -> tuple[Fitted, ShiftWeights]:
    """The decoder with class means and covariance shrunk towards those of `x` (n, n_features) and its labels.

    Args:
        decoder: One of classes with one linear layer.
        x: Features of the new day, not normalised.
        label: Class of each row; each of the decoder's classes occurs.
        spread: As `repetition_spread` gives it; empty: not known.
    """
    old = ClassDistributions.of_decoder(decoder)
    new = ClassDistributions.of_labelled(decoder.normaliser(x), label, decoder.names)
    if spread:
        windows = float(np.median([(label == name).sum() for name in decoder.names]))
        weights = shift_weights(decoder, old, new, spread_of(spread, windows))
    else:
        weights = ShiftWeights(UNKNOWN_SPREAD, UNKNOWN_SPREAD)
    return with_distributions(decoder, old, shrunk(old, new, weights)), weights


def adapt(decoder: Fitted, w: Windows, spread: Mapping[str, float]) -> tuple[Fitted, AdaptationResult]:
    """Adapt to labelled windows of a new day.

    It is checked on these windows first: the earlier half of each class is adapted to and the later one evaluated, and
    the other way round; windows that share samples with the other half do not count.

    Raises:
        ConfigError: The decoder has several layers or a memory, the new day differs from the fit by no more than its
            repetitions do, or the adaptation is worse in the cross-check.
    """
    check_linear(decoder)
    halves = _halves(w)
    before, after = [], []
    for a, b in (halves, halves[::-1]):
        before.append(_right(decoder, w.x[b], w.label[b]))
        after.append(_right(adapted(decoder, w.x[a], w.label[a], spread)[0], w.x[b], w.label[b]))
    result, weights = adapted(decoder, w.x, w.label, spread)
    shares = float(np.mean(np.concatenate(before))), float(np.mean(np.concatenate(after)))
    if not (weights.common or weights.own):
        raise ConfigError(
            "the new day differs from the fit by no more than its repetitions differ from each other: the decoder stays"
        )
    if shares[1] < shares[0]:
        raise ConfigError(
            f"an adaptation is worse in a cross-check on these seconds ({shares[0]:.1%} before, "
            f"{shares[1]:.1%} after): the decoder stays"
        )
    return result, AdaptationResult(weights.common, weights.own, *shares)


def _halves(w: Windows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the earlier and of the later half of each class, without windows that share samples."""
    early, late = [], []
    for name in sorted(set(w.label.tolist())):
        own = np.flatnonzero(w.label == name)
        middle = own[len(own) // 2]
        apart = [k for k in own if k < middle and (w.file[k] != w.file[middle] or w.last[k] < w.first[middle])]
        if not apart:
            raise ConfigError(f"class {name!r} is too short to check an adaptation by: its windows all overlap")
        early += apart
        late += own[len(own) // 2 :].tolist()
    return np.array(early, np.intp), np.array(late, np.intp)


def _right(decoder: Fitted, x: Array, label: NDArray[np.str_]) -> NDArray[np.bool_]:
    return np.asarray(np.array(decoder.names)[decoder.network(decoder.normaliser(x)).argmax(axis=1)] == label)

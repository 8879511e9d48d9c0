"""Supervised adaptation of a decoder to a new day, from seconds of labelled EMG.

Class means and the covariance within classes are shrunk towards those of the new day, as in Vidovic et al. 2016 (doi
10.1109/TNSRE.2015.2492619). The scores of the decoder change by as much as the discriminant of the classes does, so
that its prior probabilities stay, and without weight on the new day nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.novelty import NoveltyDetector
from myoprosthesis.training.decoding.fitting import Fitted
from myoprosthesis.training.decoding.windows import Windows

Array = NDArray[np.float64]
WEIGHTS = (0.0, 0.125, 0.25)
"""Weights up to 1 made sessions up to 23 points worse: the halves of one contraction resemble each other.
Up to 0.25 none of 12 held-out sessions lost."""
LEAST_WINDOWS = 16
"""Fewest windows of a class: half of them must be able to check the other half."""
EIGENVALUE_FLOOR = 1e-3
"""As in `NoveltyDetector`, of normalised features."""


@dataclass(frozen=True, eq=False)
class ClassDistributions:
    """Normal distributions of the classes: `means` (n_classes, n_features), `covariance` within classes."""

    means: Array
    covariance: Array

    @classmethod
    def of_decoder(cls, decoder: Fitted) -> ClassDistributions:
        """Those that the decoder's novelty detector holds, of the normalised features of its fit."""
        whiten, n = decoder.novelty_detector.whiten, len(decoder.normaliser.mean)
        back = np.linalg.inv(whiten)
        return cls(decoder.novelty_detector.centres @ back, back.T @ back / n)

    def shrunk_to(self, new: ClassDistributions, mean_weight: float, covariance_weight: float) -> ClassDistributions:
        """A weighted mean of both; weight 0: this one, 1: the new one."""
        return ClassDistributions(
            (1 - mean_weight) * self.means + mean_weight * new.means,
            (1 - covariance_weight) * self.covariance + covariance_weight * new.covariance,
        )

    def discriminant(self) -> tuple[Array, Array]:
        """Weights (n_features, n_classes) and bias (n_classes,) of the linear discriminant, without priors."""
        weights = np.linalg.solve(self.covariance, self.means.T)
        return weights, -0.5 * np.einsum("kn,nk->k", self.means, weights)

    def novelty_detector(self) -> NoveltyDetector:
        """The detector of features unlike these."""
        values, vectors = np.linalg.eigh(self.covariance)
        whiten = vectors / np.sqrt(np.maximum(values, EIGENVALUE_FLOOR)) / np.sqrt(len(values))
        return NoveltyDetector(whiten, self.means @ whiten)


@dataclass(frozen=True)
class AdaptationResult:
    """Weights of the new day and the accuracies of its own cross-check, before and after."""

    mean_weight: float
    covariance_weight: float
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


def adapted(decoder: Fitted, x: Array, label: NDArray[np.str_], mean_weight: float, covariance_weight: float) -> Fitted:
    """The decoder with class means and covariance shrunk towards those of `x` (n, n_features) and its labels.

    Args:
        decoder: One of classes with one linear layer.
        x: Features of the new day, not normalised.
        label: Class of each row; each of the decoder's classes occurs.
        mean_weight: Weight of the new day's class means, 0 to 1.
        covariance_weight: Weight of the new day's covariance, 0 to 1.
    """
    old = ClassDistributions.of_decoder(decoder)
    shrunk = old.shrunk_to(_distributions(decoder, x, label), mean_weight, covariance_weight)
    (weights, bias), (w_old, b_old), (w_new, b_new) = (
        decoder.network.layers[0], old.discriminant(), shrunk.discriminant(),
    )  # fmt: skip
    network = DecoderNetwork(((weights + w_new - w_old, bias + b_new - b_old),), decoder.network.output)
    return Fitted(decoder.normaliser, network, shrunk.novelty_detector(), decoder.names, decoder.task)


def adapt(decoder: Fitted, w: Windows) -> tuple[Fitted, AdaptationResult]:
    """Adapt to labelled windows of a new day, with the weights that are best in a cross-check on these windows.

    The earlier half of each class is adapted to and the later one evaluated, and the other way round; windows that
    share samples with the other half do not count.

    Raises:
        ConfigError: The decoder has several layers or a memory, or every adaptation is worse in the cross-check.
    """
    if len(decoder.network.layers) != 1 or decoder.network.memory or decoder.network.output != "softmax":
        raise ConfigError(
            "only a decoder of classes with one linear layer can be adapted, such as lda and logistic fit"
        )
    halves = _halves(w)
    scores: dict[tuple[float, float], float] = {}
    for weights in product(WEIGHTS, WEIGHTS):
        right = [
            _right(adapted(decoder, w.x[a], w.label[a], *weights), w.x[b], w.label[b])
            for a, b in (halves, halves[::-1])
        ]
        scores[weights] = float(np.mean(np.concatenate(right)))
    before = scores[0.0, 0.0]
    best = max(scores, key=lambda weights: scores[weights])
    if scores[best] <= before:
        raise ConfigError(
            f"no adaptation is better in a cross-check on these seconds ({before:.1%} before): the decoder stays"
        )
    return adapted(decoder, w.x, w.label, *best), AdaptationResult(*best, before, scores[best])


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


def _distributions(decoder: Fitted, x: Array, label: NDArray[np.str_]) -> ClassDistributions:
    from sklearn.covariance import ledoit_wolf

    z = decoder.normaliser(x)
    means = np.array([z[label == name].mean(axis=0) for name in decoder.names])
    number = {name: k for k, name in enumerate(decoder.names)}
    within = z - means[[number[name] for name in label.tolist()]]
    values, vectors = np.linalg.eigh(ledoit_wolf(within, assume_centered=True)[0])
    return ClassDistributions(means, (vectors * np.maximum(values, EIGENVALUE_FLOOR)) @ vectors.T)


def _right(decoder: Fitted, x: Array, label: NDArray[np.str_]) -> NDArray[np.bool_]:
    return np.asarray(np.array(decoder.names)[decoder.network(decoder.normaliser(x)).argmax(axis=1)] == label)

"""Normal distributions of a decoder's classes, and the decoder that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.novelty import NoveltyDetector
from myoprosthesis.training.decoding.fitting import Fitted

Array = NDArray[np.float64]
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

    @classmethod
    def of_labelled(cls, z: Array, label: NDArray[np.str_], names: Sequence[str]) -> ClassDistributions:
        """Those of normalised features (n, n_features) with their labels; each of `names` occurs."""
        share = (label[:, None] == np.array(names)).astype(float)
        return cls.of_shares(z, share)

    @classmethod
    def of_shares(cls, z: Array, share: Array) -> ClassDistributions:
        """Those of normalised features (n, n_features), each row of which belongs to the classes by `share` (n, k).

        The covariance is shrunk by Ledoit & Wolf 2004 (doi 10.1016/S0047-259X(03)00096-4).
        """
        from sklearn.covariance import ledoit_wolf

        means = share.T @ z / np.maximum(share.sum(axis=0), 1e-9)[:, None]
        values, vectors = np.linalg.eigh(ledoit_wolf(z - share @ means, assume_centered=True)[0])
        return cls(means, (vectors * np.maximum(values, EIGENVALUE_FLOOR)) @ vectors.T)

    def discriminant(self) -> tuple[Array, Array]:
        """Weights (n_features, n_classes) and bias (n_classes,) of the linear discriminant, without priors."""
        weights = np.linalg.solve(self.covariance, self.means.T)
        return weights, -0.5 * np.einsum("kn,nk->k", self.means, weights)

    def novelty_detector(self) -> NoveltyDetector:
        """The detector of features unlike these."""
        values, vectors = np.linalg.eigh(self.covariance)
        whiten = vectors / np.sqrt(np.maximum(values, EIGENVALUE_FLOOR)) / np.sqrt(len(values))
        return NoveltyDetector(whiten, self.means @ whiten)

    def log_likelihood(self, z: Array, share: Array) -> float:
        """Mean over rows of the log density of normalised features (n, n_features), classes mixed by `share` (k,)."""
        values, vectors = np.linalg.eigh(self.covariance)
        white = vectors / np.sqrt(np.maximum(values, EIGENVALUE_FLOOR))
        square = (((z @ white)[:, None, :] - (self.means @ white)[None]) ** 2).sum(axis=2)
        exponent = np.log(share) - 0.5 * square
        top = exponent.max(axis=1)
        mixed = top + np.log(np.exp(exponent - top[:, None]).sum(axis=1))
        return float(mixed.mean() - 0.5 * np.log(2 * np.pi * np.maximum(values, EIGENVALUE_FLOOR)).sum())


def check_linear(decoder: Fitted) -> None:
    """Raise `ConfigError` for a decoder that is not one of classes with one linear layer."""
    if len(decoder.network.layers) != 1 or decoder.network.memory or decoder.network.output != "softmax":
        raise ConfigError(
            "only a decoder of classes with one linear layer can be adapted, such as lda and logistic fit"
        )


def with_distributions(decoder: Fitted, old: ClassDistributions, new: ClassDistributions) -> Fitted:
    """The decoder whose scores change by as much as the discriminant of the classes does, from `old` to `new`.

    Its prior probabilities stay, and where `new` is `old` nothing changes.
    """
    (weights, bias), (w_old, b_old), (w_new, b_new) = (
        decoder.network.layers[0], old.discriminant(), new.discriminant(),
    )  # fmt: skip
    network = DecoderNetwork(((weights + w_new - w_old, bias + b_new - b_old),), decoder.network.output)
    return replace(decoder, network=network, novelty_detector=new.novelty_detector())

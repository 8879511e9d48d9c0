"""A fitted model as plain arrays: normaliser, memory, layers, output, and what it knows of what it was fitted on."""

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
HIDDEN = "hidden"
"""Name of the recurrent state of a decoder that has a memory."""


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
class Memory:
    """A gated recurrent unit of H units over n inputs: `w_in` (3H, n), `w_rec` (3H, H), `b_in` and `b_rec` (3H,), with
    rows in the order update, reset, candidate.

    z, r = σ(Wx + b + Rh + c), n = tanh(Wx + b + r∘(Rh + c)), h' = n + z∘(h − n) (Cho et al. 2014,
    doi 10.3115/v1/D14-1179, with the reset gate after the product as in cuDNN and PyTorch).
    """

    w_in: Array
    w_rec: Array
    b_in: Array
    b_rec: Array

    @property
    def size(self) -> int:
        """Number of units H."""
        return self.w_rec.shape[1]

    def __call__(self, z: Array, stretch: NDArray[np.intp] | None = None) -> Array:
        """States (n, H) after each row of `z` (n, n_in). The state begins at zero, and again wherever the number in
        `stretch` (n,) changes; None: the rows are one stretch."""
        size, h = self.size, np.zeros(self.size)
        given = z @ self.w_in.T + self.b_in
        out = np.empty((len(z), size))
        for k, row in enumerate(given):
            if stretch is not None and k and stretch[k] != stretch[k - 1]:
                h = np.zeros(size)
            kept = self.w_rec @ h + self.b_rec
            update, reset = np.split(1 / (1 + np.exp(-row[: 2 * size] - kept[: 2 * size])), 2)
            candidate = np.tanh(row[2 * size :] + reset * kept[2 * size :])
            h = out[k] = candidate + update * (h - candidate)
        return out


@dataclass(frozen=True, eq=False)
class Network:
    """Layers (weights (n_in, n_out), bias (n_out,)) with ReLU between them; `output`: softmax, sigmoid or linear.
    The first layer sees the features, or the states of a `memory` of them."""

    layers: tuple[tuple[Array, Array], ...]
    output: str
    memory: Memory | None = None

    @property
    def hidden(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and shape of the recurrent state, as a contract tells of it."""
        return ((HIDDEN, (1, self.memory.size)),) if self.memory else ()

    def __call__(self, z: Array, stretch: NDArray[np.intp] | None = None) -> Array:
        """Scores or values (n, n_out) for normalised features (n, n_in); rows with the same number in `stretch` (n,)
        follow one another, which matters to a memory alone; None: all do."""
        if self.memory:
            z = self.memory(z, stretch)
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

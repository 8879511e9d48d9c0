"""Network of a fitted decoder as plain arrays: memory, layers and output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.decoders.gru_weights import HIDDEN, GruWeights

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DecoderNetwork:
    """Layers (weights (n_in, n_out), bias (n_out,)) with ReLU between them; `output`: softmax, sigmoid or linear.

    The input of the first layer is the features, or the states of a `memory` of them.
    """

    layers: tuple[tuple[Array, Array], ...]
    output: str
    memory: GruWeights | None = None

    @property
    def hidden(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and shape of the recurrent state, as a contract states them."""
        return ((HIDDEN, (1, self.memory.size)),) if self.memory else ()

    def __call__(self, z: Array, sequence_id: NDArray[np.intp] | None = None) -> Array:
        """Scores or values (n, n_out) for normalised features (n, n_in).

        Rows with the same `sequence_id` (n,) are consecutive, which matters to a memory only; None: all are.
        """
        if self.memory:
            z = self.memory(z, sequence_id)
        for k, (weights, bias) in enumerate(self.layers):
            z = (np.maximum(z, 0.0) if k else z) @ weights + bias
        if self.output == "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return np.asarray(e / e.sum(axis=1, keepdims=True))
        return 1 / (1 + np.exp(-z)) if self.output == "sigmoid" else z

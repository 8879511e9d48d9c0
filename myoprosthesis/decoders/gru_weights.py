"""Weights of a gated recurrent unit and its step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


HIDDEN = "hidden"
"""Name of the recurrent state of a decoder that has a memory."""


@dataclass(frozen=True, eq=False)
class GruWeights:
    """A gated recurrent unit of H units over n inputs.

    `w_in` (3H, n), `w_rec` (3H, H), `b_in` and `b_rec` (3H,), with rows in the order update, reset, candidate.

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
        return int(self.w_rec.shape[1])

    def __call__(self, z: Array, sequence_id: NDArray[np.intp] | None = None) -> Array:
        """States (n, H) after each row of `z` (n, n_in).

        The state starts at zero wherever `sequence_id` (n,) changes; None: the rows are one sequence.
        """
        size, h = self.size, np.zeros(self.size)
        inputs = z @ self.w_in.T + self.b_in
        out = np.empty((len(z), size))
        for k, row in enumerate(inputs):
            if sequence_id is not None and k and sequence_id[k] != sequence_id[k - 1]:
                h = np.zeros(size)
            recurrent = self.w_rec @ h + self.b_rec
            update, reset = np.split(1 / (1 + np.exp(-row[: 2 * size] - recurrent[: 2 * size])), 2)
            candidate = np.tanh(row[2 * size :] + reset * recurrent[2 * size :])
            h = out[k] = candidate + update * (h - candidate)
        return out

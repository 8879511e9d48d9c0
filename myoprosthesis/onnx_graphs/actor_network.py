"""An actor that another library trained: its layers as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class RecurrentLayer:
    """One layer of LSTM or GRU with H units and n inputs.

    Rows are in torch's order: input, forget, candidate, output; or reset, update, candidate.
    """

    kind: str
    """`lstm` or `gru`."""
    w_in: Numbers
    """(4H or 3H, n)."""
    w_rec: Numbers
    """(4H or 3H, H)."""
    b_in: Numbers
    """(4H or 3H,)."""
    b_rec: Numbers

    @property
    def size(self) -> int:
        """H."""
        return int(self.w_rec.shape[1])


@dataclass(frozen=True, eq=False)
class ObservationNormaliser:
    """(x − mean) / deviation, then clipped to ± `clip` where there is one, in the precision of the arrays."""

    mean: Numbers
    """(n,)."""
    deviation: Numbers
    clip: float | None = None


@dataclass(frozen=True, eq=False)
class ActorNetwork:
    """Normaliser, recurrent layers, dense layers with an activation between two of them, bounds of the action."""

    layers: tuple[tuple[Numbers, Numbers], ...]
    """Weights (units, n) and biases (units,); the last one makes the action."""
    activation: str = "identity"
    """Of `graph_builder.ACTIVATIONS`."""
    recurrent: tuple[RecurrentLayer, ...] = ()
    normaliser: ObservationNormaliser | None = None
    limit: float | None = None
    """The last layer is clipped to ± this."""
    squashed: bool = False
    """Whether tanh of the last layer is stretched over the bounds; else the action is clipped to them."""
    low: Numbers | None = None
    """(m,) bounds of the action; None where the file does not say."""
    high: Numbers | None = None

    @property
    def n_observations(self) -> int:
        """Numbers that it takes."""
        first = self.recurrent[0].w_in if self.recurrent else self.layers[0][0]
        return int(first.shape[1])

    @property
    def n_actions(self) -> int:
        """Numbers that it returns."""
        return int(self.layers[-1][0].shape[0])

    @property
    def hidden(self) -> tuple[tuple[str, tuple[int, int]], ...]:
        """Its recurrent states by name and shape: `hidden`, and `cell` of an LSTM; numbered with several layers."""
        states = []
        for i, layer in enumerate(self.recurrent):
            number = str(i) if len(self.recurrent) > 1 else ""
            names = ("hidden", "cell") if layer.kind == "lstm" else ("hidden",)
            states += [(f"{name}{number}", (1, layer.size)) for name in names]
        return tuple(states)

    def arrays(self) -> dict[str, Numbers]:
        """All its numbers, by a name for sentences."""
        own: dict[str, Numbers] = {}
        for i, layer in enumerate(self.recurrent):
            parts = {"weights": layer.w_in, "recurrent weights": layer.w_rec, "biases": layer.b_in}
            own |= {f"{name} of {layer.kind} layer {i}": value for name, value in parts.items()}
            own[f"recurrent biases of {layer.kind} layer {i}"] = layer.b_rec
        for i, (weight, bias) in enumerate(self.layers):
            own |= {f"weights of layer {i}": weight, f"biases of layer {i}": bias}
        if self.normaliser is not None:
            own |= {"mean of the normaliser": self.normaliser.mean, "deviation of it": self.normaliser.deviation}
        return own

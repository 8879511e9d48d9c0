"""Recurrent decoder model for regression: its state carries over from window to window.

torch is needed to fit, never to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library
from myoprosthesis.core.options import option
from myoprosthesis.decoders.gru_weights import GruWeights
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.options import REGRESSION

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
TORCH = "torch", "train", "fitting a gru"
"""The library, where it comes from, and what for."""
STEEPEST = 1.0
"""Gradients are clipped to this norm: the errors of the first chunks of a sequence can be large."""


@dataclass(frozen=True)
class GruOptions:
    """A gated recurrent unit with a linear read-out."""

    hidden: int = option(32, "recurrent units", low=1, high=1024)
    truncate: int = option(40, "windows over which an error is propagated back", low=1, high=10000)
    epochs: int = option(200, "largest number of epochs", low=1, high=100000)
    patience: int = option(20, "epochs without progress on the held-out part before the fit stops", low=1)
    hold_out: float = option(0.2, "share at the end of each sequence by which the fit stops", "", 0.05, 0.5)
    learning_rate: float = option(2e-3, "learning rate of AdamW", low=1e-6, high=1.0)
    ridge: float = option(1e-2, "weight decay of AdamW", low=0.0, high=10.0)
    noise: float = option(0.3, "standard deviation of noise on normalised features while fitting", low=0.0, high=10.0)
    seed: int = option(0, "seed of the initial weights, the noise and the chunks", low=0)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences padded to one length.

    `x` (k, longest, n_in), `y` (k, longest, n_out), and the weight of each row in the fit and in the held-out part,
    both (k, longest).
    """

    x: Tensor
    y: Tensor
    fitted: Tensor
    held_out: Tensor


class Gru:
    """A gated recurrent unit over the windows of a stream, for regression.

    It is not for classification: a labelled span has one class throughout, so that a memory would learn that the class
    never changes.
    """

    tasks = (REGRESSION,)

    def __init__(self, options: GruOptions) -> None:
        self.options = options

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """The unit as `GruWeights` and its read-out as one layer, in the unit of `y`."""
        module, mean, sd = self.estimator(z, y, sequence_id)
        state = {name: value.detach().numpy().astype(float) for name, value in module.state_dict().items()}
        gates = [_onnx_order(state[f"unit.{name}_l0"]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        weights, bias = state["read_out.weight"].T * sd, state["read_out.bias"] * sd + mean
        return DecoderNetwork(((weights, bias),), "linear", GruWeights(*gates))

    def estimator(self, z: Array, y: Array, sequence_id: NDArray[np.intp] | None = None) -> tuple[Any, Array, Array]:
        """The fitted torch module, and mean and standard deviation (n_out,) of `y`, by which its output is scaled.

        The module has `unit` (batch first) and `read_out`.

        The first fit finds the number of epochs that is best for the held-out end of each sequence; the second fits
        everything for that number of epochs.
        """
        torch = library(*TORCH)
        mean, sd = y.mean(axis=0), y.std(axis=0) + 1e-12
        sequences = self._sequences(z, (y - mean) / sd, sequence_id)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the matrices are small, and the sums do not depend on the machine
        try:
            epochs = self._epochs(sequences, sequences.fitted + sequences.held_out)
            for _ in range(self._best_epoch(sequences)):
                module = next(epochs)
        finally:
            torch.set_num_threads(threads)
        return module, mean, sd

    def _best_epoch(self, sequences: Sequences) -> int:
        """The epoch with the least error on the held-out part, from 1."""
        from tqdm import tqdm

        o, best, least = self.options, 0, np.inf
        with tqdm(total=o.epochs, desc="gru", unit="epoch", leave=False, disable=None) as bar:
            for epoch, module in enumerate(self._epochs(sequences, sequences.fitted), 1):
                loss = float(_loss(self._run(module, sequences.x), sequences.y, sequences.held_out))
                bar.set_postfix(held_out=f"{loss:.4f}", refresh=False)
                bar.update()
                if loss < least:
                    best, least = epoch, loss
                if epoch - best >= o.patience:
                    break
        if not best:
            raise ConfigError(f"the fit of a gru diverged: try less than learning_rate={o.learning_rate:g}")
        return best

    def _run(self, module: Any, x: Tensor) -> Tensor:
        torch = library(*TORCH)
        with torch.no_grad():
            output: Tensor = module["read_out"](module["unit"](x)[0])
        return output

    def _sequences(self, z: Array, y: Array, sequence_id: NDArray[np.intp] | None) -> Sequences:
        """Rows by sequence; raises `ConfigError` if none is long enough to hold out a part."""
        torch = library(*TORCH)
        cuts = np.flatnonzero(np.diff(np.zeros(len(z)) if sequence_id is None else sequence_id)) + 1
        parts = list(zip(np.split(z, cuts), np.split(y, cuts), strict=True))
        longest = max(len(x) for x, _ in parts)
        x, targets, fitted, held_out = (np.zeros((len(parts), longest, n)) for n in (z.shape[1], y.shape[1], 1, 1))
        for k, (rows, values) in enumerate(parts):
            n = len(rows)
            front = n - int(n * self.options.hold_out)
            x[k, :n], targets[k, :n], fitted[k, :front], held_out[k, front:n] = rows, values, 1.0, 1.0
        if not held_out.any():
            raise ConfigError(
                f"consecutive windows are needed to fit a gru, and at most {longest} follow one another: record longer"
            )
        return Sequences(
            *(torch.tensor(v, dtype=torch.float32) for v in (x, targets, fitted[..., 0], held_out[..., 0]))
        )

    def _epochs(self, sequences: Sequences, weight: Tensor) -> Iterator[Any]:
        """The module after each epoch.

        Truncated back-propagation through time (Williams & Peng 1990, doi 10.1162/neco.1990.2.4.490): the state carries
        over from chunk to chunk, its gradient does not. The first chunk of each epoch has a random length.
        """
        torch, o = library(*TORCH), self.options
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(o.seed)
            unit = torch.nn.GRU(sequences.x.shape[2], o.hidden, batch_first=True)
            module = torch.nn.ModuleDict({"unit": unit, "read_out": torch.nn.Linear(o.hidden, sequences.y.shape[2])})
        draw = torch.Generator().manual_seed(o.seed)
        optimiser = torch.optim.AdamW(module.parameters(), lr=o.learning_rate, weight_decay=o.ridge)
        longest = sequences.x.shape[1]
        for _ in range(o.epochs):
            first = int(torch.randint(1, o.truncate + 1, (), generator=draw))
            state = None
            for a, b in _chunks(longest, first, o.truncate):
                x = sequences.x[:, a:b]
                states, state = unit(x + o.noise * torch.randn(x.shape, generator=draw), state)
                state = state.detach()
                if not weight[:, a:b].any():
                    continue
                optimiser.zero_grad()
                loss = _loss(module["read_out"](states), sequences.y[:, a:b], weight[:, a:b])
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(module.parameters(), STEEPEST)
                optimiser.step()
            yield module


def _chunks(length: int, first: int, size: int) -> Iterator[tuple[int, int]]:
    """Begin and end of chunks of `size` rows, of which the first has `first`."""
    begin, end = 0, min(first, length)
    while begin < length:
        yield begin, end
        begin, end = end, min(end + size, length)


def _loss(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error, weighted by row."""
    return (((output - target) ** 2).mean(dim=2) * weight).sum() / weight.sum()


def _onnx_order(rows: Array) -> Array:
    """From torch's order reset, update, candidate to update, reset, candidate."""
    reset, update, candidate = np.split(rows, 3)
    return np.concatenate([update, reset, candidate])

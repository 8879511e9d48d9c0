"""Convolutional decoder model for electrodes around a forearm: for a fit to several people above all.

Two convolutions around the band and a read-out, with noise and dropout while it is fitted, in the manner of the small
networks of Côté-Allard et al. 2019 (doi 10.1109/TNSRE.2019.2896269); what is convolved are features, not samples. torch
is needed to fit, never to run: a convolution around n electrodes is a layer whose weights repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.extras import library
from myoprosthesis.core.options import option
from myoprosthesis.decoders.features import KINDS, PAIRS
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.options import CLASSIFICATION

Array = NDArray[np.float64]
TORCH = "torch", "train", "fitting conv"
"""The library, where it comes from, and what for."""
Layer = tuple[Array, Array]
REACH = (-1, 0, 1)
"""A unit sees its own electrode and both neighbours."""
LEAST = 3
"""Electrodes of a band."""


@dataclass(frozen=True)
class BandNetworkOptions:
    """Two convolutions around the band and a read-out."""

    units: int = option(32, "units of the first convolution at each electrode; the second has half as many", "", 2, 512)
    dropout: float = option(0.3, "share of the units that is left out while fitting", "", 0.0, 0.9)
    noise: float = option(0.3, "standard deviation of noise on normalised features while fitting", low=0.0, high=10.0)
    smoothing: float = option(0.05, "share of each label that is spread over all classes", "", 0.0, 0.5)
    steps: int = option(1000, "steps of AdamW", low=1, high=1000000)
    batch: int = option(512, "windows of a step", low=1, high=100000)
    learning_rate: float = option(3e-3, "largest learning rate of the one cycle", low=1e-6, high=1.0)
    ridge: float = option(1e-3, "weight decay of AdamW", low=0.0, high=10.0)
    seed: int = option(0, "seed of the initial weights, the noise and the batches", low=0)


class BandNetwork:
    """A small network that is convolved around a ring of electrodes, for classification."""

    tasks = (CLASSIFICATION,)

    def __init__(self, options: BandNetworkOptions, features: Sequence[str] = ()) -> None:
        """`features`: the names of the columns, as of `features.columns`; see `for_features`."""
        self.options, self._features = options, tuple(features)

    def for_features(self, names: Sequence[str]) -> BandNetwork:
        """See `models.for_features`."""
        return BandNetwork(self.options, names)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """Both convolutions and the read-out as dense layers."""
        columns = by_electrode(self._features)
        module = self.estimator(z, y)
        state = {name: value.detach().numpy().astype(float) for name, value in module.state_dict().items()}
        n, units = len(columns), len(state["second.bias"])
        first = _dense(state["first.weight"], state["first.bias"], columns, z.shape[1])
        between = np.arange(n * len(state["first.bias"])).reshape(n, -1)
        second = _dense(state["second.weight"], state["second.bias"], between, between.size)
        # torch flattens units before electrodes, `_dense` electrodes before units
        read_out = state["read_out.weight"].reshape(-1, units, n).transpose(2, 1, 0).reshape(n * units, -1)
        return DecoderNetwork((first, second, (read_out, state["read_out.bias"])), "softmax")

    def estimator(self, z: Array, y: NDArray[Any]) -> Any:
        """The fitted torch module, whose input is (n, features of an electrode, electrodes).

        It has `first`, `second` and `read_out`.
        """
        torch, o = library(*TORCH), self.options
        columns = by_electrode(self._features)
        x = torch.tensor(z[:, columns].transpose(0, 2, 1), dtype=torch.float32)
        target = torch.tensor(y, dtype=torch.int64)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the matrices are small, and the sums do not depend on the machine
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(o.seed)
                return self._fitted(x, target, int(y.max()) + 1)
        finally:
            torch.set_num_threads(threads)

    def _fitted(self, x: Any, target: Any, classes: int) -> Any:
        from tqdm import tqdm

        torch, o = library(*TORCH), self.options
        half, (_, n_features, electrodes) = o.units // 2, x.shape
        around = {"kernel_size": len(REACH), "padding": 1, "padding_mode": "circular"}
        module = torch.nn.ModuleDict({
            "first": torch.nn.Conv1d(n_features, o.units, **around),
            "second": torch.nn.Conv1d(o.units, half, **around),
            "read_out": torch.nn.Linear(half * electrodes, classes),
        })  # fmt: skip
        optimiser = torch.optim.AdamW(module.parameters(), lr=o.learning_rate, weight_decay=o.ridge)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, o.learning_rate, total_steps=o.steps + 1)
        loss = torch.nn.CrossEntropyLoss(label_smoothing=o.smoothing)
        drop = torch.nn.Dropout(o.dropout)
        for _ in tqdm(range(o.steps), desc="conv", unit="step", leave=False, disable=None):
            rows = torch.randint(len(x), (min(o.batch, len(x)),))
            batch = x[rows] + o.noise * torch.randn(len(rows), n_features, electrodes)
            optimiser.zero_grad()
            loss(forward(module, batch, drop), target[rows]).backward()
            optimiser.step()
            cycle.step()
        return module


def forward(module: Any, x: Any, drop: Any = lambda x: x) -> Any:
    """Scores before the softmax (n, n_classes) for features (n, features of an electrode, electrodes)."""
    torch = library(*TORCH)
    for name in ("first", "second"):
        x = drop(torch.relu(module[name](x)))
    return module["read_out"](x.flatten(1))


def by_electrode(names: Sequence[str]) -> NDArray[np.intp]:
    """The columns of each electrode, shape (electrodes, features of an electrode).

    Those of a pair, such as `log_cov`, are of the electrode and of the one that is k further around the band.

    Raises:
        ConfigError: The features do not tell electrodes, or these are less than `LEAST` or have different features.
    """
    electrodes = tuple(dict.fromkeys(name.rpartition("/")[0] for name in names))
    n, own = len(electrodes), {name: k for k, name in enumerate(names)}
    if n < LEAST or not all(electrodes):
        raise ConfigError(
            f"a network is convolved around a band of {LEAST} electrodes or more, and the features are of "
            f"{n or 'none'}: take another model, such as lda or mlp"
        )
    rows: list[list[int]] = [[] for _ in electrodes]
    for feature in dict.fromkeys(_kind(name) for name in names):
        if feature not in KINDS:
            raise unknown("feature", feature, KINDS)
        pairs = KINDS[feature][1] == PAIRS
        count = n if pairs else KINDS[feature][1]
        for c, k in ((c, k) for c in range(n) for k in range(count)):
            if pairs:
                a, b = sorted((c, (c + k) % n))
                name = f"{electrodes[a]}/{feature}{b - a}"
            else:
                name = f"{electrodes[c]}/{feature}{k + 1 if count > 1 else ''}"
            if name not in own:
                raise ConfigError(f"electrode {electrodes[c]!r} has not the features of the others: {name} is missing")
            rows[c].append(own[name])
    return np.array(rows, np.intp)


def _kind(name: str) -> str:
    """The feature that a column is of."""
    feature = name.rpartition("/")[2]
    return feature if feature in KINDS else re.sub(r"\d+$", "", feature)


def _dense(kernel: Array, bias: Array, columns: NDArray[np.intp], inputs: int) -> Layer:
    """A convolution (units, features, 3) around the electrodes as a layer; `columns` (electrodes, features)."""
    n, units = len(columns), len(bias)
    weights = np.zeros((inputs, n, units))
    for c in range(n):
        for k, step in enumerate(REACH):
            np.add.at(weights[:, c], columns[(c + step) % n], kernel[:, :, k].T)  # a pair is of two electrodes
    return weights.reshape(inputs, n * units), np.tile(bias, n)

"""Layers of a network by the names that torch gives their tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.onnx_graphs.actor_network import RecurrentLayer

Tensors = Mapping[str, NDArray[np.floating]]
Dense = list[tuple[NDArray[np.floating], NDArray[np.floating]]]


def dense(tensors: Tensors, prefix: str, what: str) -> Dense:
    """The linear layers of an `nn.Sequential` called `prefix`, in which every other module is an activation.

    Raises `ConfigError` where there is anything else with weights, such as a normalisation of units or a convolution.
    """
    own = {name: value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
    layers: Dense = []
    number = 0
    while f"{prefix}.{number}.weight" in own:
        layers.append(linear(own, f"{prefix}.{number}", what))
        del own[f"{prefix}.{number}.weight"]
        own.pop(f"{prefix}.{number}.bias", None)
        number += 2
    if own:
        raise ConfigError(
            f"{what} has {next(iter(own))!r}, which is no part of linear layers with activations between them: export "
            "it to ONNX, and use policy import onnx"
        )
    return layers


def linear(tensors: Tensors, name: str, what: str) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Weights (units, n) and biases (units,) of one linear layer."""
    weight = tensors.get(f"{name}.weight")
    if weight is None:
        raise ConfigError(f"{what} has no {name}.weight: it is no policy of a kind that is known")
    if weight.ndim != 2:
        raise ConfigError(
            f"{what} has {name}.weight of shape {weight.shape}, one of two axes is needed: export it to ONNX, and use "
            "policy import onnx"
        )
    bias = tensors.get(f"{name}.bias", np.zeros(len(weight), np.float32))
    if bias.shape != (len(weight),):
        raise ConfigError(f"{what} has {name}.bias of shape {bias.shape}, {(len(weight),)} is needed")
    return weight, bias


def recurrent(tensors: Tensors, prefix: str, what: str) -> tuple[RecurrentLayer, ...]:
    """The layers of an `nn.LSTM` or `nn.GRU` called `prefix`; none where there is no such module."""
    own = {name.removeprefix(f"{prefix}."): v for name, v in tensors.items() if name.startswith(f"{prefix}.")}
    other = [name for name in own if not re.fullmatch(r"(weight|bias)_[ih]h_l\d+", name)]
    if other:
        raise ConfigError(
            f"{what} has {prefix}.{other[0]}: a recurrent network in both directions or with projections is not read"
        )
    layers: list[RecurrentLayer] = []
    while f"weight_ih_l{len(layers)}" in own:
        n = f"l{len(layers)}"
        w_in, w_rec = own[f"weight_ih_{n}"], own.get(f"weight_hh_{n}", np.zeros((0, 0)))
        rows, size = w_rec.shape if w_rec.ndim == 2 else (0, 0)
        kind = {4 * size: "lstm", 3 * size: "gru"}.get(rows, "")
        if not kind or size == 0 or w_in.ndim != 2 or len(w_in) != rows:
            raise ConfigError(
                f"{what} has {prefix}.weight_hh_{n} of shape {w_rec.shape}, which is neither of an LSTM (4H, H) nor of "
                "a GRU (3H, H)"
            )
        none = np.zeros(rows, np.float32)
        b_in, b_rec = own.get(f"bias_ih_{n}", none), own.get(f"bias_hh_{n}", none)
        if b_in.shape != (rows,) or b_rec.shape != (rows,):
            raise ConfigError(f"{what} has biases of {prefix} of shapes {b_in.shape}, {b_rec.shape}, not ({rows},)")
        layers.append(RecurrentLayer(kind, w_in, w_rec, b_in, b_rec))
    return tuple(layers)


def check_chain(n_in: int, recurrent_layers: tuple[RecurrentLayer, ...], layers: Dense, what: str) -> None:
    """Raise `ConfigError` where a layer does not take what the one before it returns."""
    for i, layer in enumerate(recurrent_layers):
        if layer.w_in.shape[1] != n_in:
            raise ConfigError(f"{what}: recurrent layer {i} takes {layer.w_in.shape[1]} numbers, it is given {n_in}")
        n_in = layer.size
    for i, (weight, _) in enumerate(layers):
        if weight.shape[1] != n_in:
            raise ConfigError(f"{what}: layer {i} takes {weight.shape[1]} numbers, the one before it returns {n_in}")
        n_in = len(weight)

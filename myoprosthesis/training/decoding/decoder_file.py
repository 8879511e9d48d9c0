"""The fitted decoder in a file, as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NOVELTY, NoveltyDetector
from myoprosthesis.decoders.options import task_of
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.training.decoding.fitting import Fitted

Array = NDArray[np.float64]


def read_fitted(file: Path) -> Fitted:
    """Normaliser, network and novelty detector of a decoder without memory.

    Raises:
        ConfigError: The file is no decoder, or has a memory.
    """
    import onnx
    from onnx import numpy_helper

    contract = read_contract(file)
    if not contract.conditioning or contract.action.names[-1] != NOVELTY:
        raise ConfigError(f"policy {contract.name!r} is no decoder: fit one with myoprosthesis decode fit")
    if contract.hidden:
        raise ConfigError(f"decoder {contract.name!r} has a memory: only one with one linear layer can be adapted")
    graph = onnx.load(str(file)).graph
    constants = {t.name: np.asarray(numpy_helper.to_array(t), float) for t in graph.initializer}
    layers: list[tuple[Array, Array]] = []
    while f"w{len(layers)}" in constants:
        layers.append((constants[f"w{len(layers)}"], constants[f"b{len(layers)}"].reshape(-1)))
    outputs = {"Softmax": "softmax", "Sigmoid": "sigmoid", "Identity": "linear"}
    output = next((outputs[n.op_type] for n in graph.node if n.output[0] == "answer" and n.op_type in outputs), "")
    if not layers or not output or not {"mean", "scale", "whiten", "centres"} <= set(constants):
        raise ConfigError(f"decoder {contract.name!r} was not made by decode fit: its parts have other names")
    normaliser = Normaliser(constants["mean"].reshape(-1), constants["scale"].reshape(-1))
    detector = NoveltyDetector(constants["whiten"], constants["centres"])
    task = task_of(str(contract.decoding.get("task", "classification")))
    return Fitted(normaliser, DecoderNetwork(tuple(layers), output), detector, contract.action.names[:-1], task)

"""The ONNX graph of a policy without memory of what it saw: normaliser, multilayer perceptron, action map, contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.onnx_graphs.graph_builder import GraphBuilder

Weights = Mapping[str, NDArray[np.floating]]


def mlp_policy(
    contract: Contract, weights: Weights, activation: str, bounded: bool = False, sees_past: bool = False
) -> onnx.ModelProto:
    """Graph of a policy with n observations and m actions.

    The layers of the normalised observation, followed by the memory y with `sees_past`, give a, or tanh a where it is
    `bounded`; then y' = c·y + (1 − c)·a, and
    u = low + (high − low)·σ(centre + guide·observation + gain·y') within the bounds of the contract.

    Args:
        contract: What the policy observes and commands; the memory y is its recurrent state (1, m), or there is none.
        weights: Normaliser `mean` and `scale` (1, n); layers `w0` (units, n), `b0` (units,), `w1` and so on; `centre`
            (m,), `gain` (1,), `smoothing` c (1,) where there is a memory, `guide` (m, n) or nothing, and `unit_scale0`,
            `unit_shift0` (units,) and so on where the units of the hidden layers are normalised.
            With `sees_past` the normaliser has n + m.
        activation: Of the hidden layers: `silu`, `elu`, `tanh` or `relu`.
    """
    graph = GraphBuilder(weights)
    source = "observation"
    if sees_past:
        source = graph.node("Concat", [source, contract.hidden[0][0]], "seen", axis=1)
    x = graph.normaliser("clipped", source)
    layers = sum(name.startswith("w") for name in weights)
    for i in range(layers):
        x = graph.node("Gemm", [x, f"w{i}", f"b{i}"], f"layer{i}", transB=1)
        if i < layers - 1:
            if f"unit_scale{i}" in weights:
                x = graph.node(
                    "LayerNormalization", [x, f"unit_scale{i}", f"unit_shift{i}"], f"normal{i}", epsilon=1e-5
                )
            x = graph.activation(activation, x, f"units{i}")
    if bounded:
        x = graph.node("Tanh", [x], "bounded")
    if contract.hidden:
        (name, _), *_ = contract.hidden
        graph.constants({"fresh": 1.0 - np.asarray(weights["smoothing"], float)})
        graph.node("Mul", [name, "smoothing"], "kept")
        graph.node("Mul", [x, "fresh"], "added")
        x = graph.node("Add", ["kept", "added"], f"{name}_out")
    x = graph.node("Mul", [x, "gain"], "scaled_action")
    x = graph.node("Add", [x, "centre"], "centred_action")
    if "guide" in weights:
        graph.node("Gemm", ["observation", "guide"], "guided", transB=1)
        x = graph.node("Add", [x, "guided"], "guided_action")
    low, high = contract.action.bounds()
    graph.constants({"lowest": low, "range": high - low})
    graph.node("Sigmoid", [x], "share")
    graph.node("Mul", ["share", "range"], "ranged")
    graph.node("Add", ["ranged", "lowest"], "action")
    return graph.model(contract)

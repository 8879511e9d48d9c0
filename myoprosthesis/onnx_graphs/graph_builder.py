"""Builder of ONNX graphs with a contract, and the blocks that policies and decoders share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.contract import METADATA_KEY, Contract

OPSET, IR = 17, 8
CLIP = 10.0
"""A normalised observation or feature is clipped to ± this."""
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("Elu", {}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "silu": ("", {}),  # of two operators
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "sigmoid": ("Sigmoid", {}),
    "identity": ("Identity", {}),
}
"""Activations of layers, with their operator in ONNX."""


class GraphBuilder:
    """Collects nodes and constants in the order in which they are added, and makes the model of them.

    Input `observation` (1, n), output `action` (1, m), and for every recurrent state of the contract an input of its
    name and an output `<name>_out` of its shape.
    """

    def __init__(self, weights: Mapping[str, ArrayLike]) -> None:
        """`weights` by the names that the blocks read."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, NDArray[np.generic]] = {}
        self._tensors: list[onnx.TensorProto] = []
        self._like: onnx.ModelProto | None = None
        """The graph that was joined."""
        self.constants(weights)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output, whose name is returned."""
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constants(self, values: Mapping[str, ArrayLike], double: bool = False) -> None:
        """Add initialisers: numbers in single precision, or `double`; indices (int64) as they are."""
        self._constants |= {name: _numbers(np.asarray(value), double) for name, value in values.items()}

    def normaliser(self, output: str, source: str = "observation") -> str:
        """(`source` − `mean`) · `scale`, clipped to ± `CLIP`; all have shape (1, n)."""
        self.constants({"low": [-CLIP], "high": [CLIP]})
        self.node("Sub", [source, "mean"], "centred")
        self.node("Mul", ["centred", "scale"], "scaled")
        return self.node("Clip", ["scaled", "low", "high"], output)

    def gru(self, name: str, source: str, layer: str = "") -> str:
        """One step of a gated recurrent unit of H units; returns the name of its new state, `<name>_out` (1, H).

        z, r = σ(Wx + b + Rh + c), n = tanh(Wx + b + r∘(Rh + c)), h' = n + z∘(h − n)
        (Cho et al. 2014, doi 10.3115/v1/D14-1179, with the reset gate after the product as in cuDNN and PyTorch).
        W = `w_in` (1, 3H, n) and R = `w_rec` (1, 3H, H), rows in ONNX's order update, reset, candidate; b and c = `b`
        (1, 6H), biases of the input first.

        Args:
            name: Name of the recurrent state h (1, H), an input of the graph.
            source: Name of the unit's input x (1, n).
            layer: Stands before the names of its weights, where there are several layers.
        """
        self._recurrent("GRU", [name], source, layer, linear_before_reset=1)
        return f"{name}_out"

    def lstm(self, name: str, cell: str, source: str, layer: str = "") -> str:
        """One step of a long short-term memory of H units; returns the name of its new state, `<name>_out` (1, H).

        i, o, f = σ(Wx + b + Rh + e), g = tanh(Wx + b + Rh + e), c' = f∘c + i∘g, h' = o∘tanh c' (Hochreiter &
        Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735, with forget gate). Weights as those of `gru` with 4H rows, in
        ONNX's order input, output, forget, candidate; `b` (1, 8H).

        Args:
            name: Name of the recurrent state h (1, H), an input of the graph.
            cell: Name of the recurrent state c (1, H), another one.
            source: Name of the unit's input x (1, n).
            layer: Stands before the names of its weights, where there are several layers.
        """
        self._recurrent("LSTM", [name, cell], source, layer)
        return f"{name}_out"

    def _recurrent(self, kind: str, states: list[str], source: str, layer: str, **attributes: Any) -> None:
        """A recurrent operator, which takes sequences: its input and its states get an axis more, and lose it after."""
        self.constants({"axis": np.array([0], np.int64)})
        before = ["state", "cell"][: len(states)]
        self.node("Unsqueeze", [source, "axis"], f"{layer}sequence")
        for state, own in zip(states, before, strict=True):
            self.node("Unsqueeze", [state, "axis"], f"{layer}{own}")
        weights = [f"{layer}{weight}" for weight in ("w_in", "w_rec", "b")]
        inputs = [f"{layer}sequence", *weights, "", *(f"{layer}{own}" for own in before)]
        outputs = ["", *(f"{layer}{own}_out" for own in before)]
        size = self._constants[weights[1]].shape[-1]
        self._nodes.append(helper.make_node(kind, inputs, outputs, hidden_size=size, **attributes))
        for state, own in zip(states, before, strict=True):
            self.node("Squeeze", [f"{layer}{own}_out", "axis"], f"{state}_out")

    def activation(self, kind: str, source: str, output: str) -> str:
        """An activation of `ACTIVATIONS`."""
        if kind == "silu":
            self.node("Sigmoid", [source], f"{output}_gate")
            return self.node("Mul", [source, f"{output}_gate"], output)
        operator, attributes = ACTIVATIONS[kind]
        return self.node(operator, [source], output, **attributes)

    def command(self, command_map: CommandMap, source: str, low: ArrayLike, high: ArrayLike) -> str:
        """The command that a `CommandMap` makes of the action `source` (1, m), as the output `action`."""
        parts: list[tuple[str, dict[str, ArrayLike]]] = []
        if command_map.least is not None and command_map.most is not None:
            parts += [("Max", {"action_least": command_map.least}), ("Min", {"action_most": command_map.most})]
        if not command_map.plain:
            parts += [("Mul", {"action_scale": command_map.scale}), ("Add", {"action_offset": command_map.offset})]
        if command_map.squash:
            width = np.asarray(high, float) - np.asarray(low, float)
            parts += [("Sigmoid", {}), ("Mul", {"command_width": width}), ("Add", {"command_low": low})]
        for i, (operator, constant) in enumerate(parts or [("Identity", {})]):
            self.constants({name: np.atleast_1d(np.asarray(value, float)) for name, value in constant.items()})
            source = self.node(operator, [source, *constant], "action" if i >= len(parts) - 1 else f"mapped{i}")
        return source

    def join(self, model: onnx.ModelProto) -> None:
        """Add the nodes and constants of another graph, whose inputs and outputs keep their names."""
        self._nodes += model.graph.node
        self._tensors += model.graph.initializer
        self._like = model

    def model(self, contract: Contract) -> onnx.ModelProto:
        """The checked model with `contract` in its metadata."""
        states = contract.hidden
        graph = helper.make_graph(
            self._nodes,
            contract.name,
            [_floats("observation", (1, contract.observation_size)), *(_floats(name, shape) for name, shape in states)],
            [_floats("action", (1, contract.action.size)), *(_floats(f"{name}_out", shape) for name, shape in states)],
            initializer=[*self._tensors, *(numpy_helper.from_array(v, k) for k, v in self._constants.items())],
        )
        settings: dict[str, Any] = {"opset_imports": [helper.make_opsetid("", OPSET)], "ir_version": IR}
        if (like := self._like) is not None:
            settings = {"opset_imports": like.opset_import, "ir_version": like.ir_version, "functions": like.functions}
        model = helper.make_model(graph, producer_name="myoprosthesis", **settings)
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
        onnx.checker.check_model(model, full_check=True)
        return model


def _floats(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _numbers(value: NDArray[np.generic], double: bool) -> NDArray[np.generic]:
    kind = np.int64 if value.dtype == np.int64 else np.float64 if double else np.float32
    return np.ascontiguousarray(value, kind).reshape(value.shape)

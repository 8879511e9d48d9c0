"""Builder of ONNX graphs with a contract, and the blocks that policies and decoders share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.contract import METADATA_KEY, Contract

OPSET, IR = 17, 8
CLIP = 10.0
"""A normalised observation or feature is clipped to ± this."""


class GraphBuilder:
    """Collects nodes and constants in the order in which they are added, and makes the model of them.

    Input `observation` (1, n), output `action` (1, m), and for every recurrent state of the contract an input of its
    name and an output `<name>_out` of its shape.
    """

    def __init__(self, weights: Mapping[str, ArrayLike]) -> None:
        """`weights` by the names that the blocks read."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, NDArray[np.generic]] = {}
        self.constants(weights)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output, whose name is returned."""
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constants(self, values: Mapping[str, ArrayLike]) -> None:
        """Add initialisers: numbers in single precision, indices (int64) as they are."""
        self._constants |= {name: _single(np.asarray(value)) for name, value in values.items()}

    def normaliser(self, output: str, source: str = "observation") -> str:
        """(`source` − `mean`) · `scale`, clipped to ± `CLIP`; all have shape (1, n)."""
        self.constants({"low": [-CLIP], "high": [CLIP]})
        self.node("Sub", [source, "mean"], "centred")
        self.node("Mul", ["centred", "scale"], "scaled")
        return self.node("Clip", ["scaled", "low", "high"], output)

    def gru(self, name: str, source: str) -> str:
        """One step of a gated recurrent unit of H units; returns the name of its new state, `<name>_out` (1, H).

        z, r = σ(Wx + b + Rh + c), n = tanh(Wx + b + r∘(Rh + c)), h' = n + z∘(h − n)
        (Cho et al. 2014, doi 10.3115/v1/D14-1179, with the reset gate after the product as in cuDNN and PyTorch).
        W = `w_in` (1, 3H, n) and R = `w_rec` (1, 3H, H), rows in ONNX's order update, reset, candidate; b and c = `b`
        (1, 6H), biases of the input first.

        Args:
            name: Name of the recurrent state h (1, H), an input of the graph.
            source: Name of the unit's input x (1, n).
        """
        self.constants({"axis": np.array([0], np.int64)})
        self.node("Unsqueeze", [source, "axis"], "sequence")
        self.node("Unsqueeze", [name, "axis"], "state")
        inputs, size = ["sequence", "w_in", "w_rec", "b", "", "state"], self._constants["w_rec"].shape[-1]
        unit = helper.make_node("GRU", inputs, ["", "state_out"], hidden_size=size, linear_before_reset=1)
        self._nodes.append(unit)
        return self.node("Squeeze", ["state_out", "axis"], f"{name}_out")

    def model(self, contract: Contract) -> onnx.ModelProto:
        """The checked model with `contract` in its metadata."""
        states = [(name, shape[1]) for name, shape in contract.hidden]
        graph = helper.make_graph(
            self._nodes,
            contract.name,
            [_row("observation", contract.observation_size), *(_row(name, size) for name, size in states)],
            [_row("action", contract.action.size), *(_row(f"{name}_out", size) for name, size in states)],
            initializer=[numpy_helper.from_array(v, k) for k, v in self._constants.items()],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, producer_name="myoprosthesis", opset_imports=opsets, ir_version=IR)
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
        onnx.checker.check_model(model, full_check=True)
        return model


def _row(name: str, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])


def _single(value: NDArray[np.generic]) -> NDArray[np.generic]:
    kind = np.int64 if value.dtype == np.int64 else np.float32
    return np.ascontiguousarray(value, kind).reshape(value.shape)

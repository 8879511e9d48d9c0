"""The ONNX graph of a decoder: normaliser, layers, scores, and the distance from what was fitted; with its contract.

Features are computed outside the graph, by the terms of the contract: they are 30 µs of numpy, one implementation
serves fitting and running, and a graph of them would have to hold the stream's past.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.decoders.network import CLIP, NOVELTY, NOVELTY_MAX, Familiarity, Network, Normaliser

OPSET, IR = 17, 8


def decoder(contract: Contract, normaliser: Normaliser, network: Network, familiarity: Familiarity) -> onnx.ModelProto:
    """The file of a decoder with n features and m scores or values: `observation` (1, n) → `action` (1, m + 1)."""
    node = helper.make_node
    constants: dict[str, NDArray[np.generic]] = {
        "mean": normaliser.mean[None], "scale": normaliser.scale[None],
        "low": np.float32(-CLIP), "high": np.float32(CLIP),  # type: ignore[dict-item]
        "whiten": familiarity.whiten, "centres": familiarity.centres,
        "zero": np.float32(0.0), "most": np.float32(NOVELTY_MAX),  # type: ignore[dict-item]
    }  # fmt: skip
    nodes = [
        node("Sub", ["observation", "mean"], ["centred"]),
        node("Mul", ["centred", "scale"], ["scaled"]),
        node("Clip", ["scaled", "low", "high"], ["layer0"]),
    ]
    for k, (weights, bias) in enumerate(network.layers):
        constants |= {f"w{k}": weights, f"b{k}": bias}
        nodes.append(node("Gemm", [f"layer{k}", f"w{k}", f"b{k}"], [f"sum{k}"]))
        if k + 1 < len(network.layers):
            nodes.append(node("Relu", [f"sum{k}"], [f"layer{k + 1}"]))
    last = f"sum{len(network.layers) - 1}"
    if network.output == "softmax":
        nodes.append(node("Softmax", [last], ["answer"], axis=1))
    else:
        nodes.append(node("Sigmoid" if network.output == "sigmoid" else "Identity", [last], ["answer"]))
    nodes += [
        node("MatMul", ["layer0", "whiten"], ["white"]),
        node("Sub", ["white", "centres"], ["apart"]),
        node("ReduceSumSquare", ["apart"], ["squares"], axes=[1], keepdims=1),
        node("ReduceMin", ["squares"], ["square"], axes=[0], keepdims=1),
        node("Sqrt", ["square"], ["distance"]),
        node("Clip", ["distance", "zero", "most"], [NOVELTY]),
        node("Concat", ["answer", NOVELTY], ["action"], axis=1),
    ]

    def rows(label: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(label, TensorProto.FLOAT, [1, width])

    graph = helper.make_graph(
        nodes, contract.name, [rows("observation", contract.observation_size)], [rows("action", contract.action.size)],
        initializer=[
            numpy_helper.from_array(np.ascontiguousarray(v, np.float32).reshape(np.shape(v)), k)
            for k, v in constants.items()
        ],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="myoprosthesis", opset_imports=opsets, ir_version=IR)
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model

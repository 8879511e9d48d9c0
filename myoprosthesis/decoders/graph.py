"""The ONNX graph of a decoder, with its contract: normaliser, memory, layers, scores, distance from what was fitted.

Features are computed outside the graph, by the terms of the contract: they are 30 µs of numpy, one implementation
serves fitting and running, and a graph of them would have to hold the stream's past.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.decoders.gru_weights import HIDDEN
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.normaliser import CLIP, Normaliser
from myoprosthesis.decoders.novelty import NOVELTY, NOVELTY_MAX, NoveltyDetector

OPSET, IR = 17, 8


def decoder(
    contract: Contract, normaliser: Normaliser, network: DecoderNetwork, familiarity: NoveltyDetector
) -> onnx.ModelProto:
    """The file of a decoder with n features and m scores or values: `observation` (1, n) → `action` (1, m + 1), and of
    one with a memory of H units `hidden` (1, H) → `hidden_out`."""
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
        node("Clip", ["scaled", "low", "high"], ["features"]),
    ]
    seen = "features"
    if network.memory:
        m, seen = network.memory, f"{HIDDEN}_out"
        constants |= {
            "w_in": m.w_in[None], "w_rec": m.w_rec[None], "b": np.concatenate([m.b_in, m.b_rec])[None],
            "axis": np.array([0], np.int64),
        }  # fmt: skip
        nodes += [
            node("Unsqueeze", ["features", "axis"], ["sequence"]),
            node("Unsqueeze", [HIDDEN, "axis"], ["state"]),
            node("GRU", ["sequence", "w_in", "w_rec", "b", "", "state"], ["", "state_out"], hidden_size=m.size,
                 linear_before_reset=1),
            node("Squeeze", ["state_out", "axis"], [seen]),
        ]  # fmt: skip
    for k, (weights, bias) in enumerate(network.layers):
        constants |= {f"w{k}": weights, f"b{k}": bias}
        if k:
            nodes.append(node("Relu", [seen], [f"layer{k}"]))
            seen = f"layer{k}"
        nodes.append(node("Gemm", [seen, f"w{k}", f"b{k}"], [f"sum{k}"]))
        seen = f"sum{k}"
    if network.output == "softmax":
        nodes.append(node("Softmax", [seen], ["answer"], axis=1))
    else:
        nodes.append(node("Sigmoid" if network.output == "sigmoid" else "Identity", [seen], ["answer"]))
    nodes += [
        node("MatMul", ["features", "whiten"], ["white"]),
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
        nodes, contract.name,
        [rows("observation", contract.observation_size), *(rows(name, shape[1]) for name, shape in network.hidden)],
        [rows("action", contract.action.size), *(rows(f"{name}_out", shape[1]) for name, shape in network.hidden)],
        initializer=[numpy_helper.from_array(_single(v), k) for k, v in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="myoprosthesis", opset_imports=opsets, ir_version=IR)
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _single(value: NDArray[np.generic]) -> NDArray[np.generic]:
    """Numbers in single precision, in C order; indices as they are."""
    kind = np.int64 if np.asarray(value).dtype == np.int64 else np.float32
    return np.ascontiguousarray(value, kind).reshape(np.shape(value))

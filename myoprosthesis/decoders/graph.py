"""ONNX graph of a decoder with its contract: normaliser, memory, layers, scores and novelty.

Features are computed outside the graph: they are 30 µs of numpy, one implementation serves fitting and running, and a
graph of them would have to hold the stream's past.
"""

from __future__ import annotations

import numpy as np
import onnx

from myoprosthesis.core.contract import Contract
from myoprosthesis.decoders.gru_weights import HIDDEN
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NOVELTY, NOVELTY_MAX, NoveltyDetector
from myoprosthesis.onnx_graphs.graph_builder import GraphBuilder

OUTPUTS = {"softmax": "Softmax", "sigmoid": "Sigmoid", "linear": "Identity"}


def decoder(
    contract: Contract, normaliser: Normaliser, network: DecoderNetwork, novelty: NoveltyDetector
) -> onnx.ModelProto:
    """The file of a decoder with n features and m scores or values.

    `observation` (1, n) → `action` (1, m + 1), and with a memory of H units `hidden` (1, H) → `hidden_out`.
    """
    graph = GraphBuilder({"mean": normaliser.mean[None], "scale": normaliser.scale[None]})
    features = graph.normaliser("features")
    last = _memory(graph, features, network)
    for k, (weights, bias) in enumerate(network.layers):
        graph.constants({f"w{k}": weights, f"b{k}": bias})
        layer = graph.node("Relu", [last], f"layer{k}") if k else last
        last = graph.node("Gemm", [layer, f"w{k}", f"b{k}"], f"sum{k}")
    graph.node(OUTPUTS[network.output], [last], "answer", **({"axis": 1} if network.output == "softmax" else {}))
    _novelty(graph, features, novelty)
    graph.node("Concat", ["answer", NOVELTY], "action", axis=1)
    return graph.model(contract)


def _memory(graph: GraphBuilder, features: str, network: DecoderNetwork) -> str:
    """The input of the first layer: the new state of the network's memory, or the features."""
    if network.memory is None:
        return features
    m = network.memory
    graph.constants({"w_in": m.w_in[None], "w_rec": m.w_rec[None], "b": np.concatenate([m.b_in, m.b_rec])[None]})
    return graph.gru(HIDDEN, features)


def _novelty(graph: GraphBuilder, features: str, novelty: NoveltyDetector) -> None:
    """The smallest distance of the whitened features to a centre, as `NoveltyDetector` computes it."""
    graph.constants({"whiten": novelty.whiten, "centres": novelty.centres, "zero": 0.0, "most": NOVELTY_MAX})
    graph.node("MatMul", [features, "whiten"], "white")
    graph.node("Sub", ["white", "centres"], "apart")
    graph.node("ReduceSumSquare", ["apart"], "squares", axes=[1], keepdims=1)
    graph.node("ReduceMin", ["squares"], "square", axes=[0], keepdims=1)
    graph.node("Sqrt", ["square"], "distance")
    graph.node("Clip", ["distance", "zero", "most"], NOVELTY)

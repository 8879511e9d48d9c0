"""The ONNX graph of a recurrent policy: normaliser, one gated recurrent unit, sigmoid read-out, contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.onnx_graphs.graph_builder import GraphBuilder

Weights = Mapping[str, NDArray[np.floating]]


def gru_policy(contract: Contract, weights: Weights) -> onnx.ModelProto:
    """Graph of a policy with n observations, H hidden units and m actions.

    u = low + (high − low)·σ(Vh' + d), with h' the new state of `GraphBuilder.gru` over the normalised observation.

    onnxruntime runs its fused GRU operator in 9 µs a call, and loads it in a third of the time of the same network
    written out: a load holds Python's lock, and with it the control thread.

    Args:
        contract: What the policy observes and commands; one recurrent state (1, H).
        weights: Normaliser `mean` (1, n) and `scale` (1, n); gates `w_in` (1, 3H, n), `w_rec` (1, 3H, H) and `b`
            (1, 6H) as `GraphBuilder.gru` reads them; read-out V = `w_out` (m, H), d = `b_out` (m,).
    """
    graph = GraphBuilder(weights)
    state = graph.gru(contract.hidden[0][0], graph.normaliser("clipped"))
    graph.node("Gemm", [state, "w_out", "b_out"], "read_out", transB=1)
    low, high = contract.action.bounds()
    if not low.any() and bool((high == 1.0).all()):
        graph.node("Sigmoid", ["read_out"], "action")
    else:
        graph.constants({"lowest": low, "range": high - low})
        graph.node("Sigmoid", ["read_out"], "share")
        graph.node("Mul", ["share", "range"], "ranged")
        graph.node("Add", ["ranged", "lowest"], "action")
    return graph.model(contract)

"""The ONNX graph of an actor that another library trained, between the units of an effector."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.onnx_graphs.actor_network import ActorNetwork, RecurrentLayer
from myoprosthesis.onnx_graphs.graph_builder import GraphBuilder

_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""Blocks of torch's rows in ONNX's order."""


def actor_policy(
    contract: Contract, network: ActorNetwork, observation_scale: NDArray[np.floating], command_map: CommandMap
) -> onnx.ModelProto:
    """Graph of a policy: the network, its deterministic action, and the command that is made of it.

    Args:
        contract: What the policy observes and commands; `network.hidden` are its recurrent states.
        network: The network.
        observation_scale: (n,) factors by which the network takes the numbers of the observation.
        command_map: From the network's action to the effector's command.
    """
    graph = GraphBuilder({})
    x = observed(graph, observation_scale, "observation")
    x = _normalised(graph, network, x)
    names = [name for name, _ in network.hidden]
    for i, layer in enumerate(network.recurrent):
        prefix = f"layer{i}_"
        graph.constants({f"{prefix}{name}": value for name, value in _weights(layer).items()})
        state = names.pop(0)
        x = graph.lstm(state, names.pop(0), x, prefix) if layer.kind == "lstm" else graph.gru(state, x, prefix)
    for i, (weight, bias) in enumerate(network.layers):
        graph.constants({f"w{i}": weight, f"b{i}": bias})
        x = graph.node("Gemm", [x, f"w{i}", f"b{i}"], f"dense{i}", transB=1)
        if i < len(network.layers) - 1:
            x = graph.activation(network.activation, x, f"units{i}")
    graph.command(command_map, _bounded(graph, network, x), *contract.action.bounds())
    return graph.model(contract)


def observed(graph: GraphBuilder, scale: NDArray[np.floating], source: str) -> str:
    """The observation in the units of the network."""
    if np.all(scale == 1.0):
        return source
    graph.constants({"observation_scale": scale[None]})
    return graph.node("Mul", [source, "observation_scale"], "network_observation")


def _normalised(graph: GraphBuilder, network: ActorNetwork, x: str) -> str:
    """In the precision in which the library computes it: a double one where the mean is one."""
    normaliser = network.normaliser
    if normaliser is None:
        return x
    double = normaliser.mean.dtype == np.float64
    if double:
        x = graph.node("Cast", [x], "wide", to=TensorProto.DOUBLE)
    graph.constants({"mean": normaliser.mean[None], "deviation": normaliser.deviation[None]}, double)
    graph.node("Sub", [x, "mean"], "centred")
    x = graph.node("Div", ["centred", "deviation"], "scaled")
    if normaliser.clip is not None:
        graph.constants({"clip_low": -normaliser.clip, "clip_high": normaliser.clip}, double)
        x = graph.node("Clip", [x, "clip_low", "clip_high"], "clipped")
    return graph.node("Cast", [x], "normalised", to=TensorProto.FLOAT) if double else x


def _bounded(graph: GraphBuilder, network: ActorNetwork, x: str) -> str:
    """The network's own action of its last layer."""
    if network.limit is not None:
        graph.constants({"limit_low": -network.limit, "limit_high": network.limit})
        x = graph.node("Clip", [x, "limit_low", "limit_high"], "limited")
    if network.low is None or network.high is None:
        if network.squashed:
            raise ConfigError("an action that is squashed needs its bounds")
        return x
    if not network.squashed:
        graph.constants({"least": network.low, "most": network.high})
        return graph.node("Min", [graph.node("Max", [x, "least"], "above"), "most"], "network_action")
    x = graph.node("Tanh", [x], "squashed")
    graph.constants({"middle": (network.high + network.low) / 2, "half": (network.high - network.low) / 2})
    return graph.node("Add", [graph.node("Mul", [x, "half"], "stretched"), "middle"], "network_action")


def _weights(layer: RecurrentLayer) -> dict[str, NDArray[np.floating]]:
    """A layer's weights as `GraphBuilder.lstm` and `GraphBuilder.gru` read them."""

    def ordered(rows: NDArray[np.floating]) -> NDArray[np.floating]:
        blocks = np.split(rows, len(_ORDER[layer.kind]))
        return np.concatenate([blocks[i] for i in _ORDER[layer.kind]])

    bias = np.concatenate([ordered(layer.b_in), ordered(layer.b_rec)])
    return {"w_in": ordered(layer.w_in)[None], "w_rec": ordered(layer.w_rec)[None], "b": bias[None]}

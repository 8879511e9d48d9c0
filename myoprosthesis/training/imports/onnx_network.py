"""An ONNX network of another library as a policy: its inputs and outputs by the names that a contract gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose

from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.text import printable
from myoprosthesis.onnx_graphs.actor_policy import observed
from myoprosthesis.onnx_graphs.graph_builder import GraphBuilder
from myoprosthesis.policies.onnx_policy import read_graph
from myoprosthesis.policies.onnx_session import OnnxSession
from myoprosthesis.training.imports.contract_file import GraphNames
from myoprosthesis.training.imports.imported_policy import Act, ImportedPolicy
from myoprosthesis.training.imports.policy_interface import PolicyInterface

PREFIX = "network/"
"""Before every name of the graph, so that none is one of the contract's."""


def read(path: Path, interface: PolicyInterface, names: GraphNames) -> tuple[ImportedPolicy, Act]:
    """The policy of a network, and the network itself as it is run.

    Raises `ConfigError` where the graph cannot be matched with the contract; the sentence says what is missing.
    """
    try:
        model = read_graph(path)
    except ContractError as error:
        raise ConfigError(str(error)) from error
    for tensor in model.graph.initializer:
        floating = tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
        if floating and not np.isfinite(onnx.numpy_helper.to_array(tensor)).all():
            raise ConfigError(f"{path} has weights {tensor.name!r} that are not finite")
    contract = interface.contract
    defaults = {t.name for t in (*model.graph.initializer, *model.graph.sparse_initializer)}
    inputs = {v.name: v for v in model.graph.input if v.name not in defaults}
    outputs = {v.name: v for v in model.graph.output}
    pairs = {name: names.hidden.get(name, (name, f"{name}_out")) for name, _ in contract.hidden}
    taken = {name: pair[0] for name, pair in pairs.items()}, {name: pair[1] for name, pair in pairs.items()}
    source = interface.source
    first = _one(inputs, names.observation, "observation", taken[0].values(), "input", source)
    last = _one(outputs, names.action, "action", taken[1].values(), "output", source)
    wanted = {first: (1, contract.observation_size), **{taken[0][n]: s for n, s in contract.hidden}}
    returned = {last: (1, contract.action.size), **{taken[1][n]: s for n, s in contract.hidden}}
    for values, shapes, what in ((inputs, wanted, "input"), (outputs, returned, "output")):
        for name, shape in shapes.items():
            _check(values, name, shape, what, path, source)
    further = [name for name in inputs if name not in wanted]
    if further:
        raise ConfigError(
            f"{path} also takes {', '.join(map(repr, further))}: say in {source} which recurrent states they are, as "
            "hidden: [[h, [1, 64]]] with graph: {hidden: {h: [INPUT, OUTPUT]}}"
        )
    made = compose.add_prefix(model, PREFIX)
    graph = GraphBuilder({})
    start = observed(graph, interface.observation_scale, "observation")
    renamed = {PREFIX + first: start, PREFIX + last: "network_action"}
    renamed |= {PREFIX + taken[0][n]: n for n in pairs} | {PREFIX + taken[1][n]: f"{n}_out" for n in pairs}
    _rename(made.graph, renamed)
    graph.join(made)
    command_map = interface.command_map or CommandMap()
    graph.command(command_map, "network_action", *contract.action.bounds())
    try:
        model_out = graph.model(contract)
    except Exception as error:  # onnx raises several kinds
        raise ConfigError(f"{path} cannot be joined with {source}: {printable(str(error), 200)}") from error
    n = contract.observation_size
    policy = ImportedPolicy(
        model_out, contract, replace(interface), command_map, np.stack([np.zeros(n), np.ones(n)]),
        f"an ONNX network of {len(model.graph.node)} operators, made by {model.producer_name or 'an unknown program'}",
    )  # fmt: skip
    return policy, _runner(model, first, last, [(taken[0][n], taken[1][n], s) for n, s in contract.hidden])


def _one(values: Mapping[str, Any], name: str, default: str, taken: Any, what: str, source: str) -> str:
    """The input or output that is meant: by its name, or the only one that is no recurrent state."""
    if name or default in values:
        return name or default
    left = [value for value in values if value not in set(taken)]
    if len(left) == 1:
        return left[0]
    raise ConfigError(
        f"the network has the {what}s {', '.join(map(repr, values)) or 'none'}: say in {source} which is the "
        f"{default}, as graph: {{{default}: NAME}}, and which are recurrent states, as hidden"
    )


def _check(values: Mapping[str, Any], name: str, shape: tuple[int, ...], what: str, path: Path, source: str) -> None:
    if name not in values:
        there = ", ".join(map(repr, values)) or "none"
        raise ConfigError(f"{path} has no {what} {name!r}, which {source} tells of; there are: {there}")
    tensor = values[name].type.tensor_type
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        raise ConfigError(f"{path}: {what} {name!r} is no float32: export the network in float32")
    if not tensor.HasField("shape"):
        return
    own = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in tensor.shape.dim)
    if len(own) != len(shape) or any(a not in (None, b) for a, b in zip(own, shape, strict=True)):
        sizes = ", ".join("?" if d is None else str(d) for d in own)
        raise ConfigError(f"{path}: {what} {name!r} has shape ({sizes}), {source} tells of {shape}")


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Other names for what flows in a graph, in the graphs within it too."""
    for node in graph.node:
        for ends in (node.input, node.output):
            for i, name in enumerate(ends):
                ends[i] = names.get(name, name)
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _rename(inner, names)
                for value in inner.output:
                    value.name = names.get(value.name, value.name)


def _runner(model: onnx.ModelProto, first: str, last: str, states: list[tuple[str, str, tuple[int, ...]]]) -> Act:
    """The network as it was, run by onnxruntime."""
    try:
        session = OnnxSession(model.SerializeToString())
    except Exception as error:  # onnxruntime raises kinds of its own
        raise ConfigError(f"onnxruntime cannot run the network: {printable(str(error), 200)}") from error
    feed = {start: np.zeros(shape, np.float32) for start, _, shape in states}

    def act(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal feed
        action, *after = session.run([last, *(end for _, end, _ in states)], {first: observation[None], **feed})
        feed = {start: value for (start, _, _), value in zip(states, after, strict=True)}
        return np.asarray(action[0], np.float32)

    return act

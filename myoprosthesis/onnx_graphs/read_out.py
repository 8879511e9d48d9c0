"""The part of a policy's graph that reads the action from the recurrent state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx
from onnx import helper

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ContractError

STATE_INPUT = "{}_given"
"""Name of the input of a read-out for a recurrent state."""


def read_out(data: bytes, contract: Contract) -> tuple[bytes, tuple[str, ...]]:
    """The part of a policy's graph from its new recurrent state to the action.

    Args:
        data: ONNX file of the policy.
        contract: Its contract.

    Returns:
        ONNX file of the part, and the names of its inputs: `<state>_given` for each recurrent state, and `observation`
        if the action depends on it directly.

    Raises:
        ContractError: The action is not computed from the recurrent outputs, so that a changed state has no effect.
    """
    model = onnx.load_model_from_string(data)
    states = [name for name, _ in contract.hidden]
    state_inputs = {f"{name}_out": STATE_INPUT.format(name) for name in states}
    maker = {output: i for i, node in enumerate(model.graph.node) for output in node.output}
    needed, names, seen = set(), ["action"], set()
    while names:
        name = names.pop()
        if name in seen or name in state_inputs:
            seen.add(name)
            continue
        seen.add(name)
        if name in maker and maker[name] not in needed:
            needed.add(maker[name])
            names += _inputs(model.graph.node[maker[name]])
    past = [name for name in states if name in seen]
    if past or not seen & set(state_inputs):
        raise ContractError(
            f"policy {contract.name!r} does not read its action from its recurrent outputs "
            f"({', '.join(state_inputs)}), so that a change of its hidden state would have no effect"
        )
    del model.graph.output[:]
    shapes = {v.name: v for v in model.graph.input}
    wanted = [n for n in ("observation",) if n in seen]
    inputs = [shapes[n] for n in wanted]
    for name, shape in contract.hidden:
        inputs.append(helper.make_tensor_value_info(STATE_INPUT.format(name), onnx.TensorProto.FLOAT, list(shape)))
    nodes = [node for i, node in enumerate(model.graph.node) if i in needed]
    for node in nodes:
        for i, name in enumerate(node.input):
            if name in state_inputs:
                node.input[i] = state_inputs[name]
    graph = helper.make_graph(
        nodes, "read_out", inputs,
        [helper.make_tensor_value_info("action", onnx.TensorProto.FLOAT, [1, contract.action.size])],
        initializer=[t for t in model.graph.initializer if t.name in seen],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions)
    made.ir_version = model.ir_version
    return bytes(made.SerializeToString()), tuple(i.name for i in inputs)


def _inputs(node: Any) -> Iterator[str]:
    """Inputs of a node, those of branches inside it included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for inner in graph.node:
                yield from _inputs(inner)

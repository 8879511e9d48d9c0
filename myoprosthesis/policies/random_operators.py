"""Operators of an ONNX network that draw random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx
from onnx import numpy_helper

from myoprosthesis.core.errors import ContractError

RANDOM = {
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
    "Sampling",
}
DROPOUT = {"Dropout", "BitmaskDropout", "BiasDropout", "BitmaskBiasDropout"}
"""Operators that are random in training only, where their last input is true."""


def refuse_random(model: onnx.ModelProto) -> None:
    """Raise `ContractError` where a network draws random numbers: it would not do the same again."""
    for graph in (model.graph, *model.functions):
        for node, constants in _nodes(graph, {}):
            if node.op_type in RANDOM or (node.op_type in DROPOUT and _trains(node, constants)):
                raise ContractError(
                    f"the graph draws random numbers ({node.op_type} {node.name or node.output[0]!r}), so that it would"
                    " not do the same again: export the mean action, with model.eval(); noise is imposed by a "
                    "perturbation"
                )


def _nodes(
    graph: Any, outer: dict[str, onnx.TensorProto]
) -> Iterator[tuple[onnx.NodeProto, dict[str, onnx.TensorProto]]]:
    """Every operator of a graph, and of those within it, with the constants that it can name."""
    constants = outer | {t.name: t for t in getattr(graph, "initializer", ())}
    constants |= {
        node.output[0]: a.t
        for node in graph.node
        if node.op_type == "Constant"
        for a in node.attribute
        if a.name == "value"
    }
    for node in graph.node:
        yield node, constants
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _nodes(inner, constants)


def _trains(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether an operator of `DROPOUT` may drop anything: unless its `training_mode` is absent or constant false."""
    at = 4 if "Bias" in node.op_type else 2
    mode = node.input[at] if len(node.input) > at else ""
    return bool(mode) and not (mode in constants and not numpy_helper.to_array(constants[mode]).any())

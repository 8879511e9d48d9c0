"""A policy of your own: one matrix that pulls a mass to its target, as ONNX with its contract, and one shared check.

`myoprosthesis up --effector point_mass --policy FOLDER/policy.onnx` plays it; any framework that writes ONNX will do.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.contract import METADATA_KEY, Channels, Contract, Term
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.testing import check_policy

MUSCLES = ("right", "up", "left", "down")
STIFFNESS, DAMPING = 20.0, 3.0

contract = Contract(
    name="spring",
    effector="point_mass",
    observation=(
        Term("target", ("target/x", "target/y"), "position", unit="m"),
        Term("place", ("endpoint/x", "endpoint/y"), "position", unit="m"),
        Term("speed", ("endpoint/x", "endpoint/y"), "velocity", unit="m/s"),
    ),
    action=Channels("effort", MUSCLES, "1", (0.0,) * 4, (1.0,) * 4),
    dt=0.01,
    deadline_s=0.015,
)
x, y = np.eye(2)
pull = np.stack([x, y, -x, -y], axis=1)  # (2, 4): the direction of each muscle
matrix = np.concatenate([STIFFNESS * pull, -STIFFNESS * pull, -DAMPING * pull]).astype(np.float32)

graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["observation", "matrix"], ["wanted"]),
        helper.make_node("Clip", ["wanted", "low", "high"], ["action"]),
    ],
    "spring",
    [helper.make_tensor_value_info("observation", TensorProto.FLOAT, (1, 6))],
    [helper.make_tensor_value_info("action", TensorProto.FLOAT, (1, 4))],
    [
        numpy_helper.from_array(matrix, "matrix"),
        numpy_helper.from_array(np.float32(0), "low"),
        numpy_helper.from_array(np.float32(1), "high"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
helper.set_model_props(model, {METADATA_KEY: contract.to_json()})

with TemporaryDirectory() as own:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else own) / "policy.onnx"
    onnx.save(model, path)
    check_policy(lambda: OnnxPolicy(path))
    print(f"{contract.name}: {matrix.shape[0]} observations to {matrix.shape[1]} muscles, checked")

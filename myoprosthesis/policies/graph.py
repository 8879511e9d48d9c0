"""The ONNX graph of a recurrent policy: normaliser, one gated recurrent unit, sigmoid read-out, contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.core.effector import EffectorSpec
from myoprosthesis.core.observation import Term

OPSET, IR = 18, 9
CLIP = 10.0
"""A normalised observation is clipped to ± this."""

Weights = Mapping[str, NDArray[np.floating]]


def gru(contract: Contract, weights: Weights) -> bytes:
    """The file of a policy. With n observations, H hidden units and m actions, `weights` holds `offset` (n,) and
    `scale` (n,) of the normaliser, `W` (n, 3H), `R` (H, 3H), `bW` (3H,), `bR` (3H,) with gates in the order reset,
    update, new, and the read-out `V` (H, m), `c` (m,):

    r, z = σ(xW + bW + hR + bR), n = tanh(xWₙ + bWₙ + r∘(hRₙ + bRₙ)), h' = n + z∘(h − n),
    u = low + (high − low)·σ(h'V + c)
    (Cho et al. 2014, doi 10.3115/v1/D14-1179, with the reset gate after the product as in cuDNN and PyTorch).
    """
    (name, (_, size)) = contract.hidden[0]
    low, high = contract.action.bounds()
    arrays = {k: np.asarray(v, np.float32) for k, v in weights.items()}
    arrays |= {
        "lowest": np.float32(-CLIP),
        "highest": np.float32(CLIP),
        "splits": np.array([2 * size, size], np.int64),
        "halves": np.array([size, size], np.int64),
        "low": low.astype(np.float32),
        "range": (high - low).astype(np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Sub", ["observation", "offset"], ["centred"]),
        node("Mul", ["centred", "scale"], ["scaled"]),
        node("Clip", ["scaled", "lowest", "highest"], ["x"]),
        node("Gemm", ["x", "W", "bW"], ["from_x"]),
        node("Gemm", [name, "R", "bR"], ["from_h"]),
        node("Split", ["from_x", "splits"], ["gates_x", "new_x"], axis=1),
        node("Split", ["from_h", "splits"], ["gates_h", "new_h"], axis=1),
        node("Add", ["gates_x", "gates_h"], ["gates_in"]),
        node("Sigmoid", ["gates_in"], ["gates"]),
        node("Split", ["gates", "halves"], ["reset", "update"], axis=1),
        node("Mul", ["reset", "new_h"], ["kept"]),
        node("Add", ["new_x", "kept"], ["new_in"]),
        node("Tanh", ["new_in"], ["new"]),
        node("Sub", [name, "new"], ["gap"]),
        node("Mul", ["update", "gap"], ["carried"]),
        node("Add", ["new", "carried"], [f"{name}_out"]),
        node("Gemm", [f"{name}_out", "V", "c"], ["read_out"]),
        node("Sigmoid", ["read_out"], ["unit"]),
        node("Mul", ["unit", "range"], ["ranged"]),
        node("Add", ["ranged", "low"], ["action"]),
    ]

    def value(label: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(label, TensorProto.FLOAT, [1, width])

    graph = helper.make_graph(
        nodes,
        contract.name,
        [value("observation", contract.observation_size), value(name, size)],
        [value("action", contract.action.size), value(f"{name}_out", size)],
        [numpy_helper.from_array(v, k) for k, v in arrays.items()],
    )
    model = helper.make_model(
        graph, producer_name="myoprosthesis", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR
    )
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def untrained(
    spec: EffectorSpec, name: str = "untrained", hidden: int = 64, dt: float | None = None, seed: int = 0
) -> bytes:
    """A recurrent policy with random weights that fits an effector: for benches and tests of everything but skill."""
    rng = np.random.default_rng(seed)
    terms = [Term("joints", spec.joints, "position", "rad")]
    if spec.muscles:
        terms += [
            Term("muscle_length", spec.muscles, "position", "m"),
            Term("muscle_velocity", spec.muscles, "velocity", "m/s"),
        ]
    terms.append(Term("go", ("go",)))
    channels = Channels(
        spec.command.quantity, spec.command.names, spec.command.unit, spec.command.low, spec.command.high
    )
    contract = Contract(name, spec.name, tuple(terms), channels, dt or spec.dt, (("hidden", (1, hidden)),), seed=seed)
    n, m = contract.observation_size, spec.command.size
    shapes = {
        "W": (n, 3 * hidden),
        "R": (hidden, 3 * hidden),
        "bW": (3 * hidden,),
        "bR": (3 * hidden,),
        "V": (hidden, m),
    }
    weights: dict[str, NDArray[np.floating]] = {
        k: rng.normal(0, 1 / np.sqrt(s[0]), s).astype(np.float32) for k, s in shapes.items()
    }
    weights |= {"offset": np.zeros(n), "scale": np.ones(n), "c": rng.normal(-2.0, 0.5, m)}
    return gru(contract, weights)

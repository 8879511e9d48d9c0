"""The ONNX graph of a recurrent policy: normaliser, one gated recurrent unit, sigmoid read-out, contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.observation import Term

OPSET, IR = 17, 8
CLIP = 10.0
"""A normalised observation is clipped to ± this."""

Weights = Mapping[str, NDArray[np.floating]]


def gru(contract: Contract, weights: Weights) -> onnx.ModelProto:
    """The file of a policy with n observations, H hidden units and m actions.

    `weights` holds the normaliser `mean` (1, n) and `scale` (1, n), the gates `w_in` (1, 3H, n), `w_rec` (1, 3H, H)
    and `b` (1, 6H), input biases first, with rows in ONNX's order update, reset, candidate, and the read-out
    `w_out` (m, H), `b_out` (m,):

    z, r = σ(Wx + b + Rh + c), n = tanh(Wx + b + r∘(Rh + c)), h' = n + z∘(h − n), u = low + (high − low)·σ(Vh' + d)

    (Cho et al. 2014, doi 10.3115/v1/D14-1179, with the reset gate after the product as in cuDNN and PyTorch).
    onnxruntime runs its fused GRU operator in 9 µs a call, and loads it in a third of the time of the same network
    written out: a load holds Python's lock, and with it the control thread.
    """
    (name, (_, size)) = contract.hidden[0]
    low, high = contract.action.bounds()
    unit = not low.any() and bool((high == 1.0).all())
    constants = {k: np.asarray(v, np.float32) for k, v in weights.items()}
    constants |= {"low": np.float32(-CLIP), "high": np.float32(CLIP), "axis": np.array([0], np.int64)}  # type: ignore[dict-item]
    node = helper.make_node
    nodes = [
        node("Sub", ["observation", "mean"], ["centred"]),
        node("Mul", ["centred", "scale"], ["scaled"]),
        node("Clip", ["scaled", "low", "high"], ["clipped"]),
        node("Unsqueeze", ["clipped", "axis"], ["sequence"]),
        node("Unsqueeze", [name, "axis"], ["state"]),
        node(
            "GRU",
            ["sequence", "w_in", "w_rec", "b", "", "state"],
            ["", "state_out"],
            hidden_size=size,
            linear_before_reset=1,
        ),
        node("Squeeze", ["state_out", "axis"], [f"{name}_out"]),
        node("Gemm", [f"{name}_out", "w_out", "b_out"], ["read_out"], transB=1),
        node("Sigmoid", ["read_out"], ["action" if unit else "share"]),
    ]
    if not unit:
        constants |= {"lowest": low.astype(np.float32), "range": (high - low).astype(np.float32)}
        nodes += [node("Mul", ["share", "range"], ["ranged"]), node("Add", ["ranged", "lowest"], ["action"])]

    def rows(label: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(label, TensorProto.FLOAT, [1, width])

    graph = helper.make_graph(
        nodes,
        contract.name,
        [rows("observation", contract.observation_size), rows(name, size)],
        [rows("action", contract.action.size), rows(f"{name}_out", size)],
        initializer=[numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="myoprosthesis", opset_imports=opsets, ir_version=IR)
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def untrained(
    spec: EffectorSpec, name: str = "untrained", hidden: int = 64, dt: float | None = None, seed: int = 0
) -> bytes:
    """A recurrent policy with random weights that fits an effector: for benches and tests of everything but skill."""
    rng = np.random.default_rng(seed)
    units = set(spec.joint_units)
    terms = [Term("joints", spec.joints, "position", units.pop() if len(units) == 1 else "")]
    if spec.muscles:
        terms.append(Term("muscle_length", spec.muscles, "position", "m"))
        terms.append(Term("muscle_velocity", spec.muscles, "velocity", "m/s"))
    terms.append(Term("go", ("go",)))
    contract = Contract(
        name, spec.name, tuple(terms), spec.command, dt or spec.dt, (("hidden", (1, hidden)),), seed=seed
    )
    n, m = contract.observation_size, spec.command.size
    weights: dict[str, NDArray[np.floating]] = {
        "mean": np.zeros((1, n)),
        "scale": np.ones((1, n)),
        "w_in": rng.normal(0, n**-0.5, (1, 3 * hidden, n)),
        "w_rec": rng.normal(0, hidden**-0.5, (1, 3 * hidden, hidden)),
        "b": rng.normal(0, 0.1, (1, 6 * hidden)),
        "w_out": rng.normal(0, hidden**-0.5, (m, hidden)),
        "b_out": rng.normal(-2.0, 0.5, m),
    }
    return bytes(gru(contract, weights).SerializeToString())

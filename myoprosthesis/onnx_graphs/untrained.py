"""A recurrent policy with random weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.observation_term import Term
from myoprosthesis.onnx_graphs.gru_policy import gru_policy


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
    return bytes(gru_policy(contract, weights).SerializeToString())

"""The graph against the equations of its own docstring."""

import numpy as np
import onnx
import pytest

from myoprosthesis.core import registry
from myoprosthesis.onnx_graphs.graph_builder import CLIP
from myoprosthesis.onnx_graphs.untrained import untrained
from myoprosthesis.policies.onnx_policy import OnnxPolicy


@pytest.mark.parametrize("effector", ["point_mass", "mirror"])
def test_the_graph_computes_the_gated_unit(tmp_path, effector):
    """z, r = σ(…), n = tanh(Wx + b + r∘(Rh + c)), h' = n + z∘(h − n), u = low + (high − low)·σ(Vh' + d)."""
    spec = registry.factory("effectors", effector)(registry.options("effectors", effector)()).spec
    data = untrained(spec, hidden=16, seed=3)
    w = {t.name: onnx.numpy_helper.to_array(t).astype(float) for t in onnx.load_from_string(data).graph.initializer}
    (tmp_path / "policy.onnx").write_bytes(data)
    policy, rng = OnnxPolicy(tmp_path / "policy.onnx"), np.random.default_rng(0)
    low, high = spec.command.bounds()
    h, size = np.zeros(16), 16
    for _ in range(50):
        seen = rng.normal(0, 6, policy.contract.observation_size).astype(np.float32)
        x = np.clip((seen - w["mean"][0]) * w["scale"][0], -CLIP, CLIP)
        own, other = w["w_in"][0] @ x + w["b"][0, : 3 * size], w["w_rec"][0] @ h + w["b"][0, 3 * size :]
        z, r = (1 / (1 + np.exp(-(own + other)[k * size : (k + 1) * size])) for k in (0, 1))
        n = np.tanh(own[2 * size :] + r * other[2 * size :])
        h = n + z * (h - n)
        u = low + (high - low) / (1 + np.exp(-(w["w_out"] @ h + w["b_out"])))
        np.testing.assert_allclose(policy.step(seen), u, atol=2e-6)
        np.testing.assert_allclose(policy.hidden, h, atol=2e-6)


def test_a_seed_is_a_policy():
    spec = registry.factory("effectors", "arm26")(registry.options("effectors", "arm26")()).spec
    assert untrained(spec, seed=1) == untrained(spec, seed=1) != untrained(spec, seed=2)

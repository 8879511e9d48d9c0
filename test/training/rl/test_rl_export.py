"""The exported policy is the trained one: normaliser, network, memory and action map."""

import numpy as np
import onnxruntime
import pytest
import torch

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_term import Term
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.training.rl import export
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.network import Actor
from myoprosthesis.training.rl.network_options import NetworkOptions

N, M = 7, 4


def made(activation="silu", smoothing=0.7, guide=True, **network):
    rng = np.random.default_rng(0)
    options = NetworkOptions(actor=(16, 8), activation=activation, smoothing=smoothing, **network)
    seen = N + M * options.observes_past
    actor = Actor(seen, M, options, torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
        actor.mean.copy_(torch.from_numpy(rng.normal(0, 2, seen)))
        actor.scale.copy_(torch.from_numpy(rng.uniform(0.1, 20, seen)))
    low, high = np.zeros(M, np.float32), np.array([1, 1, 2, 0.5], np.float32)
    weights = rng.normal(0, 0.05, (M, N)).astype(np.float32) if guide else None
    action_map = ActionMap(low, high, rng.normal(-3, 1, M).astype(np.float32), weights, smoothing, 2.5, options.bounded)
    action = Channels("effort", tuple("abcd"), "1", tuple(low.tolist()), tuple(high.tolist()))
    terms = (Term("seen", tuple(f"x{i}" for i in range(N))),)
    return actor, action_map, Contract("skill", "body", terms, action, 0.025, export.hidden(action_map))


@pytest.mark.parametrize("activation", ["silu", "elu", "tanh", "relu"])
@pytest.mark.parametrize("smoothing", [0.0, 0.7])
def test_torch_and_onnxruntime_agree(tmp_path, activation, smoothing):
    actor, action_map, contract = made(activation, smoothing, guide=smoothing > 0)
    assert export.export(actor, action_map, contract, tmp_path / "policy.onnx") <= 1e-5
    policy = OnnxPolicy(tmp_path / "policy.onnx")
    assert policy.contract == contract
    assert contract.hidden == ((("past", (1, M)),) if smoothing else ())


ALL = {"bounded": True, "observes_past": True, "layer_norm": True}


@pytest.mark.parametrize("network", [{name: True} for name in ALL] + [ALL], ids=[*ALL, "all"])
def test_what_the_network_may_have_beside_is_exported_too(tmp_path, network):
    actor, action_map, contract = made(**network)
    assert export.export(actor, action_map, contract, tmp_path / "policy.onnx") <= 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "policy.onnx")
    past, x = np.full((1, M), 0.5, np.float32), np.ones((1, N), np.float32)
    seen = np.concatenate([x, past], axis=1) if network.get("observes_past") else x
    with torch.no_grad():
        mean = actor(torch.from_numpy(seen)).numpy()
    new = session.run(["past_out"], {"observation": x, "past": past})[0]
    wanted = 0.7 * past + 0.3 * (np.tanh(mean) if network.get("bounded") else mean)
    np.testing.assert_allclose(new, wanted, atol=1e-5)
    assert any(isinstance(part, torch.nn.LayerNorm) for part in actor.layers) == bool(network.get("layer_norm"))


def test_a_past_that_there_is_not_cannot_be_observed():
    with pytest.raises(ConfigError, match="there is no past"):
        NetworkOptions(observes_past=True, smoothing=0.0)


def test_the_action_is_a_sigmoid_about_the_centre_of_a_low_passed_mean(tmp_path):
    actor, action_map, contract = made()
    export.export(actor, action_map, contract, tmp_path / "policy.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "policy.onnx")
    past, rng = np.zeros((1, M), np.float32), np.random.default_rng(3)
    for _ in range(5):
        x = rng.normal(0, 1, (1, N)).astype(np.float32)
        with torch.no_grad():
            mean = actor(torch.from_numpy(x)).numpy()
        action, new = session.run(["action", "past_out"], {"observation": x, "past": past})
        past = 0.7 * past + 0.3 * mean
        assert np.allclose(new, past, atol=1e-5)
        logit = action_map.centre + x @ action_map.guide.T + 2.5 * past
        assert np.allclose(action, action_map.high / (1 + np.exp(-logit)), atol=1e-5)


def test_a_graph_that_differs_is_not_written(tmp_path, monkeypatch):
    actor, action_map, contract = made()
    monkeypatch.setattr(export, "to_onnx", lambda *parts: export.mlp_policy(*changed))
    model = made(activation="tanh")
    weights = {"mean": np.zeros((1, N)), "scale": np.ones((1, N)), "centre": np.zeros(M), "gain": [2.5]}
    layer = {"w0": np.zeros((M, N)), "b0": np.zeros(M), "smoothing": [0.7]}
    changed = (model[2], {**weights, **layer}, "silu")
    with pytest.raises(ConfigError, match="was not written: torch and onnxruntime differ"):
        export.export(actor, action_map, contract, tmp_path / "policy.onnx")
    assert not (tmp_path / "policy.onnx").exists()

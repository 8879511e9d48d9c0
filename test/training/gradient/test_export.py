"""The exported file against the network it came from."""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.training.gradient import export, reach_observation
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.torch_twin import Twin


@pytest.fixture
def made():
    body = bodies.arm26(BodyOptions())
    twin, plan = Twin(body.model).float(), Curriculum("c", (Stage("s"),), hidden=10)
    policy = ReachPolicy(*reach_observation.normaliser(twin), 10, 6, torch.Generator().manual_seed(1))
    with torch.no_grad():
        for bias in (policy.b_in, policy.b_rec, policy.b_out):
            bias.normal_(generator=torch.Generator().manual_seed(2))
    contract = Contract(
        name="made",
        effector="arm26",
        observation=reach_observation.terms(twin, plan),
        action=body.spec.command,
        dt=0.01,
        hidden=(("hidden", (1, 10)),),
    )
    return policy, contract, body


def test_the_file_equals_the_network_over_1000_steps(made, tmp_path):
    policy, contract, body = made
    assert export.export(policy, contract, tmp_path / "policy.onnx") <= 1e-5
    assert read_contract(tmp_path / "policy.onnx") == contract
    np.testing.assert_array_equal(contract.match(body.spec, {"target/x": "m", "target/y": "m", "go": "1"}), range(6))


@pytest.mark.parametrize("tensor", ["w_in", "w_rec", "b", "w_out", "b_out", "mean", "scale"])
def test_a_graph_that_differs_is_refused(made, tmp_path, monkeypatch, tensor):
    policy, contract, _ = made
    right = export.to_onnx

    def wrong(*args):
        model = right(*args)
        for i, held in enumerate(model.graph.initializer):
            if held.name == tensor:
                value = numpy_helper.to_array(held).copy()
                value.flat[0] += 0.01 + 0.01 * abs(value.flat[0])
                model.graph.initializer[i].CopyFrom(numpy_helper.from_array(value, tensor))
        return model

    monkeypatch.setattr(export, "to_onnx", wrong)
    with pytest.raises(ConfigError, match="was not written.*differ"):
        export.export(policy, contract, tmp_path / "policy.onnx")
    assert not (tmp_path / "policy.onnx").exists()


def test_weights_come_back_as_they_went(made, tmp_path):
    policy, contract, _ = made
    export.export(policy, contract, tmp_path / "policy.onnx")
    back = export.weights(tmp_path / "policy.onnx")
    for name, value in policy.state_dict().items():
        assert torch.equal(back[name], value), name
    with pytest.raises(ConfigError, match="no policy to start from"):
        export.weights(tmp_path / "nothing.onnx")
    model = onnx.load(str(tmp_path / "policy.onnx"))
    del model.graph.initializer[:]
    onnx.save(model, str(tmp_path / "bare.onnx"))
    with pytest.raises(ConfigError, match="no b, b_out, mean"):
        export.weights(tmp_path / "bare.onnx")


def test_the_runner_keeps_the_hidden_state(made, tmp_path):
    policy, contract, _ = made
    export.export(policy, contract, tmp_path / "policy.onnx")
    runner, hidden = OnnxPolicy(tmp_path / "policy.onnx"), torch.zeros(10, 1)
    for k in range(20):
        observation = torch.sin(torch.arange(17) + k)[:, None]
        with torch.no_grad():
            action, hidden = policy(observation, hidden)
        np.testing.assert_allclose(runner.step(observation[:, 0].numpy()), action[:, 0].numpy(), atol=1e-5)

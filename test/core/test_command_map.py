"""The map from an action to a command against its equation, and as nodes of a graph against itself."""

import numpy as np
import onnx
import onnxruntime
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_term import Term
from myoprosthesis.onnx_graphs.graph_builder import GraphBuilder

LOW, HIGH = np.array([0.0, -2.0]), np.array([1.0, 4.0])
MAPS = {
    "none": CommandMap(),
    "clip": CommandMap(np.array([-1.0, -0.5]), np.array([1.0, 0.5])),
    "linear": CommandMap(scale=[0.5, 3.0], offset=0.5),
    "squash": CommandMap(np.array(-1.0), np.array(1.0), 5.0, -2.5, "logistic"),
}


def test_a_squashed_action_is_that_of_the_contest():
    a = np.linspace(-2, 2, 9)[:, None] * np.ones(2)
    wanted = LOW + (HIGH - LOW) / (1 + np.exp(-5 * (np.clip(a, -1, 1) - 0.5)))
    assert np.allclose(MAPS["squash"](a, LOW, HIGH), wanted)
    assert np.array_equal(MAPS["linear"]([1.0, 1.0], LOW, HIGH), [1.0, 3.5])
    assert np.array_equal(MAPS["clip"]([9.0, -9.0], LOW, HIGH), [1.0, -0.5])
    assert np.array_equal(CommandMap(squash="logistic")([-1e9, 1e9], LOW, HIGH), [0.0, 4.0])


@pytest.mark.parametrize("name", MAPS)
def test_the_graph_computes_the_map(name):
    action = Channels("effort", ("a", "b"), "1", tuple(LOW), tuple(HIGH))
    graph = GraphBuilder({})
    graph.command(MAPS[name], "observation", LOW, HIGH)
    model = graph.model(Contract("map", "body", (Term("x", ("x", "y")),), action, 0.01))
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for a in np.random.default_rng(0).normal(0, 1, (20, 1, 2)).astype(np.float32):
        assert np.allclose(session.run(None, {"observation": a})[0], MAPS[name](a, LOW, HIGH), atol=1e-6)


@pytest.mark.parametrize("options", [{"squash": "tanh"}, {"scale": np.nan}, {"offset": [0, np.inf]}])
def test_a_map_that_is_none_is_refused(options):
    with pytest.raises(ConfigError):
        CommandMap(**options)

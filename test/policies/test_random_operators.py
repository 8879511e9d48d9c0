"""Networks that draw random numbers."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.errors import ContractError
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract

CONTRACT = {
    "format": 1, "name": "foreign", "effector": "arm", "dt": 0.01, "hidden": [],
    "observation": [{"name": "q", "channels": ["a", "b", "c"]}],
    "action": {"quantity": "position", "names": ["a", "b", "c"], "unit": "rad", "low": [-1] * 3, "high": [1] * 3},
}  # fmt: skip
YES, NO = (numpy_helper.from_array(np.array(value), name) for name, value in (("yes", True), ("no", False)))
RATIO = numpy_helper.from_array(np.array(0.5, np.float32), "ratio")
SHAPE = {"shape": [1, 3], "dtype": TensorProto.FLOAT}


def node(kind, inputs, output="noise", **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def add(first="observation", second="noise", output="action"):
    return node("Add", [first, second], output)


def network(path, nodes, constants=(YES, NO, RATIO), functions=(), domains=()):
    graph = helper.make_graph(
        nodes, "foreign", [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, 3])], initializer=list(constants),
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions))
    helper.set_model_props(model, {"myoprosthesis.contract": json.dumps(CONTRACT)})
    onnx.save(model, path)
    return path


def branch(*nodes):
    return helper.make_graph(
        list(nodes), "branch", [], [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3])]
    )


def training(mode):
    return node("Dropout", ["observation", "ratio", mode], "action")


INNER = helper.make_function(
    "own", "Noisy", ["x"], ["y"], [node("RandomNormalLike", ["x"], "n"), add("x", "n", "y")],
    [helper.make_opsetid("", 17)],
)  # fmt: skip
RANDOM = {
    "RandomNormal": [node("RandomNormal", [], **SHAPE), add()],
    "with a seed": [node("RandomNormal", [], seed=1.0, **SHAPE), add()],
    "RandomNormalLike": [node("RandomNormalLike", ["observation"]), add()],
    "RandomUniform": [node("RandomUniform", [], **SHAPE), add()],
    "RandomUniformLike": [node("RandomUniformLike", ["observation"]), add()],
    "Bernoulli": [node("Sigmoid", ["observation"], "p"), node("Bernoulli", ["p"]), add()],
    "Multinomial": [
        node("Multinomial", ["observation"], "drawn", sample_size=3), node("Cast", ["drawn"], to=TensorProto.FLOAT),
        add(),
    ],
    "dropout in training": [training("yes")],
    "dropout in training, by an operator": [node("Constant", [], "mode", value=YES), training("mode")],
    "dropout in training at times": [
        node("ReduceSum", ["observation"], "sum", keepdims=0), node("Cast", ["sum"], "mode", to=TensorProto.BOOL),
        training("mode"),
    ],
    "in a branch": [
        node("If", ["no"], "action", then_branch=branch(node("RandomNormalLike", ["observation"], "out")),
             else_branch=branch(node("Identity", ["observation"], "out")))
    ],
    "in a branch, with a constant from outside": [
        node("If", ["no"], "action", then_branch=branch(node("Dropout", ["observation", "ratio", "yes"], "out")),
             else_branch=branch(node("Identity", ["observation"], "out")))
    ],
}  # fmt: skip


@pytest.mark.parametrize("how", RANDOM)
def test_a_network_that_draws_random_numbers_is_refused(tmp_path, how):
    with pytest.raises(ContractError, match="the graph draws random numbers .*model.eval"):
        read_contract(network(tmp_path / "policy.onnx", RANDOM[how]))


def test_a_function_that_draws_random_numbers_is_refused(tmp_path):
    call = helper.make_node("Noisy", ["observation"], ["action"], domain="own")
    path = network(tmp_path / "policy.onnx", [call], functions=[INNER], domains=["own"])
    with pytest.raises(ContractError, match="draws random numbers .RandomNormalLike"):
        OnnxPolicy(path)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Dropout", ["observation"], "action")],
        [node("Dropout", ["observation", "ratio"], "action")],
        [training("no")],
        [node("Constant", [], "mode", value=NO), training("mode")],
        [
            node(
                "If", ["no"], "action", then_branch=branch(node("Dropout", ["observation", "ratio", "no"], "out")),
                else_branch=branch(node("Identity", ["observation"], "out")),
            )
        ],
    ],
)  # fmt: skip
def test_dropout_that_drops_nothing_is_played(tmp_path, nodes):
    policy = OnnxPolicy(network(tmp_path / "policy.onnx", nodes))
    policy.warm_up()
    np.testing.assert_array_equal(policy.step(np.array([1, 2, 3], np.float32)), [1, 2, 3])

"""Policy files: read by their contract, refused with one sentence."""

import json

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ContractError
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract

BAD = {
    "truncated": "not an ONNX file, or a damaged one",
    "empty": "not an ONNX file",
    "not ONNX": "not an ONNX file",
    "no contract": "carries no contract: its JSON belongs into the metadata under",
    "contract cut": "the contract cannot be read",
    "another format": "has format 99",
    "too many muscles": r"outputs are .*\(1, 4\).*, the contract tells of .*\(1, 5\)",
    "external weights": "refers to data outside itself; .*external_data=False",
    "external constant": "refers to data outside itself",
}
BAD_LATER = {
    "returns NaN": "numbers that are not finite",
    "fails when run": "cannot be run",
    "unknown operator": "cannot be loaded",
    "another shape": r"returns shapes .*\(3,\).*, its contract tells of .*\(4,\)",
}
MISFITS = {
    "one muscle less": "commands 3 channels, effector 'point_mass' takes 4",
    "renamed muscle": "its action has no 'right'; it has psoas",
    "renamed joint": "observes 'hinge' .*, which effector 'point_mass' does not have",
    "odd period": "every 12.3 ms, which is no whole multiple of the 10 ms",
}


@pytest.fixture(scope="module")
def spec():
    return registry.factory("effectors", "point_mass")(registry.options("effectors", "point_mass")()).spec


@pytest.mark.parametrize("fault, sentence", BAD.items())
def test_a_bad_file_is_refused_before_anything_is_run(sound, spoil, tmp_path, fault, sentence):
    path = spoil(sound(), fault, tmp_path)
    for read in (read_contract, OnnxPolicy):
        with pytest.raises(ContractError, match=sentence) as caught:
            read(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("fault, sentence", BAD_LATER.items())
def test_what_only_running_shows_is_refused_by_the_rehearsal(sound, spoil, tmp_path, fault, sentence):
    path = spoil(sound(), fault, tmp_path)
    with pytest.raises(ContractError, match=sentence) as caught:
        OnnxPolicy(path).warm_up()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fault, sentence", MISFITS.items())
def test_what_does_not_fit_is_refused_with_the_first_difference(sound, spoil, spec, tmp_path, fault, sentence):
    with pytest.raises(ContractError, match=sentence):
        read_contract(spoil(sound(), fault, tmp_path)).match(spec, {"go": "1"})


def test_every_truncation_is_refused(sound, tmp_path):
    data, path = sound(), tmp_path / "policy.onnx"
    for n in (*range(0, len(data), 97), len(data) - 1):
        path.write_bytes(data[:n])
        with pytest.raises(ContractError):
            OnnxPolicy(path)


def test_flipped_bytes_give_a_policy_or_a_sentence(sound, tmp_path):
    data, path, rng = sound(), tmp_path / "policy.onnx", np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(data)
        for at in rng.integers(len(data), size=8):
            broken[at] = rng.integers(256)
        path.write_bytes(broken)
        try:
            OnnxPolicy(path).warm_up()
        except ContractError as error:
            assert str(path) in str(error)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ContractError, match="cannot be read: it is a folder"):
        OnnxPolicy(tmp_path)
    with pytest.raises(ContractError, match="cannot be read: No such file"):
        OnnxPolicy(tmp_path / "none.onnx")


def test_permuted_muscles_play_the_same(sound, spoil, spec, tmp_path):
    plain, moved = (OnnxPolicy(spoil(sound(), f, tmp_path)) for f in ("sound", "permuted"))
    orders = [p.contract.match(spec, {"go": "1"}) for p in (plain, moved)]
    assert orders[0].tolist() != orders[1].tolist()
    rng = np.random.default_rng(0)
    for _ in range(20):
        seen = rng.normal(size=plain.contract.observation_size).astype(np.float32)
        a, b = (p.step(seen)[o] for p, o in zip((plain, moved), orders, strict=True))
        np.testing.assert_array_equal(a, b)


def test_memory_is_kept_until_reset_and_is_of_this_object(sound, spoil, tmp_path):
    path = spoil(sound(), "sound", tmp_path)
    one, two = OnnxPolicy(path), OnnxPolicy(path)
    one.warm_up()
    assert not one.hidden.any() and one.hidden.shape == (8,)
    seen = np.ones(one.contract.observation_size, np.float32)
    first = one.step(seen)
    assert one.hidden.any() and not two.hidden.any() and not np.array_equal(one.step(seen), first)
    one.reset()
    np.testing.assert_array_equal(one.step(seen), first)
    np.testing.assert_array_equal(two.step(seen), first)
    assert one.sha256 == two.sha256 and len(one.sha256) == 64


def test_the_file_may_go_once_it_is_loaded(sound, spoil, tmp_path):
    path = spoil(sound(), "sound", tmp_path)
    policy = OnnxPolicy(path)
    path.unlink()
    policy.warm_up()


STATED = {
    "format": 1, "name": "foreign", "effector": "arm", "dt": 0.01, "hidden": [],
    "observation": [{"name": "q", "channels": ["a", "b", "c"]}],
    "action": {"quantity": "position", "names": ["a", "b"], "unit": "rad", "low": [-1, -1], "high": [1, 1]},
}  # fmt: skip


def foreign(path, dtype=np.float32, batch=1, names=("observation", "action"), inside=None, opset=17, ir=8, more=()):
    """A linear policy as others export it: `batch` is the size of the first axis, a name, or None for no size."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    w = numpy_helper.from_array(np.arange(6).reshape(2, 3).astype(inside or dtype), "w")
    seen, done = names
    nodes = [helper.make_node("Gemm", [seen, "w"], [done], transB=1)]
    if inside is not None:
        nodes = [
            helper.make_node("Cast", [seen], ["x"], to=helper.np_dtype_to_tensor_dtype(np.dtype(inside))),
            helper.make_node("Gemm", ["x", "w"], ["y"], transB=1),
            helper.make_node("Elu", ["y"], ["z"]),
            helper.make_node("Cast", ["z"], [done], to=kind),
        ]
    outputs = [helper.make_tensor_value_info(done, kind, [batch, 2])]
    if "value" in more:
        nodes.append(helper.make_node("ReduceSum", [done], ["value"]))
        outputs.insert(0, helper.make_tensor_value_info("value", kind, None))
    inputs = [helper.make_tensor_value_info(seen, kind, [batch, 3])]
    if "default" in more:  # as files of old list their weights
        inputs.append(helper.make_tensor_value_info("w", kind, [2, 3]))
    if "starts" in more:
        inputs.append(helper.make_tensor_value_info("episode_starts", kind, [1]))
    graph = helper.make_graph(nodes, "foreign", inputs, outputs, initializer=[w])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    helper.set_model_props(model, {"myoprosthesis.contract": json.dumps(STATED)})
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    "how", [{}, {"batch": "batch"}, {"batch": None}, {"batch": -1}, {"more": ["value"]}, {"more": ["default"]}]
)
def test_a_batch_without_a_size_and_further_outputs_are_no_obstacle(tmp_path, how):
    policy = OnnxPolicy(foreign(tmp_path / "policy.onnx", **how))
    policy.warm_up()
    np.testing.assert_array_equal(policy.step(np.array([1, 2, 3], np.float32)), [8, 26])


FOREIGN = {
    "float64": ({"dtype": np.float64}, r"input 'observation' is float64, float32 is needed: .*model\.float\(\)"),
    "float16": ({"dtype": np.float16}, "input 'observation' is float16, float32 is needed"),
    "float64 inside": ({"inside": np.float64}, "cannot be loaded: .*export the network in float32"),
    "a batch of 8": (
        {"batch": 8},
        r"inputs .* \(8, 3\), the contract .* \(1, 3\): export it for a batch of one",
    ),
    "other names": ({"names": ("obs", "actions")}, r"export it with input_names=\['observation'\], output_names=\['ac"),
    "another output": ({"names": ("observation", "mean")}, r"has outputs 'mean' \(1, 2\).*output_names=\['action'\]"),
    "a further input": ({"more": ["starts"]}, "also takes 'episode_starts'.* constant"),
    "a later format": ({"ir": 99}, "cannot be loaded: .*export for IR version 10 or lower"),
    "a later format, in its words": ({"ir": 99}, "cannot be loaded: Unsupported model IR version: 99"),
    "a later opset": ({"opset": 99}, "cannot be loaded: .*opset 17 to 21"),
}


@pytest.mark.parametrize("fault", FOREIGN)
def test_a_foreign_file_that_cannot_be_played_says_how_to_export_it(tmp_path, fault):
    how, sentence = FOREIGN[fault]
    with pytest.raises(ContractError, match=sentence) as caught:
        OnnxPolicy(foreign(tmp_path / "policy.onnx", **how)).warm_up()
    assert "\n" not in str(caught.value) and "ONNXRuntimeError" not in str(caught.value)


def test_an_axis_without_a_size_takes_the_contracts(tmp_path, sound, spoil):
    """Also of a recurrent state."""
    model = onnx.load_model_from_string(sound())
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    path = tmp_path / "policy.onnx"
    path.write_bytes(model.SerializeToString())
    loose, fixed = OnnxPolicy(path), OnnxPolicy(spoil(sound(), "sound", tmp_path))
    loose.warm_up()
    seen = np.linspace(-1, 1, fixed.contract.observation_size).astype(np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(loose.step(seen), fixed.step(seen))

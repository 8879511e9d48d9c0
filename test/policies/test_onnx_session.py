"""A network from anybody neither hangs nor takes all memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from myoprosthesis.core.errors import ContractError
from myoprosthesis.policies import onnx_policy, onnx_session
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract


def before_action(data: bytes) -> onnx.ModelProto:
    """A policy whose action is called `given`, so that something can be put between the two."""
    model = onnx.load_model_from_string(data)
    node = next(n for n in model.graph.node if "action" in n.output)
    node.output[:] = ["given" if o == "action" else o for o in node.output]
    return model


def looping(data: bytes, always: bool) -> bytes:
    """It loops for ever: always, or once what it observes has something to it of 50 and more."""
    model = before_action(data)
    graph, node = model.graph, helper.make_node
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Identity", ["c"], ["c_out"]), node("Identity", ["v"], ["v_out"])],
        "body",
        [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("v", TensorProto.FLOAT, None)],
        [info("c_out", TensorProto.BOOL, []), info("v_out", TensorProto.FLOAT, None)],
    )
    graph.initializer.append(numpy_helper.from_array(np.float32(-1.0 if always else 50.0), "enough"))
    graph.node.extend(
        [
            node("ReduceL1", ["observation"], ["sum"], keepdims=0),
            node("Greater", ["sum", "enough"], ["loops"]),
            node("Loop", ["", "loops", "given"], ["action"], body=body),
        ]
    )
    return model.SerializeToString()


def hungry(data: bytes, how: str) -> bytes:
    """It needs a gigabyte: by a constant, by growing step by step, or once it observes something."""
    model = before_action(data)
    graph, node = model.graph, helper.make_node
    graph.initializer.append(numpy_helper.from_array(np.array([2**28], np.int64), "length"))
    graph.initializer.append(numpy_helper.from_array(np.array([[2**20, 2**8]], np.int64)[0], "area"))
    if how == "a constant":
        graph.node.append(node("ConstantOfShape", ["length"], ["large"]))
    elif how == "tiled":
        graph.initializer.append(numpy_helper.from_array(np.zeros((1, 1), np.float32), "one"))
        graph.node.append(node("Expand", ["one", "area"], ["large"]))
    else:
        graph.node.extend(
            [
                node("ReduceL1", ["observation"], ["sum"], keepdims=0),
                node("Cast", ["sum"], ["whole"], to=TensorProto.INT64),
                node("Mul", ["length", "whole"], ["wanted"]),
                node("ConstantOfShape", ["wanted"], ["large"]),
            ]
        )
    graph.node.extend([node("ReduceSum", ["large"], ["none"], keepdims=0), node("Add", ["given", "none"], ["action"])])
    return model.SerializeToString()


@pytest.fixture
def write(tmp_path):
    def file(data: bytes) -> Path:
        path = tmp_path / "policy.onnx"
        path.write_bytes(data)
        return path

    return file


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(onnx_session, "WAKE_S", 0.02)


def test_one_that_never_answers_is_refused_at_its_rehearsal(sound, write):
    policy = OnnxPolicy(write(looping(sound(), always=True)))
    with pytest.raises(ContractError, match="did not answer within"):
        policy.warm_up()


def test_one_that_hangs_later_is_stopped_and_not_asked_again(sound, write):
    policy = OnnxPolicy(write(looping(sound(), always=False)))
    policy.warm_up()
    assert np.isfinite(policy.step(np.zeros(policy.contract.observation_size, np.float32))).all()
    with pytest.raises(ContractError, match="was stopped: it did not answer"):
        policy.step(np.full(policy.contract.observation_size, 100.0, np.float32))
    assert policy.broken
    began = time.process_time()
    with pytest.raises(ContractError, match="was stopped"):
        policy.step(np.full(policy.contract.observation_size, 100.0, np.float32))
    assert time.process_time() - began < 1.0
    assert OnnxPolicy(policy.path).step(np.zeros(policy.contract.observation_size, np.float32)).size  # others go on


def test_a_run_can_be_ended_from_another_thread(sound, write, monkeypatch):
    import threading

    monkeypatch.setattr(onnx_session, "PATIENCE", 10**9)
    policy = OnnxPolicy(write(looping(sound(), always=True)))
    ended = threading.Event()

    def end() -> None:
        while not ended.wait(0.02):
            policy.end()

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(ContractError, match="was stopped"):
        policy.step(np.zeros(policy.contract.observation_size, np.float32))
    ended.set()
    thread.join()


@pytest.mark.parametrize("how", ["a constant", "tiled", "once it sees"])
def test_memory_is_bounded(sound, write, how, monkeypatch):
    monkeypatch.setattr(onnx_session, "PATIENCE", 10**9)  # on a busy machine memory takes its time
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ContractError, match="takes more than 512 MiB of memory"):
        policy = OnnxPolicy(write(hungry(sound(), how)))
        policy.warm_up()
        policy.step(np.full(policy.contract.observation_size, 1.0, np.float32))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 800_000  # KiB, of the million that were wanted


def test_operators_are_counted_in_all_graphs(sound, write, monkeypatch):
    monkeypatch.setattr(onnx_policy, "MOST_NODES", 12)
    read_contract(write(sound()))
    with pytest.raises(ContractError, match="14 operators, at most 12"):
        read_contract(write(looping(sound(), always=True)))


def test_a_state_beyond_all_measure_is_refused(sound, write, monkeypatch):
    monkeypatch.setattr(onnx_policy, "MOST_STATE", 7)
    with pytest.raises(ContractError, match="8 numbers of recurrent state, at most 7"):
        OnnxPolicy(write(sound()))


def test_a_process_that_was_held_is_not_taken_for_a_policy_that_hangs(sound, write):
    """Looks are counted: one look after a long pause ends nothing."""
    watchdog = onnx_session.OnnxWatchdog()
    policy = OnnxPolicy(write(sound()))
    ended = []

    class Held:
        number = 5

        def end(self) -> None:
            ended.append(1)

    held = Held()
    for _ in range(onnx_session.PATIENCE):
        watchdog._look(held)  # type: ignore[arg-type]
    assert not ended
    watchdog._look(held)  # type: ignore[arg-type]
    assert ended and policy.step(np.zeros(policy.contract.observation_size, np.float32)).size

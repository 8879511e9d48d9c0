"""A policy in an ONNX file that carries its contract."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import Message
from numpy.typing import NDArray
from onnx.external_data_helper import uses_external_data

from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.core.errors import ContractError
from myoprosthesis.policies.read_out import GIVEN, read_out


def read_contract(path: Path, data: bytes | None = None) -> Contract:
    """The contract in a file; every fault is a `ContractError` with one sentence. Nothing is run or unpickled."""
    if data is None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ContractError(f"{path} cannot be read: {error.strerror}") from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf raises its own kinds
        raise ContractError(f"{path} is not an ONNX file, or a damaged one ({len(data)} bytes)") from error
    if not model.graph.node:
        raise ContractError(f"{path} is not an ONNX file, or a damaged one ({len(data)} bytes)")
    if any(uses_external_data(t) for t in _tensors(model)):
        raise ContractError(f"{path} refers to data outside itself; a policy must be one file")
    text = next((p.value for p in model.metadata_props if p.key == METADATA_KEY), None)
    if text is None:
        raise ContractError(f"{path} carries no contract (metadata {METADATA_KEY!r}): export it with myoprosthesis")
    try:
        contract = Contract.from_json(text)
        _check_graph(model.graph, contract)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
    return contract


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Every tensor in a protobuf message, wherever it hides: weights, constants, branches, functions."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in (value,) if isinstance(value, Message) else value:
                if isinstance(part, onnx.TensorProto):
                    yield part
                else:
                    yield from _tensors(part)


def _check_graph(graph: Any, contract: Contract) -> None:
    """The graph's inputs and outputs must be those that the contract tells of."""

    def shapes(values: Any) -> dict[str, tuple[int, ...]]:
        return {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}

    wanted_in = {"observation": (1, contract.observation_size), **dict(contract.hidden)}
    wanted_out = {"action": (1, contract.action.size), **{f"{n}_out": s for n, s in contract.hidden}}
    for what, wanted, given in (
        ("input", wanted_in, shapes(graph.input)),
        ("output", wanted_out, shapes(graph.output)),
    ):
        if given != wanted:
            raise ContractError(f"the graph's {what}s are {given}, the contract tells of {wanted}")


class OnnxPolicy:
    """Runs a policy file with onnxruntime on one thread; recurrent state is kept between calls."""

    def __init__(self, path: str | Path) -> None:
        """Reads the file, checks its contract and makes the session; raises `ContractError`."""
        self.path = Path(path)
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise ContractError(f"{self.path} cannot be read: {error.strerror}") from error
        self.contract = read_contract(self.path, data)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._data = data
        self._session = self._open(data)
        self._read_out: tuple[onnxruntime.InferenceSession, tuple[str, ...]] | None = None
        self._names = [n for n, _ in self.contract.hidden]
        self._outputs = ["action", *(f"{n}_out" for n in self._names)]
        self._feed: dict[str, NDArray[np.float32]] = {}
        self.reset()

    def _open(self, data: bytes) -> onnxruntime.InferenceSession:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 4
        # Making a session holds Python's lock: 0.3 ms at this level, 0.5 at the default, which runs no faster.
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            return onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises kinds of its own
            raise ContractError(f"{self.path} cannot be loaded: {str(error).splitlines()[0]}") from error

    def reset(self) -> None:
        """Recurrent state as at the start of a trial: zero."""
        for name, shape in self.contract.hidden:
            self._feed[name] = np.zeros(shape, np.float32)

    @property
    def hidden(self) -> NDArray[np.float32]:
        """All recurrent state, flat."""
        return (
            np.concatenate([self._feed[n].reshape(-1) for n in self._names]) if self._names else np.zeros(0, np.float32)
        )

    def step(self, observation: NDArray[np.float32]) -> NDArray[np.float64]:
        """Action, shape (n_action,), in the order of the contract, for an observation of shape (n_observation,)."""
        self._feed["observation"] = observation.reshape(1, -1)
        action, *hidden = self._session.run(self._outputs, self._feed)
        for name, value in zip(self._names, hidden, strict=True):
            self._feed[name] = value
        return np.asarray(action[0], np.float64)

    def prepare_changes(self) -> None:
        """Make ready for `change`, which takes half a millisecond; refuses a policy whose state cannot be changed."""
        if self._read_out is None:
            data, inputs = read_out(self._data, self.contract)
            self._read_out = self._open(data), inputs

    def change(self, hidden: NDArray[np.float32]) -> NDArray[np.float64]:
        """Put `hidden`, flat, in place of all recurrent state; the action read from it, for the newest observation."""
        self.prepare_changes()
        assert self._read_out is not None
        session, inputs = self._read_out
        ends = np.cumsum([int(np.prod(shape)) for _, shape in self.contract.hidden])
        if hidden.shape != (ends[-1],):
            raise ContractError(f"{self.path} has {ends[-1]} recurrent units, got a state of shape {hidden.shape}")
        for (name, shape), part in zip(self.contract.hidden, np.split(hidden, ends[:-1]), strict=True):
            self._feed[name] = part.astype(np.float32).reshape(shape)
        feed = {GIVEN.format(name): self._feed[name] for name in self._names}
        feed |= {name: self._feed[name] for name in inputs if name not in feed}
        return np.asarray(session.run(["action"], feed)[0][0], np.float64)

    def rehearse(self) -> None:
        """Run twice from rest, so that nothing is slow the first time; refuses what fails, or is not finite."""
        for _ in range(2):
            try:
                action = self.step(np.zeros(self.contract.observation_size, np.float32))
            except Exception as error:  # onnxruntime raises kinds of its own
                raise ContractError(f"{self.path} cannot be run: {str(error).splitlines()[0]}") from error
            given = {"action": action.shape, **{n: self._feed[n].shape for n in self._names}}
            wanted = {"action": (self.contract.action.size,), **dict(self.contract.hidden)}
            if given != wanted:
                raise ContractError(f"{self.path} returns shapes {given}, its contract tells of {wanted}")
            if not np.isfinite(action).all():
                raise ContractError(f"{self.path} returns numbers that are not finite")
        self.reset()

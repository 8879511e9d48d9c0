"""A policy in an ONNX file that carries its contract."""

from __future__ import annotations

import copy
import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import Message
from numpy.typing import NDArray
from onnx.external_data_helper import uses_external_data

from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.files.regular import MIB, read_bytes
from myoprosthesis.onnx_graphs.read_out import STATE_INPUT, read_out
from myoprosthesis.policies.onnx_session import MEMORY_BYTES, OnnxSession, Overdue
from myoprosthesis.policies.random_operators import refuse_random

LARGEST = 1024 * MIB
"""Bytes of a policy file."""
MOST_NODES = 20_000
"""Operators of a network. Loading as many takes half a second, during which nothing else of the process runs."""
MOST_STATE = 10_000_000
"""Numbers of recurrent state."""


def read_contract(path: Path, data: bytes | None = None) -> Contract:
    """The contract in a file; every fault is a `ContractError` with one sentence. Nothing is run or unpickled."""
    model = read_graph(path, data)
    text = next((p.value for p in model.metadata_props if p.key == METADATA_KEY), None)
    if text is None:
        raise ContractError(f"{path} carries no contract: its JSON belongs into the metadata under {METADATA_KEY!r} "
                            "(onnx.helper.set_model_props)")  # fmt: skip
    try:
        contract = Contract.from_json(text)
        _check_graph(model.graph, contract)
        refuse_random(model)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
    return contract


def read_graph(path: Path, data: bytes | None = None) -> onnx.ModelProto:
    """The network in a file, within `MOST_NODES` and without data outside; raises `ContractError`."""
    if data is None:
        data = read_file(path)
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf raises its own kinds
        raise ContractError(f"{path} is not an ONNX file, or a damaged one ({len(data)} bytes)") from error
    if not model.graph.node:
        raise ContractError(f"{path} is not an ONNX file, or a damaged one ({len(data)} bytes)")
    if (n := _nodes(model.graph)) > MOST_NODES:
        raise ContractError(
            f"{path} has {n} operators, at most {MOST_NODES} are run: export the network without loops unrolled"
        )
    if any(uses_external_data(t) for t in _tensors(model)):
        raise ContractError(
            f"{path} refers to data outside itself; a policy must be one file: onnx.save(onnx.load(path), path) makes "
            "it one, or export with external_data=False"
        )
    return model


def read_file(path: Path) -> bytes:
    """The bytes of a policy file; raises `ContractError` where it is no regular file or larger than `LARGEST`."""
    try:
        return read_bytes(path, LARGEST)
    except ConfigError as error:
        raise ContractError(str(error)) from error


def _nodes(graph: Any) -> int:
    """Operators of a graph and of all graphs within it, counted until there are too many."""
    count, waiting = 0, [graph]
    while waiting and count <= MOST_NODES:
        here = waiting.pop()
        count += len(here.node)
        if count <= MOST_NODES:
            attributes = [a for node in here.node for a in node.attribute]
            waiting += [g for a in attributes for g in (*a.graphs, *([a.g] if a.HasField("g") else []))]
    return count


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
    """Raise an error unless the graph takes and returns in float32 what the contract names, and needs no other input.

    Inputs with a default may be left out. An axis without a fixed size, such as a batch, takes the contract's; further
    outputs are left alone.
    """
    defaults = {t.name for t in (*graph.initializer, *graph.sparse_initializer)}
    inputs = [v for v in graph.input if v.name not in defaults]
    wanted_in = {"observation": (1, contract.observation_size), **dict(contract.hidden)}
    wanted_out = {"action": (1, contract.action.size), **{f"{n}_out": s for n, s in contract.hidden}}
    for what, wanted, values in (("input", wanted_in, inputs), ("output", wanted_out, list(graph.output))):
        shapes = {v.name: _shape(v) for v in values}
        missing = [n for n in wanted if n not in shapes]
        further = [n for n in shapes if n not in wanted]
        if missing:
            raise ContractError(
                f"the graph has {what}s {_listed(shapes)}, the contract tells of {_listed(wanted)}: export it with "
                f"input_names={list(wanted_in)}, output_names={list(wanted_out)}"
            )
        if further and what == "input":
            raise ContractError(
                f"the graph also takes {', '.join(map(repr, further))}, of which the contract tells nothing: put a "
                "constant in its place in the module that is exported, or name it as a hidden state"
            )
        if any(not _fits(shapes[n], wanted[n]) for n in wanted):
            single = any(
                s is not None and (len(s) != len(wanted[n]) or s[:1] != (1,)) for n, s in shapes.items() if n in wanted
            )
            advice = ": export it for a batch of one, such as torch.zeros(1, n)" if single else ""
            raise ContractError(
                f"the graph's {what}s are {_listed(shapes)}, the contract tells of {_listed(wanted)}{advice}"
            )
        for value in (v for v in values if v.name in wanted):
            kind = value.type.tensor_type.elem_type
            if kind != onnx.TensorProto.FLOAT:
                raise ContractError(
                    f"the graph's {what} {value.name!r} is {_TYPES.get(kind, f'of type {kind}')}, float32 is needed: "
                    "export the network in float32, such as model.float() before torch.onnx.export"
                )


_TYPES = {kind: name.lower() for name, kind in onnx.TensorProto.DataType.items()} | {
    onnx.TensorProto.DOUBLE: "float64", onnx.TensorProto.UNDEFINED: "no tensor"
}  # fmt: skip


def _shape(value: Any) -> tuple[int | None, ...] | None:
    """Sizes of the axes, None for one without a fixed size; None where the graph has no shape."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in tensor.shape.dim)


def _fits(shape: tuple[int | None, ...] | None, wanted: tuple[int, ...]) -> bool:
    return shape is None or (
        len(shape) == len(wanted) and all(s in (None, w) for s, w in zip(shape, wanted, strict=True))
    )


def _listed(shapes: Mapping[str, tuple[int | None, ...] | None]) -> str:
    """Names with their shapes, `?` for an axis without a fixed size."""
    sizes = {
        n: "(?)" if s is None else f"({', '.join('?' if d is None else str(d) for d in s)})" for n, s in shapes.items()
    }
    return ", ".join(f"{n!r} {size}" for n, size in sizes.items()) or "none"


def _why(error: Exception) -> str:
    """What onnxruntime says, in one sentence without its codes, and what to do about it where that is known."""
    if "Available memory of" in str(error):  # of the arena
        return f"it takes more than {MEMORY_BYTES // MIB} MiB of memory"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = _CODES.sub("", lines[0]).strip()[:200]
    runtime = f"onnxruntime {onnxruntime.__version__}"
    for mark, advice in (
        ("IR version", f"{runtime} is older than the file: export for IR version 10 or lower"),
        ("opset", f"{runtime} is older than the file, or the opset is nobody's: export for opset 17 to 21"),
        ("NOT_IMPLEMENTED", f"{runtime} has no such operator for these types: export the network in float32"),
        ("is not a registered function/op", "export it with operators of ONNX alone"),
    ):
        if mark.lower() in str(error).lower():
            return f"{text.rstrip('.')}; {advice}"
    return text


_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |/\S+\.(?:cc|h):\d+ .*?\) (?=[A-Z])")
"""What stands before the sentence of onnxruntime: its codes, and the place in its source."""


class OnnxPolicy:
    """Runs a policy file with onnxruntime on one thread; recurrent state is kept between calls."""

    def __init__(self, path: str | Path) -> None:
        """Reads the file, checks its contract and makes the session; raises `ContractError`."""
        self.path = Path(path)
        data = read_file(self.path)
        self.contract = read_contract(self.path, data)
        if (n := sum(math.prod(shape) for _, shape in self.contract.hidden)) > MOST_STATE:
            raise ContractError(f"{self.path} has {n} numbers of recurrent state, at most {MOST_STATE} are kept")
        self.broken = ""
        """Why it cannot answer any more; empty while it can."""
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._data = data
        self._session = self._open(data)
        self._read_out: tuple[OnnxSession, tuple[str, ...]] | None = None
        self._names = [n for n, _ in self.contract.hidden]
        self._outputs = ["action", *(f"{n}_out" for n in self._names)]
        self._feed: dict[str, NDArray[np.float32]] = {}
        self.reset()

    def _open(self, data: bytes) -> OnnxSession:
        try:
            return OnnxSession(data)
        except Exception as error:  # onnxruntime raises kinds of its own
            raise ContractError(f"{self.path} cannot be loaded: {_why(error)}") from error

    def branch(self, rest: bool = True) -> OnnxPolicy:
        """Another policy with the same session and a recurrent state of its own: at `rest`, or as it is here."""
        other = copy.copy(self)
        other._feed = dict(self._feed)
        if rest:
            other.reset()
        return other

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
        action, *hidden = self._run(self._session, self._outputs, self._feed)
        for name, value in zip(self._names, hidden, strict=True):
            self._feed[name] = value
        return np.asarray(action[0], np.float64)

    def _run(self, session: OnnxSession, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[Any]:
        """What a session returns. One that failed, or did not end by itself, is not asked again."""
        if not self.broken:
            try:
                return session.run(outputs, feed)
            except Overdue as error:
                self.broken = f"{self.path} was stopped: {error}"
            except Exception as error:  # onnxruntime raises kinds of its own
                self.broken = f"{self.path} cannot be run: {_why(error)}"
        raise ContractError(self.broken)

    def end(self) -> None:
        """From any thread: what is being computed is not waited for."""
        for session in (self._session, self._read_out[0] if self._read_out else None):
            if session is not None:
                session.end()

    def prepare_readout(self) -> None:
        """See `StatefulPolicy.prepare_readout`; it takes half a millisecond."""
        self._readout()

    def _readout(self) -> tuple[OnnxSession, tuple[str, ...]]:
        """The session that reads the action from the recurrent state, and the names of its inputs."""
        if self._read_out is None:
            data, inputs = read_out(self._data, self.contract)
            self._read_out = self._open(data), inputs
        return self._read_out

    def set_hidden(self, hidden: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `StatefulPolicy.set_hidden`."""
        session, inputs = self._readout()
        ends = np.cumsum([int(np.prod(shape)) for _, shape in self.contract.hidden])
        if hidden.shape != (ends[-1],):
            raise ContractError(f"{self.path} has {ends[-1]} recurrent units, got a state of shape {hidden.shape}")
        for (name, shape), part in zip(self.contract.hidden, np.split(hidden, ends[:-1]), strict=True):
            self._feed[name] = part.astype(np.float32).reshape(shape)
        feed = {STATE_INPUT.format(name): self._feed[name] for name in self._names}
        feed |= {name: self._feed[name] for name in inputs if name not in feed}
        return np.asarray(self._run(session, ["action"], feed)[0][0], np.float64)

    def warm_up(self) -> None:
        """Run twice from rest, so that nothing is slow the first time, then from an input that is not rest.

        Refuses a policy that fails, does not answer in time, or is not finite at rest.
        """
        for _ in range(2):
            action = self.step(np.zeros(self.contract.observation_size, np.float32))
            shapes = {"action": action.shape, **{n: self._feed[n].shape for n in self._names}}
            wanted = {"action": (self.contract.action.size,), **dict(self.contract.hidden)}
            if shapes != wanted:
                raise ContractError(f"{self.path} returns shapes {shapes}, its contract tells of {wanted}")
            if not np.isfinite(action).all():
                raise ContractError(f"{self.path} returns numbers that are not finite")
        self.step(np.random.default_rng(0).normal(0.0, 0.3, self.contract.observation_size).astype(np.float32))
        self.reset()

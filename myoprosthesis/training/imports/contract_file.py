"""A contract that a person wrote for a network of another library, as YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.channels import Channels
from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError, ContractError, MyoError, unknown
from myoprosthesis.core.observation_term import Term
from myoprosthesis.files import yaml_text
from myoprosthesis.tasks.task import channels_of
from myoprosthesis.training.imports.policy_interface import PolicyInterface

NEEDED = {
    "effector": "the effector that it commands",
    "observation": "the terms that it observes, in the network's order",
    "action": "quantity, names, unit and bounds of what it commands",
    "dt": "its period, s",
}
"""What no file of a network says."""
OPTIONAL = (
    "name",
    "hidden",
    "deadline_s",
    "simulator",
    "fingerprint",
    "seed",
    "task_options",
    "action_map",
    "graph",
    "format",
)
MAP = ("clip", "scale", "offset", "squash")
GRAPH = ("observation", "action", "hidden")


@dataclass(frozen=True)
class GraphNames:
    """How an ONNX file calls what a contract names."""

    observation: str = ""
    action: str = ""
    hidden: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Input and output of each recurrent state."""


def read(path: Path) -> tuple[PolicyInterface, GraphNames]:
    """The contract in a file, whose observation and action may be in other units in the network.

    Raises `ConfigError` naming what is missing, unknown, or not as it has to be; nothing is assumed.
    """
    data = yaml_text.read_mapping(path, keys=", ".join(NEEDED))
    missing = {key: what for key, what in NEEDED.items() if key not in data}
    if missing:
        wanted = ", ".join(f"{key} ({what})" for key, what in missing.items())
        raise ConfigError(f"{path} does not say {wanted}: nothing of it can be taken from the network's file")
    for key in data:
        if key not in (*NEEDED, *OPTIONAL):
            raise ConfigError(f"{path} has an {unknown('key', key, (*NEEDED, *OPTIONAL))}")
    if not isinstance(data["observation"], list) or not all(isinstance(term, dict) for term in data["observation"]):
        raise ConfigError(f"{path}: observation is a list of terms, each with name, channels or kind, and unit")
    if not isinstance(data["action"], dict):
        raise ConfigError(f"{path}: action is a mapping with {', '.join(f.name for f in fields(Channels))}")
    scales = [term.pop("scale", 1.0) for term in data["observation"]]
    own = {key: value for key, value in data.items() if key not in ("action_map", "graph", "format")}
    own["observation"] = [_term(term) for term in data["observation"]]
    own["action"] = _action(data["action"], path)
    own = {"name": path.stem, "hidden": [], **own, "format": 2}
    try:
        contract = Contract.from_json(json.dumps(own))
        _check_effector(contract)
    except (MyoError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    scale = np.concatenate(
        [_scale(value, term.name, term.size, path) for value, term in zip(scales, contract.observation, strict=True)]
    )
    command_map = _map(data["action_map"], contract.action.size, path) if "action_map" in data else None
    least, most = (None, None) if command_map is None else (command_map.least, command_map.most)
    graph = _graph(data.get("graph", {}), contract, path)
    return PolicyInterface(contract, str(path), scale, command_map, least, most), graph


def _term(term: dict[str, Any]) -> dict[str, Any]:
    """A term of format 2; one of channels may have its options beside its name."""
    if "kind" in term or "channels" not in term:
        return term
    return {"name": term.get("name", ""), "kind": Term.kind, "options": {k: v for k, v in term.items() if k != "name"}}


def _action(action: dict[str, Any], path: Path) -> dict[str, Any]:
    """Bounds may be one number for all."""
    keys = [f.name for f in fields(Channels)]
    missing = [key for key in keys if key not in action]
    if missing:
        raise ConfigError(f"{path}: action does not say {', '.join(missing)}; {', '.join(keys)} are needed")
    n = len(action["names"]) if isinstance(action["names"], list) else 0
    ends = {key: action[key] if isinstance(action[key], list) else [action[key]] * n for key in ("low", "high")}
    return {**action, **ends}


def _check_effector(contract: Contract) -> None:
    """Match the contract with the effector, where it can be built here, and with the channels of all tasks."""
    options = registry.options("effectors", contract.effector)
    try:
        spec = registry.factory("effectors", contract.effector)(options()).spec
    except (
        MyoError,
        TypeError,
    ):  # one that needs options, or a library that is not here: it is matched in use
        return
    extra = {channel: unit for task in registry.names("tasks") for channel, unit in channels_of(task).items()}
    contract.match(spec, extra)


def _scale(value: Any, name: str, size: int, path: Path) -> NDArray[np.float32]:
    """Factors of a term: one, or one for each of its numbers."""
    factors = _numbers(value, size, f"{path}: scale of {name!r}")
    if not factors.all():
        raise ConfigError(f"{path}: scale of {name!r} is 0: leave the term out, or say how the network takes it")
    return np.broadcast_to(factors, (size,)).astype(np.float32)


def _map(data: Any, size: int, path: Path) -> CommandMap:
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path}: action_map is a mapping with some of {', '.join(MAP)}, or {{}} for the same numbers"
        )
    for key in data:
        if key not in MAP:
            raise ConfigError(f"{path}: action_map has an {unknown('key', key, MAP)}")
    scale, offset = (
        _numbers(data.get(k, v), size, f"{path}: {k} of action_map") for k, v in (("scale", 1), ("offset", 0))
    )
    least: NDArray[np.float32] | None = None
    most: NDArray[np.float32] | None = None
    if "clip" in data:
        clip = data["clip"]
        if not isinstance(clip, list) or len(clip) != 2:
            raise ConfigError(f"{path}: clip of action_map is {clip!r}; the least and the greatest action are needed")
        least, most = (np.broadcast_to(_numbers(end, size, f"{path}: clip of action_map"), (size,)) for end in clip)
        if not (least < most).all():
            raise ConfigError(f"{path}: clip of action_map is {clip!r}; the least action is not below the greatest")
    try:
        return CommandMap(least, most, scale, offset, str(data.get("squash", "")))
    except ConfigError as error:
        raise ConfigError(f"{path}: action_map: {error}") from error


def _numbers(value: Any, size: int, where: str) -> NDArray[np.float32]:
    """One finite number, or `size` of them."""
    try:
        out = np.asarray(value, np.float32)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where} is {value!r}; a number, or one for each, is needed") from error
    if isinstance(value, (str, bool)) or out.shape not in ((), (size,)) or not np.isfinite(out).all():
        raise ConfigError(f"{where} is {value!r}; a number, or {size} of them, is needed")
    return out


def _graph(data: Any, contract: Contract, path: Path) -> GraphNames:
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: graph is a mapping with some of {', '.join(GRAPH)}")
    for key in data:
        if key not in GRAPH:
            raise ConfigError(f"{path}: graph has an {unknown('key', key, GRAPH)}")
    hidden = data.get("hidden", {})
    states = [name for name, _ in contract.hidden]
    if not isinstance(hidden, dict) or not all(isinstance(v, list) and len(v) == 2 for v in hidden.values()):
        raise ConfigError(f"{path}: hidden of graph has input and output of each state, as h: [h_in, h_out]")
    for name in hidden:
        if name not in states:
            raise ContractError(f"{path}: graph names the {unknown('recurrent state', name, states)}")
    names = {name: (str(pair[0]), str(pair[1])) for name, pair in hidden.items()}
    return GraphNames(str(data.get("observation", "")), str(data.get("action", "")), names)

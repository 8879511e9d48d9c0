"""The actor in a zip file of stable-baselines3 or sb3-contrib: PPO, A2C, TRPO, RecurrentPPO, SAC, TQC, TD3, DDPG.

Weights come from `policy.pth`, all else from what the text of `data` shows beside its pickles, which are not loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.text import printable
from myoprosthesis.files.regular import MIB
from myoprosthesis.files.zip_archive import ZipArchive
from myoprosthesis.onnx_graphs.actor_network import ActorNetwork, RecurrentLayer
from myoprosthesis.onnx_graphs.graph_builder import ACTIVATIONS
from myoprosthesis.training.imports import layers, tensors

LARGEST_DATA = 64 * MIB
CLIP_MEAN = 2.0
"""Default of the option `clip_mean` of SAC with state dependent exploration."""
DEFAULTS = {
    **dict.fromkeys(("stable_baselines3.common.policies", "sb3_contrib.common.recurrent.policies"), "tanh"),
    **{f"stable_baselines3.{name}.policies": "relu" for name in ("sac", "td3")},
    "sb3_contrib.tqc.policies": "relu",
}
"""Activation of the policies of a module, where none was asked for."""
TORCH = {
    **{"Tanh": "tanh", "ReLU": "relu", "ELU": "elu", "SiLU": "silu", "LeakyReLU": "leaky_relu"},
    **{"Sigmoid": "sigmoid", "Identity": "identity"},
}
"""Names of activations in torch."""


@dataclass(frozen=True, eq=False)
class Sb3Model:
    """What such a file has in it."""

    network: ActorNetwork
    module: str
    """Of the class of the policy."""
    policy: str
    """`actor_critic`, `sac` or `td3`: where the actor's layers are."""
    tensors: Mapping[str, NDArray[np.floating]]
    settings: Mapping[str, Any]
    """Readable part of the options of the policy."""
    version: str


def read(path: Path, activation: str = "") -> Sb3Model:
    """The actor; `activation` of its hidden layers is asked for where the file does not say."""
    archive = ZipArchive.open(path)
    if "policy.pth" not in archive.names:
        there = printable(", ".join(archive.names), 120)
        raise ConfigError(
            f"{path} has no policy.pth: it is no model of stable-baselines3 (it has {there or 'nothing'})"
        )
    data = _data(archive)
    what = f"policy.pth in {path}"
    own = tensors.arrays(tensors.read(archive.read("policy.pth", tensors.LARGEST), what), what)
    _check_extractor(own, what)
    settings, module = _mapping(data, "policy_kwargs"), str(_mapping(data, "policy_class").get("__module__", ""))
    low, high = bounds(_mapping(data, "action_space"), path)
    squashed, limit = True, None
    memory: tuple[RecurrentLayer, ...] = ()
    stochastic = any(name.startswith("actor.log_std") for name in own)
    if "actor.mu.0.weight" in own and not stochastic:
        policy, dense = "td3", layers.dense(own, "actor.mu", what)
        if not dense:
            raise ConfigError(f"{what} has no layers of an actor")
    elif "actor.mu.weight" in own or "actor.mu.0.weight" in own:
        policy = "sac"
        gsde = "actor.mu.0.weight" in own
        last = layers.linear(own, "actor.mu.0" if gsde else "actor.mu", what)
        dense = [*layers.dense(own, "actor.latent_pi", what), last]
        limit = float(settings.get("clip_mean", CLIP_MEAN)) if gsde else None
    else:
        policy, memory = "actor_critic", layers.recurrent(own, "lstm_actor", what)
        shared = layers.dense(own, "mlp_extractor.shared_net", what)
        dense = [*shared, *layers.dense(own, "mlp_extractor.policy_net", what), layers.linear(own, "action_net", what)]
        squashed = settings.get("squash_output") is True
    if "Box" not in str(_mapping(data, "action_space").get(":type:", "Box")):
        raise ConfigError(
            f"{path} is a policy of {data['action_space'][':type:']}; one with a Box of actions is needed"
        )
    kind = _activation(settings, module, activation, len(dense) > 1, path)
    network = ActorNetwork(tuple(dense), kind, memory, None, limit, squashed, low, high)
    layers.check_chain(network.n_observations, memory, dense, what)
    _check_spaces(data, network, path)
    version = archive.read("_stable_baselines3_version", 1000) if "_stable_baselines3_version" in archive.names else b""
    return Sb3Model(network, module, policy, own, settings, printable(version.decode("utf-8", "replace").strip(), 20))


def bounds(space: Mapping[str, Any], path: Path) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Bounds of a Box (m,), as far as they can be read from its text; None for both where they cannot."""
    shape = space.get("_shape", space.get("shape"))
    size = shape[0] if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], int) else 0
    ends: list[NDArray[np.float32] | None] = []
    for name in ("low", "high"):
        text = space.get(name, "")
        numbers = re.sub(r"[\[\],]", " ", text).split() if isinstance(text, str) else []
        try:
            ends.append(np.array([float(number) for number in numbers], np.float32))
        except ValueError:  # numpy writes long arrays with dots in the middle
            ends.append(None)
        end = ends[-1]
        if end is None or end.shape != (size,):
            try:  # one number for all
                ends[-1] = np.full(size, float(space.get(f"{name}_repr", "none")), np.float32)
            except (TypeError, ValueError):
                return None, None
    low, high = ends
    if low is None or high is None or not size:
        return None, None
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise ConfigError(f"{path} has actions without finite bounds: train it with an action space that has some")
    return low, high


def _data(archive: ZipArchive) -> dict[str, Any]:
    try:
        data = json.loads(archive.read("data", LARGEST_DATA))
    except ConfigError:
        raise
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"data in {archive.name} is no JSON: {printable(str(error), 80)}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"data in {archive.name} is no JSON object")
    return data


def _mapping(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name, {})
    return value if isinstance(value, dict) else {}


def _check_extractor(own: Mapping[str, Any], what: str) -> None:
    for name in own:
        parts = name.split(".")
        if any(part.endswith("features_extractor") for part in parts) and "critic" not in parts[0]:
            raise ConfigError(
                f"{what} has {name!r}: a network before the policy's own (a features extractor) is not read; export "
                "the policy to ONNX, and use policy import onnx"
            )


def _activation(settings: Mapping[str, Any], module: str, asked: str, needed: bool, path: Path) -> str:
    """The activation of the hidden layers: as asked for, as the file says, or the default of the policy's class."""
    if asked:
        if asked not in ACTIVATIONS:
            raise unknown("activation", asked, ACTIVATIONS)
        return asked
    if not needed:
        return "identity"
    text = settings.get("activation_fn")
    if text is None:
        if module not in DEFAULTS:
            raise ConfigError(
                f"{path} has a policy of {printable(module, 60) or 'an unknown module'} and says nothing of its "
                f"activation: say which, by --activation ({', '.join(ACTIVATIONS)})"
            )
        return DEFAULTS[module]
    name = str(text).strip("<>'").rpartition(".")[2]
    if name not in TORCH:
        raise ConfigError(
            f"{path} has the activation {printable(name, 40)!r}; read are {', '.join(TORCH)}: export the policy to "
            "ONNX, and use policy import onnx"
        )
    return TORCH[name]


def _check_spaces(data: Mapping[str, Any], network: ActorNetwork, path: Path) -> None:
    for name, size in (("observation_space", network.n_observations), ("action_space", network.n_actions)):
        space = _mapping(data, name)
        shape = space.get("_shape", space.get("shape"))
        if isinstance(shape, list) and shape != [size]:
            raise ConfigError(f"{path} has an {name.replace('_', ' ')} of shape {shape}, its network has {size}")

"""The actor in a checkpoint of rsl_rl, of its releases 1 to 5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.text import printable
from myoprosthesis.files.regular import read_bytes
from myoprosthesis.onnx_graphs.actor_network import ActorNetwork, ObservationNormaliser
from myoprosthesis.onnx_graphs.graph_builder import ACTIVATIONS
from myoprosthesis.training.imports import layers, tensors

EPSILON = 1e-2
"""Which rsl_rl adds to a deviation (`EmpiricalNormalization`); no checkpoint has it."""
Tensors = Mapping[str, NDArray[np.floating]]


def read(path: Path, activation: str = "") -> ActorNetwork:
    """The actor and its normaliser; `activation` of its hidden layers is in no checkpoint, and has to be said."""
    what = str(path)
    content = tensors.read(read_bytes(path, tensors.LARGEST), what)
    if "actor_state_dict" in content:  # from release 4 on
        own = tensors.arrays(content["actor_state_dict"], what)
        dense, memory, norm = layers.dense(own, "mlp", what), layers.recurrent(own, "rnn.rnn", what), "obs_normalizer"
        known: tuple[str, ...] = ("mlp.", "rnn.rnn.", "obs_normalizer.", "distribution.")
    elif "model_state_dict" in content:
        own = tensors.arrays(content["model_state_dict"], what)
        dense, norm = layers.dense(own, "actor", what), "actor_obs_normalizer"
        memory = layers.recurrent(own, "memory_a.rnn", what)
        known = ("actor.", "memory_", "actor_obs_normalizer.", "critic", "std", "log_std")
    else:
        there = printable(", ".join(map(str, content)), 120)
        raise ConfigError(f"{path} is no checkpoint of rsl_rl: it has neither model_state_dict nor actor_state_dict "
                          f"(there are: {there})")  # fmt: skip
    other = next((name for name in own if not name.startswith(known)), "")
    if other or not dense:
        raise ConfigError(
            f"{path} has {printable(other, 60)!r} in its policy, which is not read: export it to ONNX, and use policy "
            "import onnx"
            if other
            else f"{path} has no layers of an actor"
        )
    statistics = {name.removeprefix(f"{norm}."): v for name, v in own.items() if name.startswith(f"{norm}.")}
    if not statistics and "obs_norm_state_dict" in content:  # until release 2
        statistics = tensors.arrays(content["obs_norm_state_dict"], what)
    if not activation and len(dense) > 1:
        raise ConfigError(
            f"{path}: no checkpoint of rsl_rl says which activation its layers have: say it, by --activation, as it "
            f"stands in the configuration of the training ({', '.join(ACTIVATIONS)})"
        )
    if activation and activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS)
    network = ActorNetwork(tuple(dense), activation or "identity", memory, _normaliser(statistics, path))
    layers.check_chain(network.n_observations, memory, dense, what)
    return network


def _normaliser(statistics: Tensors, path: Path) -> ObservationNormaliser | None:
    if not statistics:
        return None
    mean, deviation = (statistics.get(name, np.zeros(0)).reshape(-1) for name in ("_mean", "_std"))
    if mean.size == 0 or mean.shape != deviation.shape:
        raise ConfigError(f"{path} has a normaliser without mean and deviation of one size")
    return ObservationNormaliser(mean.astype(np.float32), (deviation + np.float32(EPSILON)).astype(np.float32))

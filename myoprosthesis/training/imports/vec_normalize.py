"""The normaliser of a file of stable-baselines3's `VecNormalize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files import array_pickle
from myoprosthesis.files.array_pickle import PickleRecord
from myoprosthesis.files.regular import MIB, read_bytes
from myoprosthesis.onnx_graphs.actor_network import ObservationNormaliser

LARGEST = 64 * MIB
CLASS = "VecNormalize"
NAMED = (
    *("stable_baselines3.common.*", "gym.spaces.*", "gymnasium.spaces.*", "collections.deque"),
    *("numpy.random._pickle.*", "numpy.random._mt19937.*", "numpy.random._pcg64.*", "numpy.random._generator.*"),
    *("numpy.random.bit_generator.*", "numpy.random.mtrand.*"),
)
"""Classes that such a file names besides arrays; none of them is imported."""


def read(path: Path) -> ObservationNormaliser | None:
    """What `VecNormalize.normalize_obs` computes, in double precision; None where it leaves observations alone."""
    record = array_pickle.read(read_bytes(path, LARGEST), str(path), NAMED)
    if not isinstance(record, PickleRecord) or record.name.rpartition(".")[2] != CLASS:
        kind = record.name if isinstance(record, PickleRecord) else type(record).__name__
        raise ConfigError(f"{path} holds a {kind}; what VecNormalize.save wrote is needed")
    own = record.attributes
    if own.get("norm_obs") is False:
        return None
    statistics = own.get("obs_rms")
    if not isinstance(statistics, PickleRecord):
        raise ConfigError(f"{path} has statistics of observations with names (a Dict): a policy of one array is needed")
    mean, variance = _row(statistics, "mean", path), _row(statistics, "var", path)
    epsilon, clip = _number(own, "epsilon", path), _number(own, "clip_obs", path)
    if mean.shape != variance.shape:
        raise ConfigError(f"{path} has a mean of shape {mean.shape} and a variance of shape {variance.shape}")
    if (variance < 0).any() or epsilon < 0 or not (variance + epsilon > 0).all() or clip <= 0:
        raise ConfigError(f"{path} has a variance below 0, or none at all, or clips to nothing")
    return ObservationNormaliser(mean, np.sqrt(variance + epsilon), clip)


def _row(statistics: PickleRecord, name: str, path: Path) -> Any:
    value = statistics.attributes.get(name)
    if not isinstance(value, np.ndarray) or value.ndim != 1 or not np.isfinite(value).all():
        raise ConfigError(f"{path} has no {name} of the observations as one finite row")
    return value.astype(np.float64)


def _number(own: dict[str, Any], name: str, path: Path) -> float:
    value = own.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ConfigError(f"{path} has {name} = {value!r}; a number is needed")
    return float(value)

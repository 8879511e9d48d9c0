"""A curriculum of reinforcement learning: stages, each with options of the components and a rule for leaving it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build, option
from myoprosthesis.files import yaml_text
from myoprosthesis.training.rl.imitation_options import ImitationOptions
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.ppo_options import PpoOptions
from myoprosthesis.training.rl.sac_options import SacOptions
from myoprosthesis.training.rl.trainable_env import TrainableEnv


@dataclass(frozen=True)
class RlStage:
    """A stage is left upwards at a score, and downwards below another one."""

    name: str = option(help="name of the stage")
    batches: int = option(500, "longest stay, all visits together", "batches", 1)
    least_batches: int = option(5, "shortest stay of a visit", "batches", 0)
    episodes: int = option(200, "episodes of this stage, the last ones, over which the score is the mean", "", 1)
    promote: float = option(
        float("inf"), "to the next stage from this score on; not given: the stage lasts its batches", "1"
    )
    retreat: float = option(float("-inf"), "to the stage before below this score; not given: never", "1")
    values: Mapping[str, Any] = field(default_factory=dict)
    """`component.option` → its value, as the component takes it: where that is a range, it draws from it."""
    ppo: PpoOptions = PpoOptions()

    @property
    def timed(self) -> bool:
        """Whether the stage lasts its batches, whatever the score."""
        return self.promote == float("inf")


@dataclass(frozen=True)
class RlCurriculum:
    """What a policy is trained on by trial and error, from the first stage to the last."""

    name: str = option(help="name of the curriculum")
    env: str = option(help="environment, such as Baoding-v0")
    env_options: dict[str, Any] = option({}, "options of the environment")
    stages: tuple[RlStage, ...] = option((), "the stages, in order")
    simulations: int = option(512, "simulations at the same time", "", 1, 1 << 20)
    steps: int = option(64, "steps of each simulation in a batch", "", 1, 1 << 16)
    current_share: float = option(
        0.8, "share of episodes in the current stage; the others are in earlier ones", "1", 0.0, 1.0
    )
    reached_share: float = option(
        0.0, "share of episodes that start from a state that the policy reached", "1", 0.0, 1.0
    )
    algorithm: str = option("ppo", "how the policy is improved", choices=("ppo", "sac", "imitation"))
    sac: SacOptions = option(SacOptions(), "options of SAC")
    imitation: ImitationOptions = option(ImitationOptions(), "options of imitation")
    network: NetworkOptions = option(NetworkOptions(), "size of the networks, and exploration")
    ppo: PpoOptions = option(PpoOptions(), "options of PPO")
    data: Mapping[str, Any] = field(default_factory=dict)
    """The curriculum as it was written, for the record."""

    def __post_init__(self) -> None:
        names = [s.name for s in self.stages]
        if len(set(names)) != len(names):
            raise ConfigError(f"stages: names are not unique: {', '.join(names)}")

    def from_stage(self, first: str) -> RlCurriculum:
        """The curriculum from the stage `first` on; the stages before it stay as earlier ones are left out."""
        names = [s.name for s in self.stages]
        if first and first not in names:
            raise unknown("stage", first, names)
        return dataclasses.replace(self, stages=self.stages[names.index(first) if first else 0 :])


HEAD = tuple(f.name for f in dataclasses.fields(RlCurriculum) if f.name != "data")
"""The keys of a curriculum."""
OWN = tuple(f.name for f in dataclasses.fields(RlStage) if f.name not in ("values", "ppo"))
"""What a stage says of itself; its other keys are `ppo` and the components of the environment."""


def read(path: Path) -> dict[str, Any]:
    """The data of a curriculum's file."""
    if not path.exists():
        there = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ConfigError(f"there is no curriculum {path}; in that folder: {', '.join(there) or 'none'}")
    return yaml_text.read_mapping(path, keys="name, env, stages")


def header(data: Mapping[str, Any]) -> RlCurriculum:
    """The curriculum without its stages, which need the environment: what the environment is made from."""
    options = {key: value for key, value in data.items() if key != "stages"}
    for key in options:
        if key not in HEAD:
            raise unknown("key of a curriculum", str(key), HEAD)
    return build(RlCurriculum, options, "curriculum")


def curriculum(data: Mapping[str, Any], env: TrainableEnv) -> RlCurriculum:
    """The whole curriculum, its stages checked against the options of the environment's components.

    Raises:
        ConfigError: An unknown key, with the nearest known one; a value that its option does not take.
    """
    whole, stages = header(data), data.get("stages", [])
    if not isinstance(stages, Sequence) or isinstance(stages, str) or not stages:
        raise ConfigError(f"stages: a list of one at least is needed; got {stages!r}")
    made = tuple(_stage(stage, i, data.get("ppo", {}), env) for i, stage in enumerate(stages))
    return dataclasses.replace(whole, stages=made, data=dict(data))


def _stage(data: Any, index: int, base: Mapping[str, Any], env: TrainableEnv) -> RlStage:
    if not isinstance(data, Mapping):
        raise ConfigError(f"stage {index + 1}: a mapping of options is needed; got {data!r}")
    where = f"stage {data.get('name', index + 1)!r}"
    components = tuple(dict.fromkeys(name.partition(".")[0] for name in env.options))
    values: dict[str, Any] = {}
    for key, options in data.items():
        if key not in (*OWN, "ppo", *components):
            raise ConfigError(f"{where}: {unknown('key', str(key), (*OWN, 'ppo', *components))}")
        if key not in OWN and not isinstance(options, Mapping):
            raise ConfigError(f"{where}, {key}: a mapping of options is needed; got {options!r}")
        if key in components:
            names = [name.partition(".")[2] for name in env.options if name.startswith(f"{key}.")]
            for name in options:
                if name not in names:
                    raise ConfigError(f"{where}, {key}: {unknown('option', str(name), names)}")
            values |= {f"{key}.{name}": value for name, value in options.items()}
    try:
        env.set_options(np.zeros(0, np.intp), values, index)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    own = build(RlStage, {key: data[key] for key in OWN if key in data}, where)
    if own.promote < own.retreat:
        raise ConfigError(f"{where}: promote {own.promote:g} is below retreat {own.retreat:g}")
    ppo = build(PpoOptions, {**base, **data.get("ppo", {})}, f"{where}, ppo")
    return dataclasses.replace(own, values=values, ppo=ppo)

"""A curriculum: stages, each a set of ranges from which trials are drawn and a rule for leaving it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build, option
from myoprosthesis.files import yaml_text

Range = tuple[float, float]


@dataclass(frozen=True)
class LossWeights:
    """What a trial costs: the mean over time and batch of each term, times its weight."""

    distance: float = option(1.0, "distance from where the endpoint should be", "1/m", 0.0)
    waiting: float = option(10.0, "distance from the start before the go signal, on top of that", "1/m", 0.0)
    lateral: float = option(1.0, "distance from the straight line to the target", "1/m", 0.0)
    jerk: float = option(2e-5, "squared endpoint jerk", "s^6/m^2", 0.0)
    effort: float = option(1e-2, "squared muscle activation", "1", 0.0)
    hidden: float = option(1e-4, "squared activity of the network", "1", 0.0)
    hidden_rate: float = option(1e-3, "squared change of the network's activity from step to step", "1", 0.0)


@dataclass(frozen=True)
class Stage:
    """Ranges are (low, high) and drawn uniformly, once per trial."""

    name: str = option(help="name of the stage")
    batches: int = option(1000, "longest stay", "batches", 1)
    directions: int = option(0, "number of equally spaced directions; 0 for any direction", "", 0, 360)
    distance: Range = option((0.1, 0.1), "from start to target", "m", 0.0, 1.0)
    home_share: float = option(1.0, "share of trials that start at home", "1", 0.0, 1.0)
    start_radius: float = option(0.0, "other trials start anywhere within this radius of home", "m", 0.0, 1.0)
    field: Range = option((0.0, 0.0), "strength of the field, as a multiple of the curriculum's", "1", -10.0, 10.0)
    go: Range = option((0.1, 0.3), "time of the go signal", "s", 0.0, 10.0)
    catch_rate: float = option(0.3, "share of trials in which the go signal never comes", "1", 0.0, 1.0)
    vision_noise: float = option(0.001, "standard deviation, each step", "m", 0.0, 1.0)
    length_noise: float = option(0.001, "standard deviation, as a fraction of optimal fibre length", "1", 0.0, 1.0)
    velocity_noise: float = option(0.01, "standard deviation, in optimal fibre lengths per second", "1/s", 0.0, 10.0)
    learning_rate: Range = option((2e-3, 2e-3), "at the first and the last batch, cosine between", "1", 0.0, 1.0)
    leave_below_mm: float = option(0.0, "leave once endpoint error plus bend is below this; 0: never", "mm", 0.0)
    least_batches: int = option(100, "shortest stay", "batches", 0)
    weights: LossWeights = LossWeights()

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if isinstance(value, tuple) and f.name != "learning_rate" and value[0] > value[1]:
                raise ConfigError(f"{f.name}: a range goes from low to high; got {value[0]:g} … {value[1]:g}")


@dataclass(frozen=True)
class Curriculum:
    """What a policy is trained on, from the first stage to the last."""

    name: str = option(help="name of the curriculum")
    stages: tuple[Stage, ...] = ()
    field: float = option(0.0, "curl field b, F = b [v_y, -v_x]; above 0 pushes to the right", "N s/m", -100.0, 100.0)
    trial: float = option(1.0, "length of a trial", "s", 0.1, 60.0)
    dt: float = option(0.01, "control period", "s", 1e-3, 0.1)
    vision_delay: float = option(0.07, "age of what is seen, a whole number of periods", "s", 0.0, 1.0)
    proprioception_delay: float = option(0.02, "age of what is felt, a whole number of periods", "s", 0.0, 1.0)
    hidden: int = option(64, "units of the network", "", 1, 4096)
    batch: int = option(64, "trials in a batch", "", 1, 65536)
    clip: float = option(1.0, "largest norm of the gradient", "1", 1e-6)
    evaluate_every: int = option(50, "interval between evaluations", "batches", 1)
    patience: int = option(0, "evaluations without a better one after which the last stage ends; 0: never", "", 0)

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("stages: at least one is needed")
        names = [s.name for s in self.stages]
        if len(set(names)) != len(names):
            raise ConfigError(f"stages: names are not unique: {', '.join(names)}")

    def select(self, first: str = "") -> tuple[Stage, ...]:
        """Stages from `first` on; those that need a field are left out when the field is 0."""
        names = [s.name for s in self.stages]
        if first and first not in names:
            raise ConfigError(f"there is no stage {first!r}; there are: {', '.join(names)}")
        chosen = self.stages[names.index(first) if first else 0 :]
        chosen = tuple(s for s in chosen if self.field != 0 or s.field == (0.0, 0.0))
        if not chosen:
            raise ConfigError(f"with field 0 no stage is left from {first!r} on; give --field, or an earlier --stage")
        return chosen

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML; `from_dict` reads it."""
        return _plain(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Curriculum:
        """Raises `ConfigError` naming the stage, the option and what is known."""
        if not isinstance(data, Mapping):
            raise ConfigError(f"a curriculum is a mapping with `stages`; got {data!r}")
        options = dict(data)
        stages = options.pop("stages", [])
        if not isinstance(stages, (list, tuple)):
            raise ConfigError(f"stages: a list is needed; got {stages!r}")
        build(cls, {**options, "stages": (Stage("check"),)})  # an unknown option of the whole before one of a stage
        return dataclasses.replace(
            build(cls, {**options, "stages": (Stage("check"),)}),
            stages=tuple(_stage(s, i) for i, s in enumerate(stages)),
        )


def load(path: Path) -> Curriculum:
    """The curriculum in a YAML file."""
    if not path.exists():
        there = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ConfigError(f"there is no curriculum {path}; in that folder: {', '.join(there) or 'none'}")
    data = yaml_text.read(path)
    try:
        return Curriculum.from_dict(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _stage(data: Any, index: int) -> Stage:
    if not isinstance(data, Mapping):
        raise ConfigError(f"stage {index + 1}: a mapping of options is needed; got {data!r}")
    options = dict(data)
    where = f"stage {options.get('name', index + 1)!r}"
    weights = build(LossWeights, options.pop("weights", {}), f"{where}, weights")
    return dataclasses.replace(build(Stage, options, where), weights=weights)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value

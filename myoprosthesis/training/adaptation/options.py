"""Options of the learner of a session; read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build, option
from myoprosthesis.training.gradient.curriculum import LossWeights

COMPILE = ("auto", "on", "off")


@dataclass(frozen=True)
class LearnerOptions:
    """How a policy learns from trial to trial."""

    field_rate: float = option(
        0.06, "share of the difference between measured and estimated field that a trial adds", "1", 0.0, 1.0
    )
    retention: float = option(0.999, "share of the estimate that is kept from trial to trial", "1", 0.0, 1.0)
    ridge: float = option(
        0.01, "a movement slower than this along some direction tells little of the field there", "m/s", 1e-6, 10.0
    )
    steps: int = option(2, "gradient steps after each trial", "", 1, 1000)
    batch: int = option(32, "movements practised in each step", "", 1, 4096)
    learning_rate: float = option(3e-4, "of the optimiser (Adam)", "1", 0.0, 1.0)
    clip: float = option(1.0, "largest norm of the gradient", "1", 1e-6)
    memory: int = option(16, "past movements that are practised", "", 1, 100_000)
    go_jitter: float = option(0.1, "practised go signals come this much earlier or later", "s", 0.0, 10.0)
    no_go: float = option(0.1, "share of practised movements in which the go signal never comes", "1", 0.0, 1.0)
    vision_noise: float = option(0.001, "in practice: standard deviation, each step", "m", 0.0, 1.0)
    length_noise: float = option(0.001, "in practice: as a fraction of optimal fibre length", "1", 0.0, 1.0)
    velocity_noise: float = option(0.01, "in practice: in optimal fibre lengths per second", "1/s", 0.0, 10.0)
    weights: LossWeights = LossWeights()


def read(data: Mapping[str, Any], where: str = "learner") -> tuple[LearnerOptions, str]:
    """The options, and whether to compile: one of `COMPILE`; every fault is in the `ConfigError`."""
    faults: list[str] = []
    choice = data.get("compile", "auto")
    if isinstance(choice, bool):  # what YAML makes of on and off
        choice = "on" if choice else "off"
    if choice not in COMPILE:
        faults.append(f"compile is one of {', '.join(COMPILE)}; got {choice!r}")
    options = LearnerOptions()
    try:
        options = build(LearnerOptions, {k: v for k, v in data.items() if k != "compile"}, where)
    except ConfigError as error:
        faults.insert(0, str(error))
    if faults:
        raise ConfigError("; ".join(faults))
    return options, str(choice)

"""The environment of the muscle hand's fingertips."""

from __future__ import annotations

from typing import Any

from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.envs.hand_posture import PERIOD_S, RESTING, terms
from myoprosthesis.tasks.hand_reach import TARGETS, HandReach
from myoprosthesis.tasks.reachable_postures import PLACES


def config(**task: Any) -> EnvConfig:
    """What `BatchEnv` needs; `task` are options of the task `hand_reach`."""
    seen = terms(TARGETS, PLACES, "m")
    return EnvConfig(
        "myohand", "hand_reach", seen, {"dt": PERIOD_S, "observed_sites": HandReach.observed_sites}, task,
        centre=(RESTING,) * seen[2].size,
    )  # fmt: skip

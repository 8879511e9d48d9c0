"""The names of the environments in gymnasium's registry."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import gymnasium

from myoprosthesis.envs.env_config import EnvConfig

ENVIRONMENTS = {
    "Baoding-v0": "baoding",
    "HandPosture-v0": "hand_posture",
    "HandReach-v0": "hand_reach",
    "LegsImitation-v0": "legs_imitation",
    "Reach-v0": "reach",
}
"""Their names, and the module here that says what each is made of (`config`)."""


def register() -> None:
    """Add them: `gymnasium.make("myoprosthesis/Baoding-v0")`; once is enough."""
    for name, module in ENVIRONMENTS.items():
        gymnasium.register(
            f"myoprosthesis/{name}",
            entry_point="myoprosthesis.envs.registration:one",
            vector_entry_point="myoprosthesis.envs.registration:many",
            kwargs={"module": module},
        )


def one(module: str, render_mode: str | None = None, **options: Any) -> Any:
    """One simulation; `options` are those of the environment's `config`, and of its task."""
    from myoprosthesis.envs.environment import Environment

    return Environment(_config(module, options), render_mode)


def many(
    module: str, num_envs: int = 64, threads: int = 0, seed: int = 0, first: int = 0, **options: Any
) -> Any:  # fmt: skip
    """Many simulations, stepped at once."""
    from myoprosthesis.envs.batch_env import BatchEnv

    return BatchEnv(_config(module, options), num_envs, threads, seed, first)


def _config(module: str, options: dict[str, Any]) -> EnvConfig:
    made: EnvConfig = import_module(f"myoprosthesis.envs.{module}").config(**options)
    return made

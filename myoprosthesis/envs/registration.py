"""The names of the environments in gymnasium's registry."""

from __future__ import annotations

from typing import Any

import gymnasium


def register() -> None:
    """Add them: `gymnasium.make("myoprosthesis/Baoding-v0")`; once is enough."""
    gymnasium.register(
        "myoprosthesis/Baoding-v0",
        entry_point="myoprosthesis.envs.registration:baoding",
        vector_entry_point="myoprosthesis.envs.registration:many_baoding",
    )


def baoding(observation: str = "contest", render_mode: str | None = None, **task: Any) -> Any:
    """One hand with two balls; `task` are options of the task `baoding`."""
    from myoprosthesis.envs import baoding as env
    from myoprosthesis.envs.environment import Environment

    return Environment(env.config(observation, task), render_mode)


def many_baoding(
    num_envs: int = 64, observation: str = "contest", threads: int = 0, seed: int = 0, first: int = 0, **task: Any
) -> Any:
    """Many hands with two balls, stepped at once."""
    from myoprosthesis.envs import baoding as env
    from myoprosthesis.envs.batch_env import BatchEnv

    return BatchEnv(env.config(observation, task), num_envs, threads, seed, first)

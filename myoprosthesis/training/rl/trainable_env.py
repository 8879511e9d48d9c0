"""What the trainer needs of a vector environment, beyond gymnasium's own interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.extras import library


@runtime_checkable
class TrainableEnv(Protocol):
    """A `gymnasium.vector.VectorEnv` that resets in the same step, with random numbers of each simulation's own.

    Observations, actions and rewards are arrays of shape (num_envs, n), (num_envs, m) and (num_envs,). `infos` have
    `final_obs` and, under `episode` with the mask `_episode`, figures of the episodes that have just ended: at least
    `score` (the higher, the better) and `length` (steps). `diverged` (num_envs,) are simulations that were reset
    because their physics were not finite.

    Optional attributes: `action_centre` (m,), the action around which a policy explores; `action_guide` (m, n), a
    linear function of the observation that is added to it before the squashing; where observation or action are other
    numbers than those of the contract, `observation_scale` (n,), factors of the contract's observation, and
    `command_map`, a `CommandMap` of the action; and for episodes that start where a
    policy came to be, `states(ids)` → (len(ids), k) and `start_from(ids, states)`, for the next episodes of these
    simulations.
    """

    num_envs: int
    single_observation_space: Any
    single_action_space: Any
    options: Mapping[str, Any]
    """What a stage of a curriculum may set: `component.option`."""
    first: int
    """Number of the first simulation, where these are a part of all: random numbers depend on seed and number alone."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.floating], dict[str, Any]]:
        """Reset all simulations, or those of the mask `options["reset_mask"]`; with `seed`, from the beginning."""
        ...

    def step(
        self, actions: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Observations, rewards, terminated, truncated and infos of one step."""
        ...

    def set_options(self, ids: NDArray[np.intp], values: Mapping[str, Any], stage: int) -> None:
        """Set options of simulations, which hold from the next episode of each.

        Args:
            ids: The simulations; none, to check the values only.
            values: `component.option` → its value; an option that is not in it has its default.
            stage: Number of the stage, for the figures of the episode.

        Raises:
            ConfigError: An unknown name, or a value that the option does not take.
        """
        ...

    def get_state(self) -> dict[str, Any]:
        """Everything from which the next step is the same, bit for bit: arrays and plain data."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from what `get_state` returned."""
        ...

    def contract(self, name: str) -> Contract:
        """The contract of a policy for this environment, without recurrent states and results."""
        ...

    def close(self) -> None:
        """Release the simulations."""
        ...


NEEDED = ("options", "set_options", "get_state", "set_state", "contract")


def make(name: str, simulations: int, options: Mapping[str, Any]) -> TrainableEnv:
    """The environment `name` of gymnasium's registry; `myoprosthesis/` may be left out.

    `MODULE:NAME` imports the module first, which registers the environment.

    Raises:
        ConfigError: There is no such environment, it refuses `options`, or it lacks what the trainer needs.
    """
    gymnasium = library("gymnasium", "train", "reinforcement learning")
    import myoprosthesis.envs  # noqa: F401  # which adds ours to the registry

    module, _, name = name.rpartition(":")
    if module:
        library(module, "train", f"environment {name!r}")
    known = [key for key, spec in gymnasium.registry.items() if spec.vector_entry_point]
    full = name if name in known else f"myoprosthesis/{name}"
    if full not in known:
        raise unknown("environment", name, (key.removeprefix("myoprosthesis/") for key in known))
    try:
        env = gymnasium.make_vec(full, num_envs=simulations, vectorization_mode="vector_entry_point", **options)
    except TypeError as error:
        raise ConfigError(f"environment {name!r}: {error}") from error
    missing = [attribute for attribute in NEEDED if not hasattr(env, attribute)]
    if missing:
        raise ConfigError(f"environment {name!r} cannot be trained with a curriculum: it has no {', '.join(missing)}")
    made: TrainableEnv = env
    return made

"""What the file of a network cannot say: what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.trainable_env import make


@dataclass(frozen=True, eq=False)
class PolicyInterface:
    """Effector, terms of the observation with their units, channels of the action, rate.

    And how the network takes and gives them, where that is another way.
    """

    contract: Contract
    """Without recurrent states."""
    source: str
    """An environment or a file, for sentences."""
    observation_scale: NDArray[np.float32]
    """(n,) factors by which the network takes the numbers of the observation."""
    command_map: CommandMap | None
    """From the network's action to the command; None: the action is the command, if it has the same bounds."""
    least: NDArray[np.floating] | None = None
    """(m,) bounds of the network's action; None where only the network may know them."""
    most: NDArray[np.floating] | None = None

    def named(self, name: str) -> PolicyInterface:
        """The same for a policy of this name."""
        return replace(self, contract=replace(self.contract, name=name))


def of_environment(name: str, options: Mapping[str, Any]) -> PolicyInterface:
    """What a registered environment says of the policies that are trained in it; see `TrainableEnv`."""
    env = make(name, 1, options)
    try:
        contract = replace(env.contract(name), task_options=_skills(env))
        least, most = (
            np.asarray(bound, np.float32).reshape(-1)
            for bound in (env.single_action_space.low, env.single_action_space.high)
        )
        scale = np.asarray(getattr(env, "observation_scale", np.ones(contract.observation_size)), np.float32)
        command_map = getattr(env, "command_map", None)
    finally:
        env.close()
    if scale.shape != (contract.observation_size,) or least.size != contract.action.size:
        raise ConfigError(f"environment {name!r} has other sizes than the contract of its policies")
    text = " ".join([name, *(f"{k}={v}" for k, v in options.items())])
    return PolicyInterface(contract, text, scale, command_map or CommandMap(), least, most)


def _skills(env: Any) -> dict[str, Any]:
    """Those options of the environment's task that say what a policy can do (`SteerableTask.skills`)."""
    skills = getattr(getattr(env, "task", None), "skills", ())
    options = getattr(getattr(env, "config", None), "task_options", {})
    return {name: options[name] for name in skills if name in options}

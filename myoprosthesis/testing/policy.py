"""What every policy must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from myoprosthesis.core.contract import Contract
from myoprosthesis.testing.demand import demand

if TYPE_CHECKING:
    from myoprosthesis.policies.policy import Policy


def check_policy(make: Callable[[], Policy], steps: int = 1000) -> None:
    """A policy returns finite actions as its contract says, forgets all at `reset`, and leaves its input alone."""
    policy, other = make(), make()
    contract = policy.contract
    demand(Contract.from_json(contract.to_json()) == contract, "the contract does not come back from JSON as it was")
    rng = np.random.default_rng(0)
    observations = rng.normal(0.0, 0.3, (steps, contract.observation_size)).astype(np.float32)
    kept = observations.copy()
    policy.reset()
    rest = policy.hidden.copy()
    actions = [policy.step(o) for o in observations]
    demand(np.array_equal(observations, kept), "step changes the observation it was given")
    for action in actions:
        wanted = (contract.action.size,)
        demand(action.shape == wanted, f"an action has shape {action.shape}, not {wanted}")
        demand(bool(np.isfinite(action).all()), "an action is not finite")
    demand(bool(np.isfinite(policy.hidden).all()), "the recurrent state is not finite")
    policy.reset()
    other.reset()
    demand(np.array_equal(policy.hidden, rest), "reset does not bring the recurrent state back")
    for k, observation in enumerate(observations[:100]):
        demand(np.array_equal(policy.step(observation), actions[k]), "the same observations give other actions")
        demand(np.array_equal(other.step(observation), actions[k]), "a second instance gives other actions")

"""Imitation of a teacher in the states that the policy itself comes to (DAgger, Ross et al. 2011, arXiv 1011.0686)."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.experience import Experience
from myoprosthesis.training.rl.imitation_options import ImitationOptions
from myoprosthesis.training.rl.network import Actor, actor, arrays
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.normaliser import RunningNormaliser

Array = NDArray[np.float64]
Teacher = Callable[[NDArray[np.float32]], Array]
"""Actions (k, m) within the effector's range for observations (k, n)."""
SMALL = 1e-4
"""Added below the root, whose slope is infinite at 0."""


class Imitation:
    """Implements `RolloutLearner`: the actor's mean action comes to be that of a teacher.

    Differences are those of the roots of the shares of the range: excitations of a few hundredths decide where a hand
    rests, and would hardly count beside those of a movement."""

    def __init__(
        self, n_obs: int, action_map: ActionMap, network: NetworkOptions, options: ImitationOptions, teacher: Teacher,
        seed: int, device: str = "cpu",
    ) -> None:  # fmt: skip
        if action_map.smoothing:
            raise ConfigError("network: imitation needs smoothing: 0, since a teacher knows nothing of the past")
        self.options, self._map, self._teacher, self._seed = options, action_map, teacher, seed
        self.device = torch.device(device)
        self.actor: Actor = actor(n_obs, action_map.low.size, network, torch.Generator().manual_seed(seed))
        self.actor.to(self.device)
        self.observations = RunningNormaliser(n_obs)
        self._optimizer = torch.optim.Adam(self.actor.layers.parameters(), lr=options.learning_rate)
        self._inputs = np.zeros((0, n_obs), np.float32)
        self._wanted = np.zeros((0, action_map.low.size), np.float32)
        self.updates = 0

    @property
    def policy(self) -> Actor:
        """See `RolloutLearner.policy`."""
        return self.actor

    def acting_weights(self) -> dict[str, NDArray[np.float32]]:
        """See `RolloutLearner.acting_weights`."""
        return arrays(self.actor)

    def measure(self, rollout: Experience, options: Any = None) -> None:
        """See `RolloutLearner.measure`."""
        self.observations.add(rollout.observations)
        self.actor.mean.copy_(torch.from_numpy(self.observations.mean))
        self.actor.scale.copy_(torch.from_numpy(self.observations.scale))

    def update(self, rollout: Experience, options: Any = None) -> dict[str, float]:
        """See `RolloutLearner.update`."""
        rng, o = np.random.default_rng((self._seed, self.updates)), self.options
        seen = rollout.observations.reshape(-1, self._inputs.shape[1])
        chosen = rng.choice(len(seen), min(o.labels, len(seen)), replace=False)
        low, high = self._map.low, self._map.high
        wanted = (self._teacher(seen[chosen]) - low) / (high - low)
        self._inputs = np.concatenate([self._inputs, seen[chosen]])
        self._wanted = np.concatenate([self._wanted, np.sqrt(wanted + SMALL).astype(np.float32)])
        for group in self._optimizer.param_groups:
            group["lr"] = o.learning_rate / math.sqrt(1.0 + self.updates / o.settle)
        losses = []
        for _ in range(o.updates):
            part = rng.integers(len(self._inputs), size=o.minibatch)
            inputs, roots = (torch.from_numpy(x[part]).to(self.device) for x in (self._inputs, self._wanted))
            loss = (torch.sqrt(self._share(inputs) + SMALL) - roots).square().mean()
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses.append(loss.detach())
        mean = float(torch.stack(losses).mean())
        if not np.isfinite(mean):
            raise ConfigError(f"the loss is not finite after update {self.updates}: lower learning_rate")
        self.updates += 1
        return {"policy_loss": mean, "value_loss": 0.0, "labels": float(len(self._inputs))}

    def _share(self, observation: Tensor) -> Tensor:
        """Share of the range (k, m) of the mean action, as `ActionMap.squashed` has it."""
        raw = self.actor(observation)
        logit = torch.from_numpy(self._map.centre) + self._map.gain * (torch.tanh(raw) if self._map.bounded else raw)
        if self._map.guide is not None:
            logit = logit + observation @ torch.from_numpy(self._map.guide).T
        return torch.sigmoid(logit)

    def weights(self) -> dict[str, Any]:
        """See `RolloutLearner.weights`."""
        return {"actor": {k: v.detach().cpu().clone() for k, v in self.actor.state_dict().items()}}

    def load_weights(self, weights: dict[str, Any]) -> None:
        """See `RolloutLearner.load_weights`."""
        try:
            self.actor.load_state_dict(weights["actor"])
        except (KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(f"the actor's weights are of another network: {reason}") from error

    def state(self) -> dict[str, Any]:
        """See `RolloutLearner.state`."""
        return {
            **self.weights(),
            "optimizer": deepcopy(self._optimizer.state_dict()),
            "observations": self.observations.state(),
            "inputs": torch.from_numpy(self._inputs),
            "wanted": torch.from_numpy(self._wanted),
            "updates": self.updates,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `RolloutLearner.load_state`."""
        self.load_weights(state)
        self._optimizer.load_state_dict(state["optimizer"])
        self.observations.load_state(state["observations"])
        self._inputs, self._wanted = state["inputs"].numpy(), state["wanted"].numpy()
        self.updates = state["updates"]

"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347): from rollouts to a better actor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.advantages import advantages
from myoprosthesis.training.rl.experience import Experience
from myoprosthesis.training.rl.exploration import divergence, entropy, log_density
from myoprosthesis.training.rl.network import Actor, arrays, critic
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.normaliser import RunningNormaliser
from myoprosthesis.training.rl.ppo_options import PpoOptions

BLOCK = 1 << 15
"""Samples that go through a network at once where no gradient is taken."""

ASSUMED = 1e6
"""Samples that a normaliser which comes with weights counts for."""


class Ppo:
    """Actor, critic, their normaliser and optimiser. All chance comes from the seed and the number of the update."""

    def __init__(self, n_obs: int, n_act: int, network: NetworkOptions, seed: int, device: str = "cpu") -> None:
        if network.exploration == "learned":
            raise ConfigError("network: exploration learned is that of SAC; PPO has independent and lattice")
        generator = torch.Generator().manual_seed(seed)
        self.seed, self.device = seed, torch.device(device)
        self.actor = Actor(n_obs, n_act, network, generator).to(self.device)
        self.critic = critic(n_obs, network, generator).to(self.device)
        self.observations = RunningNormaliser(n_obs)
        self.returns = RunningNormaliser(1)
        self.discounted: NDArray[np.float64] | None = None
        """Discounted sum of the rewards so far in the episode of each simulation (N,)."""
        self.updates, self.rate = 0, 0.0
        groups = [
            {"params": list(self.actor.parameters()), "lr": 0.0},
            {"params": list(self.critic.parameters()), "lr": 0.0},
        ]
        self.optimizer = torch.optim.Adam(groups, eps=1e-5)

    @property
    def policy(self) -> Actor:
        """See `RolloutLearner.policy`."""
        return self.actor

    def acting_weights(self) -> dict[str, NDArray[np.float32]]:
        """What a collector needs: the actor's parameters and normaliser."""
        return arrays(self.actor)

    def measure(self, rollout: Experience, options: PpoOptions) -> None:
        """Take the rollout into the statistics of observations and returns, for the updates after this one."""
        self.observations.add(rollout.observations)
        self.actor.mean.copy_(torch.from_numpy(self.observations.mean))
        self.actor.scale.copy_(torch.from_numpy(self.observations.scale))
        if self.discounted is None:
            self.discounted = np.zeros(rollout.rewards.shape[1])
        sums = np.empty(rollout.rewards.shape)
        for t, reward in enumerate(rollout.rewards):
            sums[t] = self.discounted = reward + options.gamma * self.discounted
            self.discounted = np.where(rollout.ended[t], 0.0, self.discounted)
        self.returns.add(sums[..., None])

    def update(self, rollout: Experience, options: PpoOptions) -> dict[str, float]:
        """Improve actor and critic by one rollout of the current actor.

        Returns:
            Losses and figures of the update, by name.

        Raises:
            ConfigError: A loss or gradient is not finite; the parameters are then as before that step.
        """
        observation = self._normalised(rollout.observations)
        values, next_values = self._values(rollout, observation)
        rewards = rollout.rewards / np.float32(self._reward_scale(options))
        gain = advantages(rewards, values, next_values, rollout.terminated, rollout.ended, options.gamma, options.decay)
        x, action = observation.flatten(0, 1), self._tensor(rollout.actions).flatten(0, 1)
        target = self._tensor(gain + values).flatten()
        advantage = self._tensor((gain - gain.mean()) / (gain.std() + 1e-8)).flatten()
        with torch.no_grad():
            old_mean = torch.cat([self.actor.layers(part) for part in x.split(BLOCK)])
            old_factor = self.actor.exploration.factor(self.actor.last_weight)
            old_density = log_density(old_mean, old_factor, action)
        generator = torch.Generator().manual_seed((self.seed << 32) + self.updates)
        if not self.rate or not options.target_divergence:
            self.rate = options.learning_rate
        figures: dict[str, float] = {}
        for epoch in range(options.epochs):
            parts: list[Tensor] = []
            for chosen in torch.randperm(len(x), generator=generator).to(self.device).split(options.minibatch):
                inputs, gains = x[chosen], advantage[chosen]
                mean, factor = self.actor.layers(inputs), self.actor.exploration.factor(self.actor.last_weight)
                ratio = (log_density(mean, factor, action[chosen]) - old_density[chosen]).exp()
                surrogate = torch.min(ratio * gains, ratio.clamp(1 - options.clip, 1 + options.clip) * gains).mean()
                value_loss = (self.critic(inputs)[:, 0] - target[chosen]).square().mean()
                spread = entropy(factor)
                self._step(value_loss - surrogate - options.entropy * spread, options)
                with torch.no_grad():
                    moved = divergence(old_mean[chosen], old_factor, mean, factor).mean()
                    beyond = ((ratio - 1).abs() > options.clip).float().mean()
                    parts.append(torch.stack([-surrogate, value_loss, spread, moved, beyond]))
            means = torch.stack(parts).mean(0).tolist()
            figures = dict(zip(("policy_loss", "value_loss", "entropy", "divergence", "clipped"), means, strict=True))
            figures["epochs"] = epoch + 1.0
            self._adapt(figures["divergence"], options)
            if 0 < options.stop_divergence < figures["divergence"]:
                break
        self.updates += 1
        explained = 1 - float(np.var(gain)) / (float(np.var(gain + values)) + 1e-12)
        sd = self.actor.exploration.log_sd.detach().exp().mean().item()
        return {**figures, "learning_rate": self.rate, "explained_variance": explained, "sd": sd}

    def _step(self, loss: Tensor, options: PpoOptions) -> None:
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norms = [
            torch.nn.utils.clip_grad_norm_(network.parameters(), options.largest_gradient)
            for network in (self.actor, self.critic)
        ]
        if not all(torch.isfinite(norm) for norm in norms):
            raise ConfigError(
                f"the gradient is not finite in update {self.updates}: lower learning_rate or largest_gradient and "
                "continue with --resume; the last checkpoint is from before"
            )
        for group, rate in zip(self.optimizer.param_groups, (self.rate, options.critic_learning_rate), strict=True):
            group["lr"] = rate
        self.optimizer.step()
        self.actor.exploration.bound()

    def _adapt(self, moved: float, options: PpoOptions) -> None:
        """Bring the actor's learning rate closer to one that moves the policy by the target."""
        if not options.target_divergence:
            return
        low, high = options.rate_range
        if moved > 2 * options.target_divergence:
            self.rate = max(low, self.rate / 1.5)
        elif moved < options.target_divergence / 2:
            self.rate = min(high, self.rate * 1.5)

    def _reward_scale(self, options: PpoOptions) -> float:
        return float(np.sqrt(self.returns.variance[0]) + 1e-8) if options.scale_reward else 1.0

    def _values(self, rollout: Experience, observation: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The critic's values before and after each step (T, N); after it, of the final observation of an episode."""
        steps, simulations, size = observation.shape
        after = self._normalised(np.concatenate([rollout.last, rollout.final]))
        with torch.no_grad():
            rows = torch.cat([observation.reshape(-1, size), after])
            every = torch.cat([self.critic(part)[:, 0] for part in rows.split(BLOCK)]).cpu().numpy()
        values, last, final = np.split(every, [steps * simulations, (steps + 1) * simulations])
        values = values.reshape(steps, simulations)
        next_values = np.concatenate([values[1:], last[None]])
        next_values[rollout.cut[:, 0], rollout.cut[:, 1]] = final
        return values, next_values

    def _normalised(self, observation: NDArray[np.float32]) -> Tensor:
        return self.actor.normalised(self._tensor(observation))

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.require(array, np.float32, ["C", "W"])).to(self.device)

    def weights(self) -> dict[str, Any]:
        """Parameters of actor and critic, the normaliser included."""
        return {
            "actor": {k: v.detach().cpu().clone() for k, v in self.actor.state_dict().items()},
            "critic": {k: v.detach().cpu().clone() for k, v in self.critic.state_dict().items()},
        }

    def load_weights(self, weights: dict[str, Any]) -> None:
        """Put `weights` in place; raises `ConfigError` for those of networks of another size."""
        for network, own in (("actor", self.actor), ("critic", self.critic)):
            try:
                own.load_state_dict(weights[network])
            except (KeyError, RuntimeError) as error:
                reason = " ".join(str(error).split())[:200]
                raise ConfigError(f"the {network}'s weights are of another network: {reason}") from error
        mean, scale = (value.cpu().numpy() for value in (self.actor.mean, self.actor.scale))
        self.observations.assume(mean, scale, ASSUMED)

    def state(self) -> dict[str, Any]:
        """Everything from which the next update is the same."""
        return {
            **self.weights(),
            "optimizer": self.optimizer.state_dict(),
            "observations": self.observations.state(),
            "returns": self.returns.state(),
            "discounted": None if self.discounted is None else torch.from_numpy(self.discounted.copy()),
            "updates": self.updates,
            "rate": self.rate,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.load_weights(state)
        self.optimizer.load_state_dict(state["optimizer"])
        self.observations.load_state(state["observations"])
        self.returns.load_state(state["returns"])
        self.discounted = None if state["discounted"] is None else state["discounted"].numpy().copy()
        self.updates, self.rate = state["updates"], state["rate"]

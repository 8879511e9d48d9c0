"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1801.01290): every sample is used many times.

With distributions of the return and normalised layers, as in FastTD3 and FlashSAC (Seo et al. 2025, arXiv 2505.22642).
"""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.experience import Experience
from myoprosthesis.training.rl.network import SpreadActor, arrays
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.normaliser import RunningNormaliser
from myoprosthesis.training.rl.replay_buffer import ReplayBuffer, Symmetry, exchanged
from myoprosthesis.training.rl.sac_options import SacOptions
from myoprosthesis.training.rl.twin_critic import TwinCritic

SETTLED = 3_000_000
"""Samples after which the normaliser stays as it is."""
FIGURES = ("value_loss", "policy_loss", "entropy", "temperature", "value")


class Sac:
    """Actor, two critics with a slow copy, the price of entropy, the samples, and the normaliser.

    With `symmetry`, samples are seen either way at random. On a GPU an update is captured once and played again."""

    def __init__(
        self, n_obs: int, n_act: int, network: NetworkOptions, options: SacOptions, seed: int, device: str = "cpu",
        symmetry: Symmetry | None = None,
    ) -> None:  # fmt: skip
        if network.exploration != "learned":
            raise ConfigError("network: SAC needs exploration: learned")
        self.options, self.device = options, torch.device(device)
        if options.precision == "bfloat16" and self.device.type == "cpu" and not _has_bfloat16():
            warnings.warn(
                "this processor has no units for bfloat16: an update takes about ten times as long as with "
                "precision: float32 in the curriculum's sac",
                stacklevel=2,
            )
        first = torch.Generator().manual_seed(seed)
        self.actor = SpreadActor(n_obs, n_act, network, first).to(self.device)
        self.policy = copy.deepcopy(self.actor) if options.average_rate < 1 else self.actor
        """The network that is exported: the average of the actor over its updates, or the actor itself."""
        sizes = (n_obs, n_act, network.critic, options.value_range, options.atoms)
        self.critic, self.slow = (TwinCritic(*sizes, first).to(self.device) for _ in range(2))
        self.slow.load_state_dict(self.critic.state_dict())
        self.log_price = torch.nn.Parameter(torch.tensor(math.log(options.temperature), device=self.device))
        self.samples = ReplayBuffer(options.capacity, n_obs, n_act, self.device)
        self.observations = RunningNormaliser(n_obs)
        self.updates, self._seen = 0, 0
        self._generator = torch.Generator(self.device).manual_seed(seed)
        self._symmetry = None if symmetry is None else tuple(torch.from_numpy(s).to(self.device) for s in symmetry)
        captured: dict[str, Any] = {"capturable": True} if self.device.type == "cuda" else {}
        rates: dict[str, Any] = {
            "lr": options.learning_rate,
            "weight_decay": options.decay,
            "betas": (0.9, 0.95),
            **captured,
        }
        self._optimizers = {
            "actor": torch.optim.AdamW(self.actor.trained(), **rates),
            "critic": torch.optim.AdamW(self.critic.parameters(), **rates),
            "price": torch.optim.Adam([self.log_price], lr=1e-3, betas=(0.9, 0.95), **captured),
        }
        for parameter in (*self.actor.trained(), *self.critic.parameters(), self.log_price):
            parameter.grad = torch.zeros_like(parameter)
        self._figures = torch.zeros(len(FIGURES), device=self.device)
        self._graph: Any = None

    def acting_weights(self) -> dict[str, NDArray[np.float32]]:
        """What a collector needs: the actor's parameters and normaliser."""
        return arrays(self.actor)

    def measure(self, rollout: Experience, options: Any = None) -> None:
        """Take the rollout into the statistics of observations, until there are enough."""
        if self._seen < SETTLED:
            self.observations.add(rollout.observations)
            for network in (self.actor, self.policy):
                network.mean.copy_(torch.from_numpy(self.observations.mean))
                network.scale.copy_(torch.from_numpy(self.observations.scale))
        self._seen += rollout.samples

    def update(self, rollout: Experience, options: Any = None) -> dict[str, float]:
        """Take in a rollout, and improve critics and actor by samples of it and of those before.

        Returns:
            Losses and figures of the last update, by name; zeros before the first one.

        Raises:
            ConfigError: A loss is not finite.
        """
        o = self.options
        self.samples.add(rollout, o.gamma, o.reward_scale, o.n_step)
        if len(self.samples) >= o.start:
            for _ in range(o.updates // o.actor_every):
                self._play()
                self.updates += o.actor_every
            if not torch.isfinite(self._figures).all():
                raise ConfigError(
                    f"a loss is not finite after update {self.updates}: lower learning_rate and continue with "
                    "--resume; the last checkpoint is from before"
                )
        return dict(zip(FIGURES, self._figures.tolist(), strict=True))

    def _play(self) -> None:
        """Some updates of the critic and one of the actor: captured once on a GPU, where launching them costs most."""
        if self.device.type != "cuda":
            self._improve()
            return
        if self._graph is None:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                self._improve()
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            self._graph.register_generator_state(self._generator)
            with torch.cuda.graph(self._graph):
                self._improve()
        else:
            self._graph.replay()

    def _improve(self) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bfloat16"):
            for _ in range(self.options.actor_every):
                observation = self._improve_critic()
            self._improve_actor(observation)

    def _improve_critic(self) -> Tensor:
        """One step of the critics; returns the normalised observations that it was made with."""
        o, k = self.options, self.options.minibatch
        drawn = self.samples.draw(torch.rand(k, device=self.device, generator=self._generator))
        observation, following = drawn["observation"], drawn["following"]
        done = drawn["action"]
        if self._symmetry is not None:
            order, signs, actions = self._symmetry
            swap = torch.rand(k, 1, device=self.device, generator=self._generator) < 0.5
            observation, following = (exchanged(x, swap, order, signs) for x in (observation, following))
            done = torch.where(swap, done[:, actions], done)
        observation, following = self.actor.normalised(observation), self.actor.normalised(following)
        with torch.no_grad():
            action, density = self._explored(following)
            probability = torch.softmax(self.slow(following, action), -1)
            lower = self.slow.mean(probability).argmin(0)
            chosen = torch.where((lower == 0)[:, None], probability[0], probability[1])
            price = drawn["discount"] * self.log_price.exp() * density[:, None]
            target = self.critic.projected(
                0.5 * (chosen + probability.mean(0)), drawn["reward"] - price, drawn["discount"]
            )
        logits = torch.log_softmax(self.critic(observation, torch.tanh(done)), -1)
        loss = -(target * logits).sum(-1).mean(1).sum()
        self._step("critic", loss)
        with torch.no_grad():
            for slow, fast in zip(self.slow.parameters(), self.critic.parameters(), strict=True):
                slow.lerp_(fast, o.target_rate)
        self._figures[0] = loss.detach()
        return observation

    def _improve_actor(self, observation: Tensor) -> None:
        action, density = self._explored(observation)
        self.critic.requires_grad_(False)
        value = self.critic.mean(torch.softmax(self.critic(observation, action), -1)).mean(0)
        self.critic.requires_grad_(True)
        loss = (self.log_price.exp().detach() * density - value).mean()
        self._step("actor", loss)
        wanted = self.options.entropy * action.shape[1]
        self._step("price", -(self.log_price * (density.detach() + wanted).mean()))
        with torch.no_grad():
            if self.policy is not self.actor:
                for slow, fast in zip(self.policy.trained(), self.actor.trained(), strict=True):
                    slow.lerp_(fast, self.options.average_rate)
            self._figures[1:] = torch.stack([loss, -density.mean(), self.log_price.exp(), value.mean()])

    def _explored(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Actions (k, m) between −1 and 1, and the log of their density (k,)."""
        mean, log_sd = self.actor.spread(observation)
        noise = torch.randn(mean.shape, device=self.device, generator=self._generator)
        raw = mean + log_sd.exp() * noise
        # log(1 − tanh²) without cancellation
        squash = 2.0 * (math.log(2.0) - raw - torch.nn.functional.softplus(-2.0 * raw))
        density = -0.5 * noise.square() - log_sd - 0.5 * math.log(2.0 * math.pi) - squash
        return torch.tanh(raw), density.sum(1)

    def _step(self, name: str, loss: Tensor) -> None:
        self._optimizers[name].zero_grad(set_to_none=False)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizers[name].step()

    def weights(self) -> dict[str, Any]:
        """Parameters of actor, its average and critics, the normaliser included."""
        networks: dict[str, torch.nn.Module] = {"actor": self.actor, "critic": self.critic}
        if self.policy is not self.actor:
            networks["policy"] = self.policy
        return {n: {k: v.detach().cpu().clone() for k, v in m.state_dict().items()} for n, m in networks.items()}

    def load_weights(self, weights: dict[str, Any]) -> None:
        """Put `weights` in place, the slow copy too; raises `ConfigError` for those of networks of another size.

        Where they have no average, it begins at the actor."""
        average = "policy" if "policy" in weights else "actor"
        networks = ("actor", self.actor), (average, self.policy), ("critic", self.critic), ("critic", self.slow)
        for name, network in networks:
            try:
                network.load_state_dict(weights[name])
            except (KeyError, RuntimeError) as error:
                reason = " ".join(str(error).split())[:200]
                raise ConfigError(f"the {name}'s weights are of another network: {reason}") from error
        mean, scale = (value.cpu().numpy() for value in (self.actor.mean, self.actor.scale))
        self.observations.assume(mean, scale, float(SETTLED))

    def state(self) -> dict[str, Any]:
        """Everything from which the next update is the same, where the samples are kept."""
        return {
            **self.weights(),
            "slow": {k: v.detach().cpu().clone() for k, v in self.slow.state_dict().items()},
            "log_price": self.log_price.detach().cpu().clone(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
            "observations": self.observations.state(),
            "samples": self.samples.state(self.options.keep_samples),
            "generator": self._generator.get_state(),
            "updates": self.updates,
            "seen": self._seen,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.load_weights(state)
        self.slow.load_state_dict(state["slow"])
        with torch.no_grad():
            self.log_price.copy_(state["log_price"])
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.observations.load_state(state["observations"])
        self.samples.load_state(state["samples"])
        self._generator.set_state(state["generator"])
        self.updates, self._seen = state["updates"], state["seen"]


def _has_bfloat16() -> bool:
    """Whether this processor multiplies matrices of bfloat16, as far as torch can tell."""
    tell = getattr(torch.cpu, "get_capabilities", None)  # not in every torch
    return tell is None or any(there for name, there in tell().items() if "bf16" in name)

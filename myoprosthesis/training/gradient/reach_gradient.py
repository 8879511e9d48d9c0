"""Training of a reaching policy by back-propagation through the differentiable twin of a body."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.kinematics import endpoint_error, lateral_deviation
from myoprosthesis.training.gradient import loss, reach_observation, trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.rollout import Rollout
from myoprosthesis.training.gradient.torch_twin import Twin
from myoprosthesis.training.trainer import LeaveBelow, Trainer


class ReachGradient:
    """Implements `Algorithm`: an update is one gradient step over a batch of trials."""

    def __init__(
        self,
        twin: Twin,
        effector: str,
        curriculum: Curriculum,
        stages: tuple[Stage, ...],
        seed: int,
        compiled: bool = False,
        origin: str = "",
    ) -> None:
        """`origin` names the policy whose weights the run starts from, for the record."""
        self.twin = twin.float()
        self.effector, self.curriculum, self.stages = effector, curriculum, stages
        self.seed, self.origin = seed, origin
        self.generator = torch.Generator().manual_seed(seed)
        mean, scale = reach_observation.normaliser(twin)
        self.policy = ReachPolicy(mean, scale, curriculum.hidden, len(twin.muscles.names), self.generator)
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=stages[0].learning_rate[0])
        self.rollout = Rollout(self.twin, self.policy, curriculum, compiled)

    def settings(self) -> dict[str, Any]:
        """See `Algorithm.settings`."""
        whole = self.curriculum.to_dict()
        used = {s.name for s in self.stages}
        whole["stages"] = [s for s in whole["stages"] if s["name"] in used]
        return {"effector": self.effector, "seed": self.seed, "from": self.origin, "curriculum": whole}

    def update(self, stage: Stage, share: float) -> dict[str, float]:
        """One gradient step; the learning rate goes from the first to the last of the stage along a cosine."""
        size = self.curriculum.batch
        trials = trial_sampler.draw(self.twin, self.curriculum, stage, size, self.generator)
        noise = reach_observation.noise(self.twin, stage, trials.steps, size, self.generator)
        for group in self.optimizer.param_groups:
            group["lr"] = _cosine(*stage.learning_rate, share)
        parts = loss.terms(trials, self.rollout(trials, noise), self.curriculum.dt)
        cost = loss.total(parts, stage.weights)
        self.optimizer.zero_grad()
        cost.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.curriculum.clip)
        if not torch.isfinite(norm):
            raise ConfigError(
                f"the gradient is not finite in stage {stage.name!r}, after {share:.1%} of it: lower its "
                "learning_rate or its field and start again; the last checkpoint is from before"
            )
        self.optimizer.step()
        return {"loss": cost.item(), **{name: value.item() for name, value in parts.items()}}

    def evaluate(self, stage: Stage) -> dict[str, float]:
        """Eight targets from home at the stage's longest distance in its strongest field, without noise, on the twin.

        Median endpoint error over the last 100 ms and mean lateral deviation, mm; `score` is the sum of the
        two magnitudes.
        """
        size, gain = self.curriculum.batch, self.curriculum.field * stage.field[1]
        test = trial_sampler.centre_out(self.twin, self.curriculum, size, stage.distance[1], gain)
        # With gradients, though none are taken: the graph that is already compiled serves.
        path = self.rollout(test).position.detach().numpy().astype(float)
        error, aside = [], []
        for i in range(min(8, size)):
            start, target = test.start[:, i].numpy(), test.target[:, i].numpy()
            error.append(1e3 * endpoint_error(path[:, :, i], target, self.curriculum.dt))
            aside.append(1e3 * lateral_deviation(path[:, :, i], start, target))
        result = {
            "error_mm": float(np.median(error)),
            "lateral_mm": float(np.mean(aside)),
            "bend_mm": float(np.mean(np.abs(aside))),
        }
        return {**result, "score": result["error_mm"] + result["bend_mm"]}

    def weights(self) -> dict[str, torch.Tensor]:
        """See `Algorithm.weights`."""
        return {k: v.detach().clone() for k, v in self.policy.state_dict().items()}

    def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """See `Algorithm.load_weights`; raises `ConfigError` for those of another effector or size of network."""
        for name, value in self.policy.state_dict().items():
            if name not in weights or weights[name].shape != value.shape:
                there = tuple(weights[name].shape) if name in weights else "nothing"
                raise ConfigError(
                    f"policy {self.origin!r} has {there} for {name!r}, this run needs "
                    f"{tuple(value.shape)}: it was trained with another effector or size of network"
                )
            if name in ("mean", "scale") and not torch.allclose(weights[name], value, rtol=1e-5):
                raise ConfigError(f"policy {self.origin!r} has another normaliser: it was trained on another effector")
        self.policy.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """See `Algorithm.state`."""
        return {
            "policy": self.policy.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Algorithm.load_state`."""
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])


def reach_trainer(
    twin: Twin,
    effector: str,
    curriculum: Curriculum,
    stages: tuple[Stage, ...],
    seed: int,
    folder: Path,
    compiled: bool = False,
    origin: str = "",
) -> Trainer[ReachGradient]:
    """A run that trains a reaching policy for `effector` through `stages` of `curriculum`, kept in `folder`."""
    algorithm = ReachGradient(twin, effector, curriculum, stages, seed, compiled, origin)
    return Trainer(algorithm, stages, folder, curriculum.evaluate_every, LeaveBelow(curriculum.patience))


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

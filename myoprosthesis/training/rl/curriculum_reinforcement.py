"""Reinforcement through a curriculum, as the trainer's algorithm."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.collector import Collector
from myoprosthesis.training.rl.curriculum import RlCurriculum, RlStage
from myoprosthesis.training.rl.experience import Episode, Experience
from myoprosthesis.training.rl.imitation import Imitation
from myoprosthesis.training.rl.network import Actor
from myoprosthesis.training.rl.ppo import Ppo
from myoprosthesis.training.rl.ppo_options import PpoOptions
from myoprosthesis.training.rl.sac import Sac
from myoprosthesis.training.rl.trainable_env import make


class RolloutLearner(Protocol):
    """What makes a better actor of rollouts. All chance comes from its seed and its state."""

    @property
    def policy(self) -> Actor:
        """The network that is exported."""
        ...

    def acting_weights(self) -> dict[str, NDArray[np.float32]]:
        """What a collector needs: the actor's parameters and normaliser."""
        ...

    def measure(self, rollout: Experience, options: PpoOptions) -> None:
        """Take the rollout into the statistics of observations and returns, for the updates after this one."""
        ...

    def update(self, rollout: Experience, options: PpoOptions) -> dict[str, float]:
        """Improve the actor.

        Returns:
            Figures by name, `policy_loss` and `value_loss` among them.

        Raises:
            ConfigError: A number is not finite.
        """
        ...

    def weights(self) -> dict[str, Any]:
        """Parameters of all networks, the normaliser included."""
        ...

    def load_weights(self, weights: dict[str, Any]) -> None:
        """Put `weights` in place; raises `ConfigError` for those of networks of another size."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything from which the next update is the same."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        ...


class CurriculumReinforcement:
    """Implements `Algorithm`: an update is one rollout of all simulations, from which the learner learns."""

    def __init__(
        self, curriculum: RlCurriculum, collector: Collector, seed: int,
        device: str = "cpu", threads: int = 1,
    ) -> None:  # fmt: skip
        """`threads` are torch's during an update; while simulations run it has one."""
        self.curriculum, self.collector, self.seed, self.threads = curriculum, collector, seed, threads
        self.learner = _learner(curriculum, collector, seed, device)
        self.batch = 0
        """Number of the next rollout."""
        self.samples = 0
        self.diverged = 0
        self.recent: deque[Episode] = deque(maxlen=max(stage.episodes for stage in curriculum.stages))
        """The last episodes of the current stage."""
        self.stage = -1
        """Index of the stage of the last update."""

    def settings(self) -> dict[str, Any]:
        """See `Algorithm.settings`."""
        return {"seed": self.seed, "simulations": self.curriculum.simulations, "curriculum": dict(self.curriculum.data)}

    def update(self, stage: RlStage, share: float) -> dict[str, float]:
        """See `Algorithm.update`; before the first one, a rollout is collected for the normaliser alone."""
        index = self.curriculum.stages.index(stage)
        if index != self.stage:
            self.stage = index
            self.recent.clear()
        if self.batch == 0:
            self.learner.measure(self._collect(index), stage.ppo)
        rollout = self._collect(index)
        torch.set_num_threads(self.threads)
        try:
            figures = self.learner.update(rollout, stage.ppo)
            self.learner.measure(rollout, stage.ppo)
        finally:
            torch.set_num_threads(1)
        self.samples += rollout.samples
        self.diverged += rollout.diverged
        self.recent.extend(e for e in rollout.episodes if e.stage == index)
        loss = figures["policy_loss"] + figures["value_loss"]
        return {"loss": loss, "reward": float(rollout.rewards.mean()), **figures}

    def _collect(self, index: int) -> Any:
        rollout = self.collector.collect(self.learner.acting_weights(), index, self.batch)
        self.batch += 1
        return rollout

    def evaluate(self, stage: RlStage) -> dict[str, float]:
        """Means over the last episodes of the stage, exploration included; see `Algorithm.evaluate`.

        `score` is −inf until there are as many as the stage wants.
        """
        last = list(self.recent)[-stage.episodes :]
        names = sorted({name for e in last for name in e.figures})
        means = {name: float(np.mean([e.figures[name] for e in last if name in e.figures])) for name in names}
        return {
            **means,
            "score": means["score"] if len(last) == stage.episodes else float("-inf"),
            "episodes": float(len(last)),
            "samples": float(self.samples),
            "diverged": float(self.diverged),
        }

    def weights(self) -> dict[str, Any]:
        """See `Algorithm.weights`."""
        return self.learner.weights()

    def load_weights(self, weights: dict[str, Any]) -> None:
        """See `Algorithm.load_weights`; the statistics go on from the normaliser in `weights` with the next rollout."""
        self.learner.load_weights(weights)

    def state(self) -> dict[str, Any]:
        """See `Algorithm.state`."""
        return {
            "learner": self.learner.state(),
            "collector": _tensors(self.collector.state()),
            "batch": self.batch,
            "samples": self.samples,
            "diverged": self.diverged,
            "stage_index": self.stage,
            "recent": [[e.step, e.simulation, e.stage, e.figures] for e in self.recent],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Algorithm.load_state`."""
        self.learner.load_state(state["learner"])
        self.collector.load_state(_arrays(state["collector"]))
        self.batch, self.samples, self.diverged = state["batch"], state["samples"], state["diverged"]
        self.stage = state["stage_index"]
        self.recent.clear()
        self.recent.extend(Episode(*row) for row in state["recent"])


def _learner(curriculum: RlCurriculum, collector: Collector, seed: int, device: str) -> RolloutLearner:
    sizes = (collector.size, collector.map.low.size, curriculum.network)
    if curriculum.algorithm == "ppo":
        return Ppo(*sizes, seed, device)
    if curriculum.algorithm == "imitation":
        env: Any = make(curriculum.env, 1, curriculum.env_options)
        teacher = getattr(env, "teacher", None)
        if teacher is None:
            raise ConfigError(f"algorithm: environment {curriculum.env!r} has no teacher; ppo or sac would work")
        size, _, network = sizes
        return Imitation(size, collector.map, network, curriculum.imitation, teacher, seed, device)
    if not collector.map.bounded:
        raise ConfigError("network: SAC needs bounded: true")
    return Sac(*sizes, curriculum.sac, seed, device, collector.symmetry)


def _tensors(value: Any) -> Any:
    """Plain data with tensors in place of arrays, as checkpoints hold."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OUS":
            return {"__list__": value.tolist()}
        return {
            "__array__": torch.from_numpy(np.ascontiguousarray(value).view(np.uint8).reshape(-1).copy()),
            "dtype": value.dtype.str,
            "shape": list(value.shape),
        }
    if isinstance(value, dict):
        return {key: _tensors(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tensors(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _arrays(value: Any) -> Any:
    """Inverse of `_tensors`; tuples come back as lists."""
    if isinstance(value, dict):
        if "__array__" in value:
            data: Any = value["__array__"].numpy()
            return data.view(np.dtype(value["dtype"])).reshape(value["shape"]).copy()
        if "__list__" in value:
            return np.array(value["__list__"])
        return {key: _arrays(item) for key, item in value.items()}
    return [_arrays(item) for item in value] if isinstance(value, list) else value

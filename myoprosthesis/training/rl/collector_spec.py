"""What collectors are made from, and how simulations are shared among several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from myoprosthesis.training.rl.collector import BLOCK, LocalCollector
from myoprosthesis.training.rl.curriculum import RlCurriculum
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.trainable_env import make


@dataclass(frozen=True)
class CollectorSpec:
    """What a collector is made from, on whatever machine."""

    env: str
    env_options: dict[str, Any]
    simulations: int
    network: NetworkOptions
    stages: tuple[Mapping[str, Any], ...]
    steps: int
    seed: int
    current_share: float = 1.0
    reached_share: float = 0.0
    first: int = 0

    @classmethod
    def of(cls, plan: RlCurriculum, seed: int) -> CollectorSpec:
        """For a curriculum."""
        values = tuple(stage.values for stage in plan.stages)
        return cls(
            plan.env, plan.env_options, plan.simulations, plan.network, values, plan.steps, seed, plan.current_share,
            plan.reached_share,
        )  # fmt: skip

    def make(self, explore: bool = True) -> LocalCollector:
        """The collector, in this process; without exploration it plays the actor's mean."""
        env = make(self.env, self.simulations, self.env_options)
        return LocalCollector(
            env, self.network, self.stages, self.steps, self.seed, self.current_share, self.reached_share, self.first,
            explore,
        )  # fmt: skip

    def parts(self, count: int) -> list[CollectorSpec]:
        """The same simulations in at most `count` collectors, in whole blocks as the actor takes them."""
        blocks = -(-self.simulations // BLOCK)
        bounds = [min(self.simulations, BLOCK * (blocks * k // count)) for k in range(count)] + [self.simulations]
        pairs = zip(bounds[:-1], bounds[1:], strict=True)
        return [replace(self, simulations=b - a, first=self.first + a) for a, b in pairs if b > a]

"""Reaches to random points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.tasks.reaching import ReachingTask, ReachOptions, plan


@dataclass(frozen=True)
class RandomReachOptions(ReachOptions):
    """Options of random reaching."""

    nearest: float = option(0.03, "shortest distance; `distance` is the longest", "m", 0.0, 2.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nearest > self.distance:
            raise ConfigError(f"nearest, {self.nearest} m, is above distance, {self.distance} m")


class RandomReach(ReachingTask):
    """From the start to a random point within reach."""

    def __init__(self, options: RandomReachOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        return plan(self.options, trial, from_ns, self.reach)

    def reach(self, movement: int) -> tuple[float, float, str]:
        """Direction (rad), distance (m) and label of a movement."""
        o = self.options
        rng = np.random.default_rng((o.seed, movement))
        return rng.uniform(0, 2 * np.pi), rng.uniform(o.nearest, o.distance), "random"

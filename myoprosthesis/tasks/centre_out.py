"""Centre-out reaching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.tasks.reaching import ReachingTask, ReachOptions, plan


@dataclass(frozen=True)
class CentreOutOptions(ReachOptions):
    """Options of centre-out reaching."""

    targets: int = option(8, "targets on the circle", "", 1, 360)
    first_angle: float = option(0.0, "angle of the first target", "deg", -360.0, 360.0)
    shuffle: bool = option(True, "each round of targets in its own random order")


class CentreOut(ReachingTask):
    """From the centre to targets on a circle, every target once a round."""

    def __init__(self, options: CentreOutOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        return plan(self.options, trial, from_ns, self.reach)

    def reach(self, movement: int) -> tuple[float, float, str]:
        """Direction (rad), distance (m) and label of a movement."""
        o = self.options
        turn, place = divmod(movement, o.targets)
        order = np.arange(o.targets)
        if o.shuffle:
            order = np.random.default_rng((o.seed, turn)).permutation(o.targets)
        target = int(order[place])
        return np.deg2rad(o.first_angle) + 2 * np.pi * target / o.targets, o.distance, f"target {target}"

"""The time at which a controller is updated, and what it may ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan


@dataclass(frozen=True, eq=False)
class Moment:
    """The time of a state table, and what belongs to it.

    `now_ns` is on the clock of the plans, `seconds` is how long the table is valid; then the generator of the noise
    that a perturbation adds to it, and the running trial (None: none).
    """

    rng: np.random.Generator
    now_ns: int = 0
    seconds: float = 0.0
    trial: TrialPlan | None = None

    def goal(self, ahead_s: float) -> Mapping[str, float]:
        """The goal by channel, `ahead_s` from now; nothing without a trial."""
        return self.trial.goal(self.now_ns + ns(ahead_s)) if self.trial is not None else {}

"""When a policy sees what it sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Moment:
    """When a table was seen: `now_ns` on the clock of the plans, for how many `seconds` it stands, and what draws the
    noise that a perturbation adds to it."""

    rng: np.random.Generator
    now_ns: int = 0
    seconds: float = 0.0

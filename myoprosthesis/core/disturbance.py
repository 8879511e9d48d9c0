"""What acts on a body from outside during one control period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.force_field import ForceField

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Disturbance:
    """What acts on a body during one control period.

    A law at the endpoint (3 dimensions), a law at the joints (one dimension per joint), and the strength of each muscle
    (1 = healthy, 0 = paralysed)."""

    endpoint: ForceField | None = None
    joint: ForceField | None = None
    strength: Array | None = None

    @property
    def sites(self) -> tuple[str, ...]:
        """Where it acts."""
        held = (("endpoint", self.endpoint), ("joint", self.joint), ("muscle", self.strength))
        return tuple(name for name, value in held if value is not None)


NO_DISTURBANCE = Disturbance()
"""Nothing acts."""

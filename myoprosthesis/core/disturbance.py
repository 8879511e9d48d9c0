"""What acts on a body from outside during one control period."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.force_field import ForceField

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Disturbance:
    """What acts on a body during one control period.

    A law at the endpoint (3 dimensions), a law at the joints (one dimension per joint), the strength of each muscle
    (1 = healthy, 0 = paralysed), a force on each object at its centre of mass, (n_objects, 3) N, the mass of each
    object, (n_objects,) in times its own, a force on each part of a floating body, (n_bodies, 3) N, and a load that
    each carries, (n_bodies,) kg."""

    endpoint: ForceField | None = None
    joint: ForceField | None = None
    strength: Array | None = None
    object_force: Array | None = None
    object_mass: Array | None = None
    body_force: Array | None = None
    body_load: Array | None = None

    @property
    def unforced(self) -> Disturbance:
        """What of it is a property of the body, without every force: strength of muscles, masses, loads."""
        return replace(self, endpoint=None, joint=None, object_force=None, body_force=None)

    @property
    def sites(self) -> tuple[str, ...]:
        """Where it acts."""
        held = (
            ("endpoint", self.endpoint), ("joint", self.joint), ("muscle", self.strength),
            ("object", self.object_force if self.object_mass is None else self.object_mass),
            ("body", self.body_force if self.body_load is None else self.body_load),
        )  # fmt: skip
        return tuple(name for name, value in held if value is not None)


NO_DISTURBANCE = Disturbance()
"""Nothing acts."""

"""What acts on a body from outside during one control period."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EffectorState:
    """One tick of an effector. `table` has shape (3, n): position, velocity and effort of `spec.channels`;
    the properties below are views of it. `applied` is what was really commanded after limits, in the order of
    `spec.command`; `joint_load` (N·m, one per joint) and the endpoint's effort are the forces that acted.

    `measured` is the command at which each channel stays where it is now, `measured_velocity` how fast that changes
    (unit/s); NaN for a channel that has no such place, such as a muscle. None: the joints that bear the names of
    position targets."""

    spec: EffectorSpec
    time: float
    table: Array
    applied: Array
    joint_load: Array = field(default_factory=lambda: np.zeros(0))
    measured: Array = None  # type: ignore[assignment]
    measured_velocity: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, row in (("measured", 0), ("measured_velocity", 1)):
            if getattr(self, name) is None:
                joints = np.append(self._slice(row, 0, len(self.spec.joints)), np.nan)
                object.__setattr__(self, name, joints[self.spec.placed])

    def _slice(self, row: int, start: int, n: int) -> Array:
        return self.table[row, start : start + n]

    @property
    def joint_position(self) -> Array:
        """(n_joints,) rad or m."""
        return self._slice(0, 0, len(self.spec.joints))

    @property
    def joint_velocity(self) -> Array:
        """(n_joints,) rad/s or m/s."""
        return self._slice(1, 0, len(self.spec.joints))

    @property
    def joint_effort(self) -> Array:
        """(n_joints,) N·m or N, from the actuators."""
        return self._slice(2, 0, len(self.spec.joints))

    @property
    def muscle_length(self) -> Array:
        """(n_muscles,) m."""
        return self._slice(0, len(self.spec.joints), len(self.spec.muscles))

    @property
    def muscle_velocity(self) -> Array:
        """(n_muscles,) m/s, lengthening positive."""
        return self._slice(1, len(self.spec.joints), len(self.spec.muscles))

    @property
    def muscle_force(self) -> Array:
        """(n_muscles,) N, pulling negative as in MuJoCo."""
        return self._slice(2, len(self.spec.joints), len(self.spec.muscles))

    @property
    def activation(self) -> Array:
        """(n_muscles,) 0..1."""
        return self._slice(0, len(self.spec.joints) + len(self.spec.muscles), len(self.spec.muscles))

    @property
    def endpoint_position(self) -> Array:
        """(3,) m in `spec.frame`; empty without an endpoint."""
        return self.table[0, -3:] if self.spec.endpoint else np.zeros(0)

    @property
    def endpoint_velocity(self) -> Array:
        """(3,) m/s; empty without an endpoint."""
        return self.table[1, -3:] if self.spec.endpoint else np.zeros(0)

    @property
    def load(self) -> Array:
        """(3,) N: the force that the field exerted on the endpoint; empty without an endpoint."""
        return self.table[2, -3:] if self.spec.endpoint else np.zeros(0)

"""The state of an effector at one tick: one table, with views by group."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import unknown

Array = NDArray[np.float64]
_NONE = slice(0)


@dataclass(frozen=True, eq=False)
class EffectorState:
    """One tick of an effector.

    `table` has shape (3, n): position, velocity and effort of `spec.channels`; `group` and the properties below are
    views of it. `applied` is what was really commanded after limits, in the order of `spec.command`; `joint_load` (N·m,
    one per joint) and the endpoint's effort are the forces that acted.

    `measured` is the command at which each channel stays where it is now, `measured_velocity` how fast that changes
    (unit/s); NaN for a channel that has no such place, such as a muscle. None: the joints that bear the names of
    position targets.
    """

    spec: EffectorSpec
    time: float
    table: Array
    applied: Array
    joint_load: Array = field(default_factory=lambda: np.zeros(0))
    measured: Array = None  # type: ignore[assignment]
    measured_velocity: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, values in (("measured", self.joint_position), ("measured_velocity", self.joint_velocity)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.append(values, np.nan)[self.spec.placed])

    def group(self, name: str) -> Array:
        """(3, n) position, velocity and effort of the channels `spec.groups[name]`; (3, 0) where there are none."""
        return self.table[:, self.spec.columns.get(name, _NONE)]

    def site(self, name: str) -> Array:
        """(3, 3) position (m), velocity (m/s) and force (N) of the site `endpoint` or of one of `spec.observed_sites`.

        Columns x, y, z in `spec.frame`. Raises `ConfigError` where it is not observed."""
        return self._part(
            "sites", "site", name, (*(("endpoint",) * bool(self.spec.endpoint)), *self.spec.observed_sites)
        )

    def object(self, name: str) -> Array:
        """(3, 7) pose, velocity and effort (0) of one of `spec.objects`; columns as in `POSE`.

        Raises `ConfigError` where there is no such object."""
        return self._part("objects", "object", name, self.spec.objects)

    def _part(self, group: str, kind: str, name: str, names: tuple[str, ...]) -> Array:
        if name not in names:
            raise unknown(kind, name, names)
        table, k = self.group(group), names.index(name)
        width = table.shape[1] // len(names)
        return table[:, k * width : (k + 1) * width]

    @property
    def joint_position(self) -> Array:
        """(n_joints,) rad or m; the floating base first, where there is one."""
        return self.table[0, : len(self.spec.joints)]

    @property
    def joint_velocity(self) -> Array:
        """(n_joints,) rad/s or m/s."""
        return self.table[1, : len(self.spec.joints)]

    @property
    def joint_effort(self) -> Array:
        """(n_joints,) N·m or N, from the actuators."""
        return self.table[2, : len(self.spec.joints)]

    @staticmethod
    def _row(part: Array, row: int) -> Array:
        values: Array = part[row]
        return values

    @property
    def muscle_length(self) -> Array:
        """(n_muscles,) m."""
        return self._row(self.group("muscles"), 0)

    @property
    def muscle_velocity(self) -> Array:
        """(n_muscles,) m/s, lengthening positive."""
        return self._row(self.group("muscles"), 1)

    @property
    def muscle_force(self) -> Array:
        """(n_muscles,) N, pulling negative as in MuJoCo."""
        return self._row(self.group("muscles"), 2)

    @property
    def activation(self) -> Array:
        """(n_muscles,) 0..1."""
        return self._row(self.group("activation"), 0)

    @property
    def endpoint_position(self) -> Array:
        """(3,) m in `spec.frame`; empty without an endpoint."""
        return self._row(self._endpoint, 0)

    @property
    def endpoint_velocity(self) -> Array:
        """(3,) m/s; empty without an endpoint."""
        return self._row(self._endpoint, 1)

    @property
    def load(self) -> Array:
        """(3,) N: the force that the field exerted on the endpoint; empty without an endpoint."""
        return self._row(self._endpoint, 2)

    @cached_property
    def _endpoint(self) -> Array:
        return self.site("endpoint") if self.spec.endpoint else self.group("")

"""Bringing all joints of the muscle hand to a posture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS
from myoprosthesis.tasks.episodic import Moments
from myoprosthesis.tasks.hand_goal import HandGoal, HandGoalOptions
from myoprosthesis.tasks.reachable_postures import JOINTS, ReachablePostures

Array = NDArray[np.float64]
TARGETS = tuple(f"target/{joint}" for joint in JOINTS)


@dataclass(frozen=True)
class HandPostureOptions(HandGoalOptions):
    """Options of bringing the hand to a posture."""

    tolerance_deg: float = option(5.0, "mean error of the joints with which the posture is reached", "deg", 0.1, 90.0)


class HandPosture(HandGoal):
    """Bring the 23 joints of `myohand` to a reachable posture, and keep them there."""

    channels: ClassVar[Mapping[str, str]] = {**TASK_UNITS, **dict.fromkeys(TARGETS, "rad")}
    measured: ClassVar[tuple[str, ...]] = JOINTS
    parts: ClassVar[tuple[str, ...]] = JOINTS
    unit: ClassVar[tuple[str, float]] = ("deg", float(np.degrees(1.0)))
    options: HandPostureOptions

    def __init__(self, options: HandPostureOptions, dt: float = 0.0, spec: EffectorSpec | None = None) -> None:
        """See `HandGoal`."""
        super().__init__(options, dt, spec)

    @property
    def tolerance(self) -> float:
        """See `HandGoal.tolerance`."""
        return float(np.radians(self.options.tolerance_deg))

    def errors(self, now: Moments) -> Array:
        """See `HandGoal.errors`."""
        return np.abs(now.columns(*JOINTS) - now.goal(*TARGETS))

    @staticmethod
    def _rows(postures: ReachablePostures) -> Array:
        return postures.joints

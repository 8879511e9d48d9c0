"""Bringing the five fingertips of the muscle hand to places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS
from myoprosthesis.core.trial_target import TrialTarget
from myoprosthesis.tasks.episodic import Moments
from myoprosthesis.tasks.hand_goal import HandGoal, HandGoalOptions
from myoprosthesis.tasks.reachable_postures import PLACES, TIPS, ReachablePostures

Array = NDArray[np.float64]
TARGETS = tuple(f"target/{place}" for place in PLACES)


@dataclass(frozen=True)
class HandReachOptions(HandGoalOptions):
    """Options of bringing the fingertips to places."""

    tolerance: float = option(0.01, "mean distance of the fingertips with which the goal is reached", "m", 1e-4, 0.2)


class HandReach(HandGoal):
    """Bring the five fingertips of `myohand` to where they are in a reachable posture, and keep them there."""

    channels: ClassVar[Mapping[str, str]] = {**TASK_UNITS, **dict.fromkeys(TARGETS, "m")}
    measured: ClassVar[tuple[str, ...]] = PLACES
    parts: ClassVar[tuple[str, ...]] = TIPS
    observed_sites: ClassVar[tuple[str, ...]] = TIPS
    targets: ClassVar[tuple[TrialTarget, ...]] = tuple(TrialTarget(tip, f"target/{tip}") for tip in TIPS)
    unit: ClassVar[tuple[str, float]] = ("mm", 1e3)
    options: HandReachOptions

    def __init__(self, options: HandReachOptions, dt: float = 0.0, spec: EffectorSpec | None = None) -> None:
        """See `HandGoal`."""
        super().__init__(options, dt, spec)

    @property
    def tolerance(self) -> float:
        """See `HandGoal.tolerance`."""
        return self.options.tolerance

    def errors(self, now: Moments) -> Array:
        """See `HandGoal.errors`."""
        apart = now.columns(*PLACES) - now.goal(*TARGETS)
        return np.asarray(np.linalg.norm(apart.reshape(len(apart), -1, 3), axis=2))

    @staticmethod
    def _rows(postures: ReachablePostures) -> Array:
        return postures.places

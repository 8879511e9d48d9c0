"""Protocol of a task that can be learned: rewards at each moment, and an end before its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]


class Moments(Protocol):
    """Moments of trials: of one trial one after the other (`TrialRecord`), or of many simulations at the same time."""

    def columns(self, *channels: str, field: str = "position") -> Array:
        """One row of the states, shape (n_moments, n_channels).

        Args:
            channels: names out of what the task needs.
            field: `position` or `velocity`.
        """
        ...

    def goal(self, *channels: str, field: str = "position") -> Array:
        """The goal, shape (n_moments, n_channels), of the task's `channels`; its `position` or `velocity`."""
        ...


@runtime_checkable
class EpisodicTask(Protocol):
    """What a task has beside the `Task` protocol so that an environment can be made of it."""

    weights: Mapping[str, float]
    """The rewards by name, and how much each counts unless the training says otherwise."""

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        ...

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        ...

    def rewards(self, now: Moments) -> Mapping[str, Array]:
        """The rewards that each moment deserves, before their weights.

        Args:
            now: (n_moments,) moments.

        Returns:
            (n_moments,) numbers by the names of `weights`.
        """
        ...

    def solved(self, now: Moments) -> Array:
        """How well the task is done at each moment, (n_moments,) from 0 to 1; the mean over a trial is its score."""
        ...

    def failed(self, now: Moments) -> NDArray[np.bool_]:
        """Whether the trial is over at each moment because it cannot be done any more, (n_moments,)."""
        ...

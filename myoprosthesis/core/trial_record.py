"""The states of one trial as a task judges them, and what it makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import FIELDS
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.text import brief
from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]
STILL = (0.0, 0.0)
"""Position and velocity of a channel that the trial has no goal for."""
EVENT = (
    *("trial", "time_ns", "last", "label", "start", "target", "catch", "scored", "samples", "expected", "why"),
    *("effector", "effector_options", "dt", "task_options"),
)
"""What every event of a trial says, beside the figures of its task, which have other names."""
ENDPOINT = ("endpoint/x", "endpoint/y", "endpoint/z")


@dataclass(frozen=True, eq=False)
class TrialRecord:
    """The states within one trial, in order of time, or those up to now of a trial that still runs.

    `channels` are those that the task needs; `time_ns` has shape (n_samples,), `table` (n_samples, 3, n_channels):
    position, velocity and effort in the units of `EffectorSpec.units`. `dt` (s) is the effector's period.
    """

    plan: TrialPlan
    dt: float
    channels: tuple[str, ...]
    time_ns: NDArray[np.int64]
    table: Array

    def columns(self, *channels: str, field: str = "position") -> Array:
        """One row of the states, shape (n_samples, n), for the `channels`.

        Raises `ConfigError` for channels other than those that the task needs.
        """
        for channel in channels:
            if channel not in self.channels:
                raise ConfigError(f"channel {channel!r} is not recorded: `needs` of the task must return its name")
        return self.table[:, FIELDS.index(field), [self.channels.index(channel) for channel in channels]]

    def goal(self, *channels: str, field: str = "position") -> Array:
        """The goal at each sample, shape (n_samples, n), for the task's `channels`; its `position` or `velocity`."""
        row = FIELDS[:2].index(field)
        rows = [[goal.get(channel, STILL)[row] for channel in channels] for goal in self._goals]
        return np.array(rows).reshape(len(self.time_ns), len(channels))

    def last(self, seconds: float) -> TrialRecord:
        """The samples of the last `seconds`, up to the newest: fewer where states are missing."""
        late = self.time_ns > self.time_ns[-1:] - ns(seconds)
        return replace(self, time_ns=self.time_ns[late], table=self.table[late])

    @property
    def newest(self) -> TrialRecord:
        """The newest sample alone."""
        return replace(self, time_ns=self.time_ns[-1:], table=self.table[-1:])

    @cached_property
    def _goals(self) -> list[dict[str, tuple[float, float]]]:
        """The goal at each sample: evaluated once, however often a task looks at it."""
        return [self.plan.goal_motion(int(now_ns)) for now_ns in self.time_ns]

    @property
    def position(self) -> Array:
        """(n_samples, 3) m, of the endpoint; (n_samples, 0) where it is not recorded."""
        return self._endpoint("position")

    @property
    def velocity(self) -> Array:
        """(n_samples, 3) m/s, of the endpoint."""
        return self._endpoint("velocity")

    @property
    def load(self) -> Array:
        """(n_samples, 3) N, the force that the field exerted on the endpoint."""
        return self._endpoint("effort")

    def _endpoint(self, field: str) -> Array:
        return self.columns(*(c for c in ENDPOINT if c in self.channels), field=field)


@dataclass(frozen=True)
class TrialResult:
    """What a task says of a trial: `success` (None: not defined for it), and its own figures by name.

    Figures, such as `endpoint_error_mm` or `score`, are the columns of the table of trials; a name says its unit where
    that is not SI.
    """

    success: bool | None = None
    figures: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Numbers of NumPy become Python's; raises `ConfigError` for what no table of trials can hold."""
        success, figures = _plain(self.success), {name: _plain(value) for name, value in self.figures.items()}
        if not isinstance(success, bool | None):
            raise ConfigError(f"the success of a trial is true, false or none, got {brief(success)}")
        for name, value in figures.items():
            if not isinstance(name, str) or name in (*EVENT, "success"):
                raise ConfigError(f"a figure of a trial is called {brief(name)}, which the table of trials has already")
            if not isinstance(value, float | int | str | None):
                raise ConfigError(f"the figure {name!r} of a trial is a number, a text or none, got {brief(value)}")
        object.__setattr__(self, "success", success)
        object.__setattr__(self, "figures", figures)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value

"""Places that a trial asks for, and the parts of a body that should come there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import AXES, POSE
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_terms import carried
from myoprosthesis.core.text import brief

if TYPE_CHECKING:
    from myoprosthesis.core.trial_plan import TrialPlan

Array = NDArray[np.float64]
MOST_TARGETS = 16
"""Targets of one trial."""


@dataclass(frozen=True)
class TrialTarget:
    """Where a part of a body should be.

    The goal's `<goal>/x`, `y` and `z` (m) are asked of the state's `<part>/x`, `y` and `z`. They are places in `frame`,
    of which the state has the pose (`<frame>/x` … `<frame>/qz`); where it is empty, in the world.
    """

    part: str
    goal: str
    frame: str = ""


NOWHERE = np.full(3, np.nan)


def target_places(plan: TrialPlan, now_ns: int, channels: Sequence[str], positions: Array) -> dict[str, Array]:
    """Where parts should be at `now_ns`: by part, a place in the world (3,) m.

    `positions` (n_channels,) is the state. NaN where the trial has no such goal, where the state lacks the frame, and
    for the endpoint of a trial that names no targets and asks for no place but its start.
    """
    if not plan.targets:
        return {"endpoint": np.array(plan.place(now_ns) or NOWHERE)}
    goal, out = plan.goal(now_ns), {}
    for target in plan.targets:
        place = np.array([goal.get(f"{target.goal}/{axis}", np.nan) for axis in AXES])
        out[target.part] = carried(place, _pose(target.frame, channels, positions)) if target.frame else place
    return out


def _pose(frame: str, channels: Sequence[str], positions: Array) -> Array:
    """The pose of a frame in a state, (7,) m and quaternion; NaN where the state lacks it."""
    return np.array([positions[channels.index(c)] if c in channels else np.nan for c in (f"{frame}/{p}" for p in POSE)])


def targets_from(data: Any) -> tuple[TrialTarget, ...]:
    """Inverse of `to_dicts`; raises `ConfigError`."""
    names = {f.name for f in fields(TrialTarget)}
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) > MOST_TARGETS:
        raise ConfigError(f"the targets of a trial are a list of at most {MOST_TARGETS}, got {brief(data)}")
    for target in data:
        if not (isinstance(target, dict) and {"part", "goal"} <= set(target) <= names):
            raise ConfigError(f"a target of a trial has a part, a goal and perhaps a frame, got {brief(target)}")
        if not all(isinstance(x, str) for x in target.values()):
            raise ConfigError(f"part, goal and frame of a target are names, got {brief(target)}")
    return tuple(TrialTarget(**target) for target in data)


def to_dicts(targets: Sequence[TrialTarget]) -> list[dict[str, str]]:
    """Targets as plain data for JSON."""
    return [asdict(target) for target in targets]

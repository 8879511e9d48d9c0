"""The clips out of which a walk takes the one that it follows."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.motion_clip import MotionClip
from myoprosthesis.tasks.walk_channels import BESIDE, JOINTS, PELVIS, TRACKED


def speed_of(movement: MotionClip) -> float:
    """m/s of a clip that walks."""
    return float(movement.values[0, list(movement.units).index("speed")])


@cache
def candidates(beginnings: tuple[str, ...]) -> tuple[MotionClip, ...]:
    """The clips of these names, or whose names begin so; raises `ConfigError` where one of them is none."""
    names: list[str] = []
    for beginning in beginnings:
        own = [name for name in motion_clip.names() if name == beginning or name.startswith(f"{beginning}_")]
        if not own:
            motion_clip.find(beginning)
        names += own
    clips = [motion_clip.read(motion_clip.find(name)) for name in dict.fromkeys(names)]
    for clip in clips:
        check_columns(clip)
    return tuple(clips)


def check_columns(clip: MotionClip) -> None:
    """Refuse a clip that is none of legs; raises `ConfigError`."""
    for name in (*BESIDE, *PELVIS, *JOINTS, *TRACKED, "speed"):
        if name not in clip.units:
            raise ConfigError(f"the clip {clip.name} has no column {name}: it is none of legs; see `motion import`")


@cache
def _log_speeds(beginnings: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([math.log(speed_of(clip)) for clip in candidates(beginnings)])


def nearest(beginnings: tuple[str, ...], speed: float, which: float) -> MotionClip:
    """The clip whose speed is nearest to one; of several at `which` (0 to 1) of them."""
    clips = candidates(beginnings)
    apart = np.abs(_log_speeds(beginnings) - math.log(speed))
    near = np.flatnonzero(apart <= apart.min() + 1e-9)
    return clips[int(near[int(which * len(near))])]

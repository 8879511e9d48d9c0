"""A recorded walk on the MyoSim legs: its mean stride, with the feet on the floor, and how well it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion import cycle
from myoprosthesis.motion.body_angles import postures
from myoprosthesis.motion.formats import read
from myoprosthesis.motion.gait import Gait, on_floor, spread, with_toes
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import JOINTS, POSTURE
from myoprosthesis.motion.speeds import at_speed
from myoprosthesis.motion.strides import Stride, mean_stride

Array = NDArray[np.float64]
SAMPLES = 50
"""Of a clip, over one cycle."""
BEYOND_DEG = 15.0
"""Beyond the range of a joint an angle is held at its end; further than this the file is refused."""
LOWEST_M, HIGHEST_M = 0.5, 1.3
"""Of the mean height of a pelvis; others are taken as relative to something else."""
FLOATING_M = 0.2
"""Lowest point of the feet above the floor, with legs of another length, that a recording may have."""


@dataclass(frozen=True)
class RetargetOptions:
    """How a file is read and made a clip."""

    units: str = ""
    rate_hz: float = 0.0
    begin_s: float = -np.inf
    end_s: float = np.inf
    renamed: Mapping[str, str] = field(default_factory=dict)
    symmetric: bool = False


@dataclass(frozen=True, eq=False)
class Retargeted:
    """A gait made of a recording."""

    gait: Gait
    recorded: Stride
    """As it is in the file, with the signs of the legs."""
    remarks: Sequence[str]

    @property
    def recorded_speed(self) -> float:
        """m/s that the pelvis came forward in the recording; 0 on a treadmill."""
        return self.recorded.way_m / self.recorded.duration_s


def retargeted(path: Path, options: RetargetOptions, legs: Legs) -> Retargeted:
    """The gait in a file.

    Raises:
        ConfigError: A file that cannot be read, units in doubt, other names, gaps and jumps, no stride, feet that never
            touch the floor.
    """
    recording = read(path, options.rate_hz)
    try:
        recording = recording.renamed(options.renamed).within(options.begin_s, options.end_s).checked()
        values, remarks = postures(recording, options.units)
        stride = mean_stride(legs, recording.time_s, values)
        remarks += _check_height(legs, stride)
        held, more = _within_ranges(legs, stride.postures)
        closed = cycle.symmetric(held) if options.symmetric else held
        if not np.any(closed[:, [POSTURE.index(f"mtp_angle_{side}") for side in "rl"]]):
            closed = with_toes(legs, closed)
            closed = cycle.symmetric(closed) if options.symmetric else closed
            more.append("its toes do not bend: they were bent as the floor wants it")
        closed, angle = spread(legs, closed)
        if angle:
            more.append(f"its legs would go through each other: each hip was spread by {angle:g} deg")
        samples = cycle.resampled(np.concatenate([closed, closed[:1]]), SAMPLES)
        gait = on_floor(legs, samples, stride.duration_s)
        for foot, side in enumerate(("right", "left")):
            if not gait.contacts[:, foot].any():
                raise ConfigError(f"its {side} foot never touches the floor")
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return Retargeted(gait, stride, (*recording.remarks, *remarks, *more))


def at_speeds(legs: Legs, gait: Gait, speeds: Sequence[float]) -> list[Gait]:
    """The gait at each speed (m/s)."""
    return [at_speed(legs, gait, speed) for speed in speeds]


def _check_height(legs: Legs, stride: Stride) -> list[str]:
    """Remarks about the height of the pelvis; refuses a recording whose feet are always above the floor."""
    height = float(stride.postures[:, 2].mean())
    if height != 0.0 and abs(height) < LOWEST_M:
        return [f"its pelvis is at {height:.2f} m, relative to something: it was put on the floor"]
    if height == 0.0:
        return ["it has no height of the pelvis: it was put on the floor"]
    heights, _ = legs.soles(stride.postures)
    lowest = float(heights.min())
    if height > HIGHEST_M or lowest > FLOATING_M:
        raise ConfigError(
            f"its feet never touch the floor: the lowest point of them stays {lowest:.2f} m above it, with the pelvis "
            f"at {height:.2f} m"
        )
    return []


def _within_ranges(legs: Legs, values: Array) -> tuple[Array, list[str]]:
    """The postures within the ranges of the legs' joints, and which were not."""
    values, remarks = values.copy(), []
    for name in JOINTS:
        k, (low, high) = POSTURE.index(name), legs.ranges[name]
        beyond = float(np.degrees(max(low - values[:, k].min(), values[:, k].max() - high, 0.0)))
        if beyond > BEYOND_DEG:
            raise ConfigError(
                f"{name} goes {beyond:.0f} deg beyond the range of the legs, {np.degrees(low):.0f} to "
                f"{np.degrees(high):.0f} deg: is it this joint, with this sign and unit?"
            )
        if beyond > 0.5:
            remarks.append(f"{name} goes {beyond:.1f} deg beyond the range of the legs: it was held at its end")
        values[:, k] = np.clip(values[:, k], low, high)
    return values, remarks

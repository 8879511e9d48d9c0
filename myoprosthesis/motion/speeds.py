"""A gait at another speed, as people change it: steps get longer and quicker by about the same factor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.motion.gait import Gait, on_floor, spread
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import POSTURE

Array = NDArray[np.float64]
LONGER = {"hip_flexion": 0.5, "knee_angle": 0.25, "ankle_angle": 0.25, "tilt": 0.5, "list": 0.5, "rotation": 0.5}
"""Exponents of the ratio of speeds by which the excursions of angles grow. The stride of walking people grows with the
square root of their speed (Froude number; Grieve 1968), and most of it comes from the hips."""


def at_speed(legs: Legs, gait: Gait, speed: float) -> Gait:
    """The gait at a speed (m/s): steps longer, and quicker as the rest of it takes, of legs that pass each other."""
    ratio = speed / gait.speed
    mean = gait.postures.mean(axis=0)
    stems = [name.rpartition("/")[2].removesuffix("_r").removesuffix("_l") for name in POSTURE]
    grown = np.array([ratio ** LONGER.get(stem, 0.0) for stem in stems])
    postures, _ = spread(legs, mean + (gait.postures - mean) * grown)
    stride = on_floor(legs, postures, gait.duration_s).stride_m
    return on_floor(legs, postures, stride / speed)

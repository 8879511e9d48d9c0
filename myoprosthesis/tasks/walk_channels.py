"""Channels of legs that walk, and of the clip that they follow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from myoprosthesis.core.effector_spec import POSE
from myoprosthesis.core.leg_names import COMPARED, PLACES, SIDES

CONTACTS = ("r_foot", "r_toes", "l_foot", "l_toes")
ROOT = "root"
FORWARD = -0.5 * math.pi
"""Where the floating base of the MyoSim legs faces, in the plane of its own x and y (rad)."""
PELVIS_IN_ROOT = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Axes of the pelvis (ahead, up, to the right) in the floating base."""
FEET = tuple(f"{joint}_{side}" for side in SIDES for joint in ("subtalar_angle", "mtp_angle"))
JOINTS = (*COMPARED, *FEET)
KNEE = tuple(
    f"knee_angle_{part}_{side}" for side in SIDES for part in (
        "translation2", "translation1", "rotation2", "rotation3", "beta_translation2", "beta_translation1",
        "beta_rotation1",
    )
)  # fmt: skip
"""The inner joints of the knees, which follow their angle."""
TRACKED = tuple(f"{place}/{axis}" for place in PLACES for axis in "xyz")
PELVIS = tuple(f"{ROOT}/{name}" for name in ("tilt", "list", "rotation"))
BESIDE = tuple(f"{ROOT}/{axis}" for axis in "xyz")
"""Of the reference: where the pelvis is beside uniform motion, ahead and to the left, and how high."""
ROOT_POSE = tuple(f"{ROOT}/{part}" for part in POSE)


def of_reference(names: Sequence[str]) -> tuple[str, ...]:
    """The channels of the goal that the columns of a clip are."""
    return tuple(f"reference/{name}" for name in names)

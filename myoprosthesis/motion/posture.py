"""Postures of the lower body as OpenSim names them: the pelvis in the world, and the joints of both legs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.leg_names import HIP_TO_ANKLE, SIDES

Array = NDArray[np.float64]
PELVIS = ("tilt", "list", "rotation")
"""Angles (rad) about the axes to the right, ahead and up, in this order, each about the axes that the ones before have
turned: `pelvis_tilt`, `pelvis_list` and `pelvis_rotation` of OpenSim."""
PLACE = ("x", "y", "z")
"""Where the pelvis is (m): ahead, to the left, above the floor."""
OF_A_LEG = (*HIP_TO_ANKLE, "subtalar_angle", "mtp_angle")
JOINTS = tuple(f"{joint}_{side}" for side in SIDES for joint in OF_A_LEG)
"""The joints that a clip has."""
ROOT = tuple(f"root/{name}" for name in (*PLACE, *PELVIS))
POSTURE = (*ROOT, *JOINTS)
"""What a posture is made of, in the order of its arrays."""
ODD = ("root/y", "root/list", "root/rotation")
"""What changes its sign in a mirror; joints change sides."""


def mirrored_columns() -> tuple[NDArray[np.intp], Array]:
    """Order and signs, (n_posture,) both: `posture[..., order] * signs` is the posture seen in a mirror."""
    other = {"_r": "_l", "_l": "_r"}
    names = [name[:-2] + other[name[-2:]] if name in JOINTS else name for name in POSTURE]
    order = np.array([POSTURE.index(name) for name in names], np.intp)
    return order, np.array([-1.0 if name in ODD else 1.0 for name in POSTURE])


def columns(table: Mapping[str, Array]) -> Array:
    """(n, n_posture) of a table by name; what it does not have is 0."""
    n = len(next(iter(table.values())))
    return np.stack([np.asarray(table.get(name, np.zeros(n)), float) for name in POSTURE], axis=1)

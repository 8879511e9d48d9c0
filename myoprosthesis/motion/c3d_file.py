"""Joint angles of Plug-in Gait in a C3D file, by OpenSim's names.

Signs and the order of rotations as in Vicon's documentation, "Lower body angles as output from Plug-in Gait": flexion,
adduction, internal rotation and dorsiflexion are positive as in Rajagopal's model; anterior tilt of the pelvis is
negative there, upward obliquity of the left side is its list, and internal rotation of the left side, which is to the
right, is negative.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library
from myoprosthesis.motion.recording import MotionColumns

Array = NDArray[np.float64]
JOINTS = {
    "HipAngles": ("hip_flexion", "hip_adduction", "hip_rotation"),
    "KneeAngles": ("knee_angle",),
    "AnkleAngles": ("ankle_angle",),
}
"""Points that hold angles, and what their first components are."""
PELVIS = {"LPelvisAngles": (-1.0, 1.0, -1.0), "RPelvisAngles": (-1.0, -1.0, 1.0)}
"""Signs of tilt, list and rotation by the angles of either side."""
MARKERS = ("LASI", "RASI", "LPSI", "RPSI")
METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
UP = {"+Z": (0, 1, 2), "+Y": (2, 0, 1)}
"""By the axis that is up: a right-handed order of axes with it last."""


def read_c3d(data: bytes) -> MotionColumns:
    """Columns by OpenSim's names with `time` (s).

    The place of the pelvis (m, x along the way, y up, z to the right) is that of the four markers on it, where all are
    there; samples that the file marks as invalid are NaN.

    Raises:
        ConfigError: The file is damaged, has no angles of Plug-in Gait or those of two persons, or places in a unit or
            with an axis that is not known.
    """
    c3d = library("c3d", "motion", "a .c3d file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is asked about below
            reader = c3d.Reader(io.BytesIO(data))
            frames = [points for _, points, _ in reader.read_frames(check_nan=False)]
        labels = [str(label).strip().rpartition(":")[2] for label in reader.point_labels]
        rate, text, stated = float(reader.point_rate), _text(reader), reader.last_frame - reader.first_frame + 1
    except ConfigError:
        raise
    except Exception as error:  # whatever a damaged file makes of the library
        raise ConfigError(f"it is no C3D file, or a damaged one ({type(error).__name__}: {str(error)[:80]})") from error
    if not frames or not rate > 0:
        raise ConfigError("it has no frames of points, or no rate")
    if len(frames) != stated:
        raise ConfigError(f"it is cut short: it says {stated} frames, and {len(frames)} are there")
    values = np.array(frames, float)
    values[values[:, :, 3] < 0] = np.nan
    points = {label: values[:, k, :3] for k, label in enumerate(labels[: values.shape[1]])}
    columns = _angles(points)
    twice = sorted({label for label in labels if labels.count(label) > 1} & {*PELVIS, *MARKERS, *_names()})
    if twice:
        raise ConfigError(f"it has {', '.join(twice)} twice, of two persons: export one of them")
    if all(marker in points for marker in MARKERS):
        columns |= _place(np.mean([points[m] for m in MARKERS], axis=0), text)
    columns["time"] = np.arange(len(values)) / rate
    return MotionColumns(columns, {"deg": True, "rad": False}.get(text["ANGLE_UNITS"].lower()[:3]))


def _text(reader: Any) -> dict[str, str]:
    """Texts of the group POINT; empty where they are absent."""
    keys = ("UNITS", "ANGLE_UNITS", "Y_SCREEN")
    parameters = {key: reader.get(f"POINT:{key}") for key in keys}
    return {key: "" if value is None else str(value.string_value).strip() for key, value in parameters.items()}


def _names() -> list[str]:
    return [side + joint for side in "LR" for joint in JOINTS]


def _angles(points: Mapping[str, Array]) -> dict[str, Array]:
    missing = [name for name in _names() if name not in points]
    if missing:
        raise ConfigError(
            f"it has no {', '.join(missing)}: angles of joints are read as Plug-in Gait writes them; its points are "
            f"{', '.join(list(points)[:40])}"
        )
    columns = {
        f"{joint}_{side.lower()}": points[side + name][:, k]
        for side in "LR"
        for name, joints in JOINTS.items()
        for k, joint in enumerate(joints)
    }
    for name, signs in PELVIS.items():
        if name in points:
            tilt, list_, rotation = (points[name] * signs).T
            return columns | {"pelvis_tilt": tilt, "pelvis_list": list_, "pelvis_rotation": rotation}
    return columns


def _place(centre: Array, text: Mapping[str, str]) -> dict[str, Array]:
    """Where the pelvis is, from the middle of its markers (n, 3) in the axes and the unit of the file."""
    unit, up = text["UNITS"] or "mm", text["Y_SCREEN"].upper() or "+Z"
    if unit not in METRES or up not in UP:
        raise ConfigError(f"its places are in {unit!r} with {up} up: {', '.join(METRES)}, and +Z or +Y are known")
    ahead, left, high = (METRES[unit] * centre[:, list(UP[up])]).T
    sound = np.flatnonzero(np.isfinite(ahead))
    if sound.size:  # Plug-in Gait's rotation of the pelvis is seen from the way, and so is its place here
        way = np.arctan2(left[sound[-1]] - left[sound[0]], ahead[sound[-1]] - ahead[sound[0]])
        ahead, left = np.cos(way) * ahead + np.sin(way) * left, np.cos(way) * left - np.sin(way) * ahead
    return {"pelvis_tx": ahead, "pelvis_ty": high, "pelvis_tz": -left}

"""The postures in a recording: units and signs by their ranges, and what cannot be a person's walk is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import SIDES
from myoprosthesis.motion.posture import JOINTS, PELVIS, POSTURE
from myoprosthesis.motion.recording import MotionRecording

Array = NDArray[np.float64]
NEEDED = tuple(f"{joint}_{side}" for side in SIDES for joint in ("hip_flexion", "knee_angle", "ankle_angle"))
OPPOSITE = ("mtp_angle_r", "mtp_angle_l")
"""Joints whose axis in the MyoSim legs is opposite to that of OpenSim's models (Rajagopal et al. 2016)."""
STILL_DEGREES = 0.5
"""A joint of a person who walks moves by more."""
LEAST_DEGREES, MOST_RADIANS, LEAST_RADIANS = 8.0, 3.2, 0.35
"""The largest angle of hips, knees and ankles of a person who walks is within these, in one unit or the other."""
FASTEST = 45.0
"""rad/s, of a joint; sprinters' knees come to 25."""


def postures(recording: MotionRecording, units: str = "") -> tuple[Array, list[str]]:
    """Postures (n, n_posture) of a recording with OpenSim's names, x ahead along the way, and remarks about them.

    Args:
        recording: Joints by OpenSim's names; `pelvis_tx` ahead, `pelvis_ty` up, `pelvis_tz` to the right.
        units: `deg` or `rad`, where the file does not say, or is wrong.

    Raises:
        ConfigError: Names that are missing, units in doubt, jumps.
    """
    columns = recording.columns
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ConfigError(
            f"it has no {', '.join(missing)}; its columns are {', '.join(list(columns)[:40])}: name them as OpenSim "
            "does (--rename theirs=ours)"
        )
    remarks: list[str] = []
    degrees = _in_degrees(recording, units)
    factor = np.pi / 180.0 if degrees else 1.0
    remarks += _check_others(recording, degrees)
    table = {name: factor * columns[name] for name in JOINTS if name in columns}
    for side in SIDES:
        if table[f"knee_angle_{side}"].mean() < 0.0:
            table[f"knee_angle_{side}"] = -table[f"knee_angle_{side}"]
            remarks.append(f"knee_angle_{side} is below 0 where it bends in the file: its sign was turned")
    for name in OPPOSITE:
        if name in table:
            table[name] = -table[name]
    for name in PELVIS:
        own = f"pelvis_{name}"
        if own in columns:
            table[f"root/{name}"] = factor * columns[own]
        else:
            remarks.append(f"it has no {own}: 0 was taken")
    if absent := [name for name in JOINTS if name not in table]:
        remarks.append(f"it has no {', '.join(absent)}: 0 was taken")
    ahead, right = (columns.get(f"pelvis_t{axis}", np.zeros(len(recording.time_s))) for axis in "xz")
    left, up = -right, columns.get("pelvis_ty", np.zeros(len(recording.time_s)))
    n = len(ahead)
    out = np.stack([table.get(name, np.zeros(n)) for name in POSTURE], axis=1)
    out[:, 2] = up
    return _along_x(out, ahead, left), remarks + _check_jumps(recording.time_s, out)


def _along_x(postures: Array, ahead: Array, left: Array) -> Array:
    """The postures with their places, turned so that the way, or where nobody moves on the pelvis, is along x."""
    way = np.array([ahead[-1] - ahead[0], left[-1] - left[0]])
    turn = PELVIS.index("rotation") + 3
    heading = np.arctan2(way[1], way[0]) if np.linalg.norm(way) > LEAST_WAY_M else float(postures[:, turn].mean())
    postures[:, 0] = np.cos(heading) * ahead + np.sin(heading) * left
    postures[:, 1] = np.cos(heading) * left - np.sin(heading) * ahead
    postures[:, turn] -= heading
    return postures


LEAST_WAY_M = 0.3
"""Who does not come this far is on a treadmill."""


def _in_degrees(recording: MotionRecording, units: str) -> bool:
    each = {name: float(np.abs(recording.columns[name]).max()) for name in NEEDED}
    largest = max(each.values())
    if units:
        if units not in ("deg", "rad"):
            raise ConfigError(f"units {units!r} are none of deg, rad")
        return units == "deg"
    by_range = True if largest >= LEAST_DEGREES else False if LEAST_RADIANS <= largest <= MOST_RADIANS else None
    stated = recording.degrees
    if by_range is None or (stated is not None and stated != by_range):
        header = {True: "the file says degrees", False: "the file says radians", None: "the file does not say"}[stated]
        raise ConfigError(
            f"it is not clear whether its angles are degrees or radians: the largest of hips, knees and ankles is "
            f"{largest:.3g}, and {header}; give --units deg or --units rad"
        )
    odd = [f"{name} {value:.3g}" for name, value in each.items() if "ankle" not in name and 0 < value <= MOST_RADIANS]
    if by_range and odd:
        raise ConfigError(
            f"its hips, knees and ankles go up to {largest:.3g}, as degrees do, but {', '.join(odd)} look like "
            "radians: bring them to one unit, or give --units deg if that is how far they move"
        )
    return by_range


def _check_others(recording: MotionRecording, degrees: bool) -> list[str]:
    """Remarks on angles that look as if they were in radians among degrees; refuses degrees among radians."""
    tilts = [f"pelvis_{name}" for name in PELVIS if name != "rotation"]
    others = {n: recording.columns[n] for n in (*JOINTS, *tilts) if n in recording.columns and n not in NEEDED}
    if degrees:
        moved = {name: float(np.ptp(values)) for name, values in others.items()}
        still = [f"{name} {way:.2g} deg" for name, way in moved.items() if 0 < way < STILL_DEGREES]
        return [f"these hardly move: {', '.join(still)} in all; are they in radians?"] if still else []
    far = [f"{n} {np.abs(v).max():.3g}" for n, v in others.items() if np.abs(v).max() > MOST_RADIANS]
    if far:
        raise ConfigError(f"its angles are in radians, but {', '.join(far)} look like degrees: bring them to one unit")
    return []


def _check_jumps(time_s: Array, postures: Array) -> list[str]:
    rates = np.abs(np.diff(postures[:, 6:], axis=0)) / np.diff(time_s)[:, None]
    if (rates > FASTEST).any():
        k, joint = np.unravel_index(int(rates.argmax()), rates.shape)
        jump = np.degrees(abs(postures[k + 1, 6 + joint] - postures[k, 6 + joint]))
        raise ConfigError(
            f"{JOINTS[joint]} jumps by {jump:.0f} deg at {time_s[k]:.3g} s, faster than anybody's: cut it there "
            "(--from, --until), or repair the file"
        )
    return []

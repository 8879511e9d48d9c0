"""Attitude of a floating base: its heading on the floor, and how it leans, as rotations and as OpenSim's angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def heading(turn: Array, forward: float) -> Array:
    """(…,) rad, counter-clockwise from x, of where rotations (…, 3, 3) point the direction `forward` (rad) of the base.

    `forward` is an angle in the plane of the base's own x and y."""
    ahead = turn[..., :2, 0] * np.cos(forward) + turn[..., :2, 1] * np.sin(forward)
    return np.asarray(np.arctan2(ahead[..., 1], ahead[..., 0]))


def along(heading: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Of a vector in the world, (…,) both, what is ahead and what is to the left for a heading (…,)."""
    cosine, sine = np.cos(heading), np.sin(heading)
    return cosine * x + sine * y, cosine * y - sine * x


def within_half_turn(angle: Array) -> Array:
    """The angle (rad) between −π and π."""
    return np.asarray((angle + np.pi) % (2.0 * np.pi) - np.pi)


def about_vertical(angle: Array | float) -> Array:
    """(…, 3, 3) rotation by angles (…,), rad, counter-clockwise seen from above."""
    turn = np.asarray(angle, float)
    one, zero = np.ones_like(turn), np.zeros_like(turn)
    rows = [[np.cos(turn), -np.sin(turn), zero], [np.sin(turn), np.cos(turn), zero], [zero, zero, one]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def small_rotation(turn: Array) -> Array:
    """(…, 3) rad about x, y and z, of small rotations (…, 3, 3), or of the rates of rotations."""
    x, y, z = (turn[..., i, j] - turn[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    return 0.5 * np.stack([x, y, z], -1)


def pelvis_rotation(tilt: Array, lean: Array, turn: Array) -> Array:
    """(…, 3, 3) of OpenSim's pelvis_tilt, pelvis_list and pelvis_rotation (…,), rad, in a world with z up, x ahead.

    The pelvis has x ahead, y up and z to the right; the rotation takes its axes to those of the world."""
    one, zero = np.ones_like(tilt), np.zeros_like(tilt)
    about_z = [[np.cos(tilt), -np.sin(tilt), zero], [np.sin(tilt), np.cos(tilt), zero], [zero, zero, one]]
    about_x = [[one, zero, zero], [zero, np.cos(lean), -np.sin(lean)], [zero, np.sin(lean), np.cos(lean)]]
    about_y = [[np.cos(turn), zero, np.sin(turn)], [zero, one, zero], [-np.sin(turn), zero, np.cos(turn)]]
    z, x, y = (np.stack([np.stack(row, -1) for row in rows], -2) for rows in (about_z, about_x, about_y))
    return np.asarray(UPRIGHT @ z @ x @ y)


UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From OpenSim's axes (ahead, up, right) to those of a world with z up (ahead, left, up)."""


def quaternion(turn: Array) -> Array:
    """(4,) w first, w ≥ 0, of a rotation (3, 3)."""
    w, x, y, z = (
        0.5 * np.sqrt(max(0.0, 1.0 + sum(s * turn[k, k] for k, s in enumerate(signs))))
        for signs in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
    )
    out = np.array([
        w, np.copysign(x, turn[2, 1] - turn[1, 2]), np.copysign(y, turn[0, 2] - turn[2, 0]),
        np.copysign(z, turn[1, 0] - turn[0, 1]),
    ])  # fmt: skip
    return np.asarray(out / np.linalg.norm(out))

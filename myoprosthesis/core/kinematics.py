"""Kinematics of a movement of the endpoint. Positions have shape (n_samples, n_dimensions), in m."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
END_S = 0.1
"""The end of a movement, in which it is judged how near it came."""


def endpoint_error(position: ArrayLike, target: ArrayLike, dt: float, window_s: float = END_S) -> float:
    """Mean distance (m) from `target` over the last `window_s` seconds."""
    x = np.asarray(position, float)
    n = max(1, round(window_s / dt))
    return float(np.linalg.norm(x[-n:] - np.asarray(target, float)[: x.shape[1]], axis=1).mean())


def lateral(position: ArrayLike, start: ArrayLike, target: ArrayLike) -> Array:
    """Signed distance (m), shape (n_samples,), from the line start → target in the x-y plane; positive to its right."""
    x = np.asarray(position, float)[:, :2] - np.asarray(start, float)[:2]
    line = np.asarray(target, float)[:2] - np.asarray(start, float)[:2]
    length = float(np.linalg.norm(line))
    if length == 0:
        return np.zeros(len(x))
    right = np.array([line[1], -line[0]]) / length
    deviation: Array = x @ right
    return deviation


def has_lateral(start: ArrayLike, target: ArrayLike) -> bool:
    """Whether start → target is a line in the x-y plane (to a thousandth), so that there is a distance from it."""
    x, y, z = (np.asarray(target, float) - np.asarray(start, float)).tolist()
    return float(np.hypot(x, y)) > 1e-9 and abs(z) <= 1e-3 * float(np.hypot(x, y))


def lateral_deviation(position: ArrayLike, start: ArrayLike, target: ArrayLike) -> float:
    """The signed largest lateral distance (m); see `lateral`."""
    d = lateral(position, start, target)
    return float(d[np.abs(d).argmax()]) if d.size else 0.0


def peak_speed(velocity: ArrayLike) -> float:
    """Largest speed (m/s)."""
    return float(np.linalg.norm(np.asarray(velocity, float), axis=1).max())


def path_length(position: ArrayLike) -> float:
    """Length (m) of the path."""
    return float(np.linalg.norm(np.diff(np.asarray(position, float), axis=0), axis=1).sum())

"""Measures of one movement and of many: straightness, sides, onset, submovements and smoothness.

Positions have shape (n_samples, n_dimensions), in m; velocities have the same shape, in m/s; `dt` is in s. What the
stack itself needs, endpoint error and the signed lateral deviation, is in `core.kinematics` and used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.analysis.array_checks import Array, alike, finite, positive, whole
from myoprosthesis.core import kinematics as core
from myoprosthesis.core.errors import DataError


@dataclass(frozen=True)
class Movement:
    """Where a movement begins and ends: `position[onset:offset]` is the movement."""

    onset: int
    """Index of its first sample."""
    offset: int
    """Index after its last sample."""


@dataclass(frozen=True, eq=False)
class Submovements:
    """A velocity as a sum of minimum-jerk movements, by onset."""

    onset: Array
    """(n,) s from the first sample."""
    duration: Array
    """(n,) s."""
    displacement: Array
    """(n, n_dimensions) m: how far each of them goes."""
    residual: float
    """Share of the velocity's squared magnitude that they leave over, 0 to 1."""


def peak_speeds(velocities: Sequence[ArrayLike]) -> Array:
    """(n_trials,) largest speed of each trial, m/s; trials may differ in length."""
    return np.array([core.peak_speed(finite(v, "velocity", "n_samples", "n_dimensions")) for v in velocities])


def straightness(position: ArrayLike) -> float:
    """Length of the path over the distance between its ends: 1 for a straight path, π/2 for half a circle."""
    x = finite(position, "position", "n_samples", "n_dimensions")
    distance = float(np.linalg.norm(x[-1] - x[0]))
    if distance == 0:
        raise DataError("a path that ends where it began has no straightness, cut it to the movement")
    return core.path_length(x) / distance


def lateral_profile(position: ArrayLike, start: ArrayLike, target: ArrayLike, points: int = 101) -> Array:
    """(points,) signed distance (m) from the line start → target at equal parts of the movement's time.

    Right of the motion is positive. Movements of different durations can so be averaged.
    """
    x = finite(position, "position", "n_samples", "n_dimensions")
    whole(points, "points", 2, 1_000_000)
    aside = core.lateral(x, *_line(start, target))
    return np.interp(np.linspace(0, 1, points), np.linspace(0, 1, len(aside)), aside)


def peak_lateral_deviations(positions: Sequence[ArrayLike], starts: ArrayLike, targets: ArrayLike) -> Array:
    """(n_trials,) signed largest distance (m) of each trial from its line, right of the motion positive.

    `starts` and `targets` have shape (n_trials, n_dimensions); trials may differ in length. Lateral deviation is the
    usual error of reaching in a force field (Shadmehr & Mussa-Ivaldi 1994, doi 10.1523/JNEUROSCI.14-05-03208.1994).
    """
    a = finite(starts, "starts", "n_trials", "n_dimensions")
    b = finite(targets, "targets", "n_trials", "n_dimensions")
    alike(a, b, "starts and targets")
    if len(positions) != len(a):
        raise DataError(f"{len(positions)} paths came with {len(a)} starts and targets, expected as many")
    paths = [finite(p, f"position of trial {i}", "n_samples", "n_dimensions") for i, p in enumerate(positions)]
    return np.array([core.lateral_deviation(p, *_line(s, t)) for p, s, t in zip(paths, a, b, strict=True)])


def movement(velocity: ArrayLike, dt: float, share: float = 0.05, hold_s: float = 0.04) -> Movement:
    """From where the speed first stays above `share` of its peak for `hold_s`, to where it last stops doing so.

    A pause between two submovements is so part of the movement, and a short twitch before or after is not.
    """
    v = np.linalg.norm(finite(velocity, "velocity", "n_samples", "n_dimensions"), axis=1)
    if not 0 < share < 1:
        raise DataError(f"share is {share!r}, expected a number between 0 and 1, such as 0.05")
    shortest = max(1, round(hold_s / positive(dt, "dt")))
    above = np.concatenate([[False], v > share * v.max(), [False]])
    rise, fall = np.flatnonzero(np.diff(above.astype(int))).reshape(-1, 2).T
    lasting = fall - rise >= shortest
    if not lasting.any():
        raise DataError(
            f"no movement: the speed (peak {v.max():.3g} m/s) is nowhere above {share:g} of its peak for {hold_s:g} s"
        )
    return Movement(int(rise[lasting][0]), int(fall[lasting][-1]))


def speed_peaks(velocity: ArrayLike, prominence: float = 0.1) -> NDArray[np.intp]:
    """Indices (n_submovements,) of the peaks of speed that stand out by `prominence` times the largest speed.

    Their count is the usual number of submovements of a smoothed velocity (Rohrer et al. 2002,
    doi 10.1523/JNEUROSCI.22-18-08297.2002).
    """
    from scipy.signal import find_peaks

    v = np.linalg.norm(finite(velocity, "velocity", "n_samples", "n_dimensions"), axis=1)
    if not v.any():
        return np.zeros(0, np.intp)
    padded = np.concatenate([[0.0], v, [0.0]])  # so that a peak at either end counts
    peaks: NDArray[np.intp] = find_peaks(padded, prominence=positive(prominence, "prominence") * v.max())[0] - 1
    return peaks


def minimum_jerk(t: ArrayLike) -> Array:
    """Velocity of a minimum-jerk movement of length 1 and duration 1 at the times `t`, zero outside 0 to 1.

    30 t² − 60 t³ + 30 t⁴, the derivative of the minimum-jerk path of Flash & Hogan 1985
    (doi 10.1523/JNEUROSCI.05-07-01688.1985).
    """
    t = np.asarray(t, float)
    return np.where((t > 0) & (t < 1), 30 * t**2 * (1 - t) ** 2, 0.0)


def submovements(velocity: ArrayLike, dt: float, count: int, shortest_s: float = 0.1) -> Submovements:
    """The `count` minimum-jerk movements whose sum is nearest to `velocity` in the sense of least squares.

    The model is that of Flash & Henis 1991 (doi 10.1162/jocn.1991.3.3.220). Onsets and durations are searched from a
    grid of places, one movement more at a time; each displacement follows from them linearly. Many strongly overlapping
    movements may end in a local optimum (Rohrer & Hogan 2003, doi 10.1007/s00422-003-0428-4): look at `residual`.
    """
    from scipy.optimize import least_squares

    v = finite(velocity, "velocity", "n_samples", "n_dimensions")
    duration_s = positive(dt, "dt") * (len(v) - 1)
    whole(count, "count", 1, max(1, len(v) // 3))
    if not v.any():
        raise DataError("a velocity that is zero throughout has no submovements")
    if not 0 < shortest_s < duration_s:
        raise DataError(f"shortest_s is {shortest_s!r}, expected a number between 0 and the {duration_s:g} s given")
    t = dt * np.arange(len(v))

    def shapes(p: Array) -> Array:
        onset, length = p.reshape(2, -1)[:, :, None]
        return (minimum_jerk((t - onset) / length) / length).T

    def left(p: Array) -> Array:
        basis = shapes(p)
        return v - basis @ np.linalg.lstsq(basis, v, rcond=None)[0]

    p = np.zeros((2, 0))
    for _ in range(count):  # one more, tried at many places, then all of them together
        tried = []
        for middle, length in product(t[len(t) // 20 :: len(t) // 10 or 1], duration_s * np.array([0.2, 0.4, 0.8])):
            first = np.column_stack([p, [middle - length / 2, max(length, 1.01 * shortest_s)]])
            low = np.repeat([-duration_s, shortest_s], first.shape[1])
            high = np.repeat([duration_s, 2 * duration_s], first.shape[1])
            start = np.clip(first.ravel(), low + 1e-9, high - 1e-9)
            tried.append(least_squares(lambda q: left(q).ravel(), start, bounds=(low, high), max_nfev=30))
        p = min(tried, key=lambda fit: float(fit.cost)).x.reshape(2, -1)
    rest = left(p.ravel())
    displacement = np.linalg.lstsq(shapes(p.ravel()), v, rcond=None)[0]
    order = p[0].argsort()
    return Submovements(p[0, order], p[1, order], displacement[order], float((rest**2).sum() / (v**2).sum()))


def sparc(speed: ArrayLike, dt: float, cutoff_hz: float = 10.0, threshold: float = 0.05, padding: int = 4) -> float:
    """Smoothness as the spectral arc length of a `speed` profile (n_samples,) cut to the movement; −1.4 is smooth.

    −∫ √((1/ωc)² + (dV/dω)²) dω from 0 to ωc, where V is the amplitude spectrum over its maximum and ωc the highest
    frequency at which V reaches `threshold`, at most `cutoff_hz`: SPARC of Balasubramanian et al. 2015
    (doi 10.1186/s12984-015-0090-9), which made the measure of Balasubramanian et al. 2012
    (doi 10.1109/TBME.2011.2179545) independent of duration. The spectrum has 2^`padding` times the points it needs.
    """
    v = finite(speed, "speed", "n_samples")
    if not v.any():
        raise DataError("a speed that is zero throughout has no smoothness")
    size = 2 ** (int(np.ceil(np.log2(len(v)))) + whole(padding, "padding", 0, 12))
    frequency = np.fft.rfftfreq(size, positive(dt, "dt"))
    spectrum = np.abs(np.fft.rfft(v, size))
    spectrum /= spectrum.max()
    inside = frequency <= positive(cutoff_hz, "cutoff_hz")
    last = np.flatnonzero(inside & (spectrum >= threshold))[-1:]
    if not len(last) or last[0] == 0:
        raise DataError(f"the spectrum of the speed has no length between 0 and {cutoff_hz:g} Hz, check dt ({dt:g} s)")
    kept = slice(0, int(last[0]) + 1)
    return -float(np.hypot(np.diff(frequency[kept]) / frequency[last[0]], np.diff(spectrum[kept])).sum())


def _line(start: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    a, b = finite(start, "start", "n_dimensions"), finite(target, "target", "n_dimensions")
    alike(a, b, "start and target")
    if len(a) < 2 or np.array_equal(a[:2], b[:2]):
        raise DataError(
            f"start {a.tolist()} and target {b.tolist()} make no line in the x-y plane, so there is no left or right"
        )
    return a, b

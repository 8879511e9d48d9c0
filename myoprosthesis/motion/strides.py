"""Strides in a recorded walk: from one right heel strike to the next, and their mean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import PLACES
from myoprosthesis.motion.cycle import closed, resampled, smoothed
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import JOINTS, POSTURE, mirrored_columns

Array = NDArray[np.float64]
SHORTEST_S, LONGEST_S = 0.4, 2.5
"""Of a stride, from a sprint to the slowest walk."""
RATE_HZ = 100.0
SAMPLES, HARMONICS = 100, 12
"""Of a cycle while it is worked on."""
SAME_DEG = 12.0
"""By which the ends of a whole cycle, or of a half and its mirror image, may be apart (root mean square of joints)."""


@dataclass(frozen=True, eq=False)
class Stride:
    """A mean cycle of postures (n, n_posture), closed, the last phase left out."""

    postures: Array
    duration_s: float
    way_m: float
    """How far the recording came in it; 0 on a treadmill."""
    count: int


def mean_stride(legs: Legs, time_s: Array, postures: Array) -> Stride:
    """The mean stride of a recording, which may be one cycle, half of one, or many of them.

    Raises `ConfigError` where there is none in it."""
    duration = float(time_s[-1] - time_s[0])
    half = _half(postures)
    if half is not None and SHORTEST_S <= 2.0 * duration <= LONGEST_S:
        return _stride([half], [2.0 * duration], [2.0 * float(postures[-1, 0] - postures[0, 0])])
    strikes = _right_strikes(legs, time_s, postures)
    if len(strikes) < 2:
        if not (SHORTEST_S <= duration <= LONGEST_S and _apart(postures[0], postures[-1]) <= SAME_DEG):
            raise ConfigError(
                f"it has no whole stride: of {duration:.2f} s, with {len(strikes)} right heel strikes, and ends that "
                f"are {_apart(postures[0], postures[-1]):.0f} deg apart"
            )
        first = int(_ahead(legs, postures).argmax())  # one cycle that begins anywhere
        way = float(postures[-1, 0] - postures[0, 0])
        turned = np.roll(closed(postures)[:-1], -first, axis=0)
        return _stride([np.concatenate([turned, turned[:1]])], [duration], [way])
    pieces = [(int(np.searchsorted(time_s, a)), int(np.searchsorted(time_s, b))) for a, b in pairwise(strikes)]
    lengths = np.diff(strikes)
    if float(np.median(lengths)) > LONGEST_S:
        raise ConfigError(
            f"its right foot comes down every {np.median(lengths):.2f} s, and nobody's stride takes longer than "
            f"{LONGEST_S:g} s: cut where somebody walks (--from, --until)"
        )
    usual = np.abs(lengths - np.median(lengths)) <= max(2.0 * float(lengths.std()), 1e-3)
    kept = [piece for piece, good in zip(pieces, usual, strict=True) if good]
    return _stride(
        [postures[a : b + 1] for a, b in kept],
        lengths[usual].tolist(),
        [float(postures[b, 0] - postures[a, 0]) for a, b in kept],
    )


def _stride(pieces: list[Array], durations: list[float], ways: list[float]) -> Stride:
    cycles = [resampled(closed(piece), SAMPLES) for piece in pieces]
    mean = smoothed(np.mean(cycles, axis=0), HARMONICS)
    apart = float(np.mean([_apart(cycle, mean) for cycle in cycles]))
    if apart > SAME_DEG:
        raise ConfigError(
            f"its {len(cycles)} strides are {apart:.0f} deg apart from their mean, which is nobody's walk then: cut "
            "where somebody walks steadily (--from, --until)"
        )
    return Stride(mean, float(np.mean(durations)), float(np.mean(ways)), len(pieces))


def _half(postures: Array) -> Array | None:
    """A whole cycle of half a one, whose end is the mirror image of its start; None where it is not."""
    order, signs = mirrored_columns()
    image = postures[:, order] * signs
    image[:, 0] = postures[:, 0]
    if _apart(image[0], postures[-1]) > SAME_DEG or _apart(postures[0], postures[-1]) <= SAME_DEG:
        return None
    image[:, 0] += postures[-1, 0] - postures[0, 0]
    n = SAMPLES // 2
    halves = [resampled(part, n) for part in (postures, image)]
    whole = np.concatenate([*halves, halves[0][:1]])
    whole[-1, 0] = image[-1, 0]
    return whole


def _apart(one: Array, other: Array) -> float:
    """Root mean square of the differences of joints, deg."""
    joints = slice(POSTURE.index(JOINTS[0]), None)
    return float(np.degrees(np.sqrt(np.mean(np.square(one[joints] - other[joints])))))


def _ahead(legs: Legs, postures: Array) -> Array:
    """(n,) m, how far the right ankle is ahead of the pelvis."""
    level = postures.copy()
    level[:, :3] = 0.0
    return np.asarray(legs.places(level)[:, PLACES.index("ankle_r"), 0])


def _right_strikes(legs: Legs, time_s: Array, postures: Array) -> list[float]:
    """Times (s) at which the right foot is furthest ahead of the pelvis (Zeni et al. 2008, Gait Posture 27:710)."""
    every = max(1, round(1.0 / (RATE_HZ * float(np.median(np.diff(time_s))))))
    at, ahead = time_s[::every], _ahead(legs, postures[::every])
    level = ahead.mean() + 0.5 * (ahead.max() - ahead.mean())
    peaks: list[int] = []
    for k in range(1, len(ahead) - 1):
        if ahead[k] < level or ahead[k] < ahead[k - 1] or ahead[k] <= ahead[k + 1]:
            continue
        if peaks and at[k] - at[peaks[-1]] < SHORTEST_S:
            peaks[-1] = max(peaks[-1], k, key=lambda i: ahead[i])
        else:
            peaks.append(k)
    return [float(at[k]) for k in peaks]

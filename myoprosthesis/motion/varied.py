"""People who were never recorded: a gait with other angles, excursions and shapes, as those of people differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import SIDES
from myoprosthesis.core.motion_clip import MotionClip
from myoprosthesis.motion.cycle import smoothed
from myoprosthesis.motion.gait import Gait, on_floor, spread
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import JOINTS, POSTURE, columns, mirrored_columns
from myoprosthesis.motion.speeds import at_speed

Array = NDArray[np.float64]
OFFSET_DEG = {
    "tilt": 6.0, "list": 0.0, "rotation": 0.0, "hip_flexion": 3.0, "hip_adduction": 2.0, "hip_rotation": 5.0,
    "knee_angle": 5.0, "ankle_angle": 3.0, "subtalar_angle": 3.0,
}  # fmt: skip
"""Standard deviation over people of the mean of an angle; the hip's is beside what keeps the thigh where it is when the
pelvis is tilted. 3 to 6° over people at a phase: Winter, The Biomechanics and Motor Control of Human Gait (1991);
Kadaba et al., J Orthop Res 8:383 (1990)."""
SHAPE_DEG = {
    "tilt": 0.7, "list": 1.0, "rotation": 1.5, "hip_flexion": 2.0, "hip_adduction": 1.0, "hip_rotation": 2.0,
    "knee_angle": 2.5, "ankle_angle": 2.0, "subtalar_angle": 1.0,
}  # fmt: skip
"""Standard deviation of the first harmonic that is added to an angle; of the k-th a k-th of it."""
HARMONICS = 3
EXCURSION = 0.12
"""Standard deviation of the logarithm by which an excursion is greater or smaller."""
ASYMMETRY = 0.3
"""What one leg alone has of all this."""
TRIES = 200
"""People whose legs go through each other, or whose feet are not on the floor as those of walkers, are drawn again."""
MOST_SLIP_MM_S = 250.0
STANCE = (0.5, 0.75)
"""Share of the cycle in which a foot of a walker is on the floor."""


def gait_of(legs: Legs, clip: MotionClip) -> Gait:
    """The gait of a clip of one cycle; raises `ConfigError` for a clip that is none of legs."""
    missing = [name for name in POSTURE if name not in clip.units]
    if missing:
        raise ConfigError(f"the clip {clip.name} has no column {missing[0]}: it is none of legs; see `motion import`")
    table = dict(zip(clip.units, clip.values[:-1].T, strict=True))
    return on_floor(legs, columns(table), clip.duration_s)


def varied(legs: Legs, gait: Gait, speeds: Sequence[float], rng: np.random.Generator) -> list[Gait]:
    """The gait of another person at each speed (m/s).

    Raises:
        ConfigError: None out of many could walk on these legs.
    """
    for _ in range(TRIES):
        try:
            postures, _ = spread(legs, _drawn(legs, gait.postures, rng))
            other = on_floor(legs, postures, gait.duration_s)
            if _walks(other):
                return [at_speed(legs, other, speed) for speed in speeds]
        except ConfigError:  # legs that go through each other
            continue
    raise ConfigError(f"none of {TRIES} people who were drawn could walk on these legs")


def _walks(gait: Gait) -> bool:
    stance = gait.contacts.mean(axis=0)
    return bool(gait.slip_mm_s <= MOST_SLIP_MM_S and STANCE[0] <= stance.min() and stance.max() <= STANCE[1])


def _drawn(legs: Legs, postures: Array, rng: np.random.Generator) -> Array:
    """Postures (n, n_posture) of another person, within the ranges of the joints."""
    both, one = (_change(len(postures), rng) for _ in range(2))
    offset, shape, factor = (_on_both(x) + ASYMMETRY * y for x, y in zip(both, one, strict=True))
    for side in SIDES:
        offset[:, POSTURE.index(f"hip_flexion_{side}")] -= offset[:, POSTURE.index("root/tilt")]
    mean = postures.mean(axis=0)
    out = smoothed(mean + (postures - mean) * np.exp(factor) + offset + shape, len(postures) // 4)
    for name in JOINTS:
        k = POSTURE.index(name)
        out[:, k] = np.clip(out[:, k], *legs.ranges[name])
    return out


def _change(n: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Offset (rad), shape (rad) and logarithm of the excursion, (n, n_posture) each."""
    stems = [name.rpartition("/")[2].removesuffix("_r").removesuffix("_l") for name in POSTURE]
    far, curved = (np.radians([sd.get(stem, 0.0) for stem in stems]) for sd in (OFFSET_DEG, SHAPE_DEG))
    offset, factor = rng.standard_normal((2, 1, len(stems))).repeat(n, axis=1)
    phase = 2.0 * np.pi * np.arange(n)[:, None] / n
    shape = np.zeros((n, len(stems)))
    for k in range(1, HARMONICS + 1):
        a, b = rng.standard_normal((2, len(stems))) * curved / k
        shape += a * np.cos(k * phase) + b * np.sin(k * phase)
    return offset * far, shape, EXCURSION * factor * (curved > 0.0)


def _on_both(change: Array) -> Array:
    """The right leg's change on the left half a cycle later; of the pelvis what is the same on both sides."""
    mirrored = np.roll(change[:, mirrored_columns()[0]], len(change) // 2, axis=0)
    left = np.array([name.endswith("_l") for name in POSTURE])
    return np.where(left, mirrored, change)

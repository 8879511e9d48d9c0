"""A gait on the floor: how high the pelvis is, how far a cycle goes so that the feet do not slip, and its clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import PLACES, SIDES
from myoprosthesis.motion.cycle import smoothed
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import POSTURE

Array = NDArray[np.float64]
TOE_STEPS, TOE_HARMONICS = 16, 6
ON_FLOOR_M = 0.02
"""A foot whose lowest point is below this is on the floor."""

CLEAR_M = 0.01
"""Between two legs that pass each other."""
SPREAD_STEP_DEG, MOST_SPREAD_DEG = 0.25, 8.0


@dataclass(frozen=True, eq=False)
class Gait:
    """Postures (n, n_posture) over one cycle, the last phase left out, in `duration_s`, `stride_m` far.

    `root/x` and `root/y` are where the pelvis is beside uniform motion. `contacts` (n, 2): the right and the left foot
    is on the floor."""

    postures: Array
    duration_s: float
    stride_m: float
    contacts: NDArray[np.bool_]
    slip_mm_s: float
    """Root mean square of the speed of the feet on the floor."""

    @property
    def speed(self) -> float:
        """m/s."""
        return self.stride_m / self.duration_s


def on_floor(legs: Legs, postures: Array, duration_s: float) -> Gait:
    """The gait of closed postures: the pelvis as high as the lower foot wants it, the stride as long as feet hold.

    `postures` (n, n_posture) without the last phase, which is the first again."""
    postures = postures.copy()
    postures[:, :2] -= postures[:, :2].mean(axis=0)
    heights, ahead = legs.soles(postures)
    lowest = heights.min(axis=1)
    down = lowest <= np.quantile(lowest, 0.5) + ON_FLOOR_M  # in a run nothing is, part of the time
    postures[:, 2] -= np.median(lowest[down])
    heights = heights - np.median(lowest[down])
    dt, every = duration_s / len(postures), np.arange(len(postures))
    back = (np.roll(ahead, 1, axis=0) - np.roll(ahead, -1, axis=0)) / (2.0 * dt)
    under = back[every, heights.argmin(axis=1)][down]
    speed = float(np.median(under[under > 0.0]))  # a swinging foot may be as low as the standing one
    standing = under[under > 0.5 * speed]
    half = heights.shape[1] // 2
    contacts = np.stack(
        [
            (heights[:, foot].min(axis=1) <= ON_FLOOR_M)
            & (back[every, foot.start + heights[:, foot].argmin(axis=1)] > 0.5 * speed)
            for foot in (slice(0, half), slice(half, 2 * half))
        ],
        axis=1,
    )
    return Gait(postures, duration_s, speed * duration_s, contacts, 1e3 * float(np.std(standing)))


def with_toes(legs: Legs, postures: Array) -> Array:
    """The same postures with toes that bend up where the floor wants it, for recordings without an angle of theirs.

    With stiff toes the foot that pushes off would be up to 3 cm in the floor."""
    postures = postures.copy()
    names = [POSTURE.index(f"mtp_angle_{side}") for side in SIDES]
    bent = np.linspace(0.0, legs.ranges["mtp_angle_r"][0], TOE_STEPS)  # below 0: up
    lowest = np.zeros((TOE_STEPS, len(postures), len(names)))
    for k, angle in enumerate(bent):
        postures[:, names] = angle
        heights, _ = legs.soles(postures)
        lowest[k] = heights.reshape(len(postures), 2, -1).min(axis=2)
    floor = np.median(lowest[0].min(axis=1))
    for side, name in enumerate(names):
        above = lowest[:, :, side] >= np.minimum(floor, lowest[:, :, side].max(axis=0))
        postures[:, name] = bent[above.argmax(axis=0)]
    postures[:, names] = np.clip(smoothed(postures[:, names], TOE_HARMONICS), bent[-1], 0.0)
    return postures


def spread(legs: Legs, postures: Array) -> tuple[Array, float]:
    """The same postures with legs that pass each other, and by how many degrees each hip is abducted for that.

    Legs of other proportions, at the same angles, may go through each other. Raises `ConfigError` for those that do so
    even with hips spread by 8°."""
    hips = [POSTURE.index(f"hip_adduction_{side}") for side in SIDES]
    for angle in np.arange(0.0, MOST_SPREAD_DEG + SPREAD_STEP_DEG, SPREAD_STEP_DEG):
        apart = postures.copy()
        apart[:, hips] -= np.radians(angle)
        if legs.between(apart).min() >= CLEAR_M:
            return apart, float(angle)
    raise ConfigError(
        f"its legs go through each other, even with hips spread by {MOST_SPREAD_DEG:g} deg: are hip_adduction and "
        "hip_rotation of both sides in the signs of OpenSim?"
    )


def clip_table(legs: Legs, gait: Gait) -> tuple[dict[str, str], Array]:
    """Units by column and the samples (n + 1, n_columns) of the gait's clip, the last sample being the first again."""
    places = legs.places(gait.postures)
    places = places - gait.postures[:, None, :3] * [1.0, 1.0, 0.0]
    units = {**{name: "m" if name[-2:] in ("/x", "/y", "/z") else "rad" for name in POSTURE}}
    parts = [gait.postures]
    for name, values in legs.coupled(gait.postures).items():
        units[name] = "m" if "translation" in name else "rad"
        parts.append(values[:, None])
    units |= {f"{place}/{axis}": "m" for place in PLACES for axis in "xyz"}
    units |= {"foot_r": "1", "foot_l": "1", "speed": "m/s"}
    parts += [places.reshape(len(places), -1), gait.contacts.astype(float), np.full((len(places), 1), gait.speed)]
    table = np.concatenate(parts, axis=1)
    return units, np.concatenate([table, table[:1]])

"""Search for how a band sits, from seconds of unlabelled EMG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.band_placement import BandPlacement
from myoprosthesis.training.decoding.class_distributions import check_linear
from myoprosthesis.training.decoding.fitting import Fitted
from myoprosthesis.training.decoding.unlabelled_adaptation import BLOCK, aligned, explained

Array = NDArray[np.float64]
STEP, FINE_STEP = 0.5, 0.25
"""Electrodes between the turns that are tried; the fine ones beside the best."""
LEAST_WINDOWS = 20
"""Fewest windows for each class of the decoder: 1 s at 50 ms."""
LEAST_GAIN = 1.0
"""Smallest gain in the mean log density of a window for which a band has moved."""


@dataclass(frozen=True)
class BandResult:
    """Mean log density of the windows by the decoder, as the band sits and with that undone."""

    turn: float
    reversed: bool
    before: float
    after: float


def find_placement(decoder: Fitted, features: Callable[[BandPlacement], Array], electrodes: int) -> BandResult:
    """The placement with which the decoder's classes explain the EMG best, gain and offset of each feature aside.

    Args:
        decoder: One of classes with one linear layer.
        features: Features (n, n_features) of the same windows, in their order, with a placement undone.
        electrodes: Number of electrodes around the limb.

    Raises:
        ConfigError: The windows are too few or not finite, the band sits as it did, or two halves of the windows do not
            agree on how it sits.
    """
    check_linear(decoder)
    if electrodes < 4:
        raise ConfigError(f"a band of {electrodes} electrodes has too few to tell how it sits: at least 4 are needed")
    still = features(BandPlacement())
    least = LEAST_WINDOWS * len(decoder.names)
    if len(still) < least:
        raise ConfigError(f"{len(still)} windows are too few to find how the band sits: at least {least} are needed")
    half = np.arange(len(still)) // BLOCK % 2 == 0
    parts = (half, ~half, np.ones(len(still), bool))

    def scores(placement: BandPlacement) -> tuple[float, ...]:
        x = features(placement)
        if not np.isfinite(x).all():
            raise ConfigError("a window to find by how the band sits holds features that are not finite")
        return tuple(explained(aligned(decoder, x[part]), x[part]) for part in parts)

    coarse = [BandPlacement(float(t), r) for r in (False, True) for t in np.arange(0, electrodes, STEP)]
    table = {p: scores(p) for p in coarse}
    first, second, best = (max(table, key=lambda p: table[p][k]) for k in range(3))
    for sign in (-1, 1):
        near = BandPlacement((best.turn + sign * FINE_STEP) % electrodes, best.reversed)
        table[near] = scores(near)
    best = max(table, key=lambda p: table[p][2])
    before, after = table[BandPlacement()][2], table[best][2]
    if after < before + LEAST_GAIN:
        raise ConfigError(
            f"the band sits as it did: undoing no turn explains the EMG better ({before:.1f} before, {after:.1f} "
            f"after, at least {LEAST_GAIN:g} more is needed); the decoder stays"
        )
    if first.reversed != second.reversed or _apart(first.turn, second.turn, electrodes) > 1.0:
        raise ConfigError(
            f"two halves of the EMG do not agree on how the band sits (turned by {first.turn:g} and {second.turn:g} "
            f"electrodes): make every movement of the decoder; it stays"
        )
    turn = best.turn - electrodes if best.turn > electrodes / 2 else best.turn
    return BandResult(turn, best.reversed, before, after)


def _apart(a: float, b: float, electrodes: int) -> float:
    apart = abs(a - b) % electrodes
    return min(apart, electrodes - apart)

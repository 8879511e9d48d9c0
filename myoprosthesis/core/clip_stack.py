"""Movements of equal columns and equally many samples, read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.motion_clip import MotionClip

Array = NDArray[np.float64]


class ClipStack:
    """Clips that can be stacked: `units` by column are those of all, `duration_s` (n_clips,) is how long each takes."""

    def __init__(self, clips: Sequence[MotionClip]) -> None:
        self.units: Mapping[str, str] = clips[0].units
        self._time_s = np.stack([clip.time_s for clip in clips])
        self._values = np.stack([clip.values for clip in clips])
        self.duration_s: Array = self._time_s[:, -1]

    def sampled(self, which: NDArray[np.intp], time_s: Array) -> tuple[Array, Array]:
        """Values and slopes (per second), (n, n_columns) both, of the clips `which` (n,) at times (n,) within each.

        The same to the last digit as those of `MotionClip.sampled`."""
        grid = self._time_s[which]
        after = np.clip((grid <= time_s[:, None]).sum(axis=1), 1, grid.shape[1] - 1)
        begin, end = (grid[np.arange(len(which)), k] for k in (after - 1, after))
        before = self._values[which, after - 1]
        slopes = (self._values[which, after] - before) / (end - begin)[:, None]
        return before + slopes * (time_s - begin)[:, None], slopes


def layout(clip: MotionClip) -> tuple[object, ...]:
    """What clips that can be stacked have in common."""
    return (len(clip.time_s), *clip.units.items())

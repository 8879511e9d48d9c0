"""Movements of equal columns and equally many samples, read at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.motion_clip import MotionClip, between

Array = NDArray[np.float64]


class ClipStack:
    """Clips of one `layout`, each with a number, beginning with a first one."""

    def __init__(self, first: MotionClip) -> None:
        self._clips = [first]
        self._numbers = {(first.name, first.sha256): 0}
        self._put_together()

    def number(self, clip: MotionClip) -> int:
        """The number of a clip, which is added where it is not among them."""
        key = (clip.name, clip.sha256)
        if key not in self._numbers:
            self._numbers[key] = len(self._clips)
            self._clips.append(clip)
        return self._numbers[key]

    def _put_together(self) -> None:
        self._time_s = np.stack([clip.time_s for clip in self._clips])
        self._values = np.stack([clip.values for clip in self._clips])

    def duration_s(self, which: NDArray[np.intp]) -> Array:
        """(n,) of the clips `which` (n,)."""
        if len(self._time_s) < len(self._clips):
            self._put_together()
        return np.asarray(self._time_s[which, -1])

    def sampled(self, which: NDArray[np.intp], time_s: Array) -> tuple[Array, Array]:
        """Values and slopes (per second), (n, n_columns) both, of the clips `which` (n,) at times (n,) within each.

        The same to the last digit as those of `MotionClip.sampled`."""
        if len(self._time_s) < len(self._clips):
            self._put_together()
        grid = self._time_s[which]
        after = np.clip((grid <= time_s[:, None]).sum(axis=1), 1, grid.shape[1] - 1)
        begin, end = (grid[np.arange(len(which)), k] for k in (after - 1, after))
        return between(time_s, begin, end, self._values[which, after - 1], self._values[which, after])


def layout(clip: MotionClip) -> tuple[object, ...]:
    """What clips that can be stacked have in common."""
    return (len(clip.time_s), *clip.units.items())

"""One cycle of a gait: a closed curve of postures over the phase, from one right heel strike to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.motion.posture import mirrored_columns

Array = NDArray[np.float64]


def resampled(values: Array, n: int) -> Array:
    """(n, n_columns) a closed curve at n phases from 0 to 1, the last of which is left out; `values` has both ends."""
    at = np.linspace(0.0, len(values) - 1.0, n, endpoint=False)
    here = np.arange(len(values))
    return np.stack([np.interp(at, here, column) for column in values.T], axis=1)


def closed(values: Array) -> Array:
    """The curve, whose ends are brought together: what is missing is spread over the whole of it."""
    share = np.linspace(0.0, 1.0, len(values))[:, None] - 0.5
    return np.asarray(values - share * (values[-1] - values[0]))


def smoothed(values: Array, harmonics: int) -> Array:
    """A closed curve (n, n_columns) without both ends, of so many harmonics at most."""
    spectrum = np.fft.rfft(values, axis=0)
    spectrum[harmonics + 1 :] = 0.0
    return np.fft.irfft(spectrum, len(values), axis=0)


def mirrored(values: Array) -> Array:
    """The same gait in a mirror: the other leg's half a cycle later."""
    order, signs = mirrored_columns()
    return np.roll(values[:, order] * signs, len(values) // 2, axis=0)


def symmetric(values: Array) -> Array:
    """The mean of a gait and the same in a mirror."""
    return 0.5 * (values + mirrored(values))

"""Features of a window of EMG, by channel or by pair of channels.

Time domain: Hudgins et al. 1993 (doi 10.1109/10.204774): mean absolute value, zero crossings, slope sign changes,
waveform length; the others as in Phinyomark et al. 2012 (doi 10.1016/j.eswa.2012.01.102).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown

Array = NDArray[np.float64]
AR_ORDER = 4
TDPSD_POWER = 0.1
TDPSD_LOG_POWER = float(np.log(TDPSD_POWER))
TDPSD_EXPONENTS = np.array([
    [TDPSD_POWER / 2, 0, 0, 0.5, -0.25, 0],
    [0, 0, 0, 0, 0.5, 0],
    [0, 0, 0, 0, -0.25, 0],
    [0, 1, 0, 0, 0, 0],
    [0, 0, 1, 0, 0, 0],
    [0, 0, 0, -0.5, 0, 0],
    [0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, -1],
])  # fmt: skip
"""Each descriptor (column) is a product of powers of: the three mean squares; how far the first is from the others
after the power transform; the product of its root's distances from theirs; the lengths of the two differences."""
COVARIANCE_RIDGE = 1e-3
PAIRS = 0
DEFAULT = ("tdpsd", "log_cov")
FLOOR = 1e-14
"""Added to each mean square, in the unit squared: the smallest signal is 0.1 µV, or 1e-7 of another unit."""


def mav(x: Array, dead: float) -> Array:
    """Mean absolute value."""
    out: Array = np.abs(x).sum(axis=1, keepdims=True) / x.shape[1]
    return out


def rms(x: Array, dead: float) -> Array:
    """Root of the mean square."""
    out: Array = np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1])
    return out


def log_var(x: Array, dead: float) -> Array:
    """Natural logarithm of the mean square, with a floor: closer to normal than the others, which LDA assumes."""
    out: Array = np.log(np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1] + FLOOR)
    return out


def wl(x: Array, dead: float) -> Array:
    """Waveform length: mean absolute difference of neighbours."""
    out: Array = np.abs(x[:, 1:] - x[:, :-1]).sum(axis=1, keepdims=True) / (x.shape[1] - 1)
    return out


def zc(x: Array, dead: float) -> Array:
    """Zero crossings per sample whose step is at least the dead zone."""
    negative = x < 0
    crossed = negative[:, 1:] != negative[:, :-1]
    if dead > 0:
        crossed &= np.abs(x[:, 1:] - x[:, :-1]) >= dead
    out: Array = np.count_nonzero(crossed, axis=1)[:, None] / x.shape[1]
    return out


def ssc(x: Array, dead: float) -> Array:
    """Slope sign changes per sample, of which one of both slopes is at least the dead zone."""
    d = x[:, 1:] - x[:, :-1]
    falling = d < 0
    turned = falling[:, 1:] != falling[:, :-1]
    if dead > 0:
        steep = np.abs(d) >= dead
        turned &= steep[:, 1:] | steep[:, :-1]
    out: Array = np.count_nonzero(turned, axis=1)[:, None] / x.shape[1]
    return out


def ar(x: Array, dead: float) -> Array:
    """Coefficients a1…a4 of x[t] ≈ Σ a_k x[t−k] by Yule–Walker (autocorrelation) equations, ridged by 1e-6."""
    n = x.shape[1]
    r = np.stack([np.einsum("ij,ij->i", x[:, k:], x[:, : n - k]) for k in range(AR_ORDER + 1)], axis=1)
    r[:, 0] = r[:, 0] * (1 + 1e-6) + FLOOR * n
    lag = np.abs(np.subtract.outer(np.arange(AR_ORDER), np.arange(AR_ORDER)))
    return np.linalg.solve(r[:, lag], r[:, 1:, None])[:, :, 0]


def tdpsd(x: Array, dead: float) -> Array:
    """Six power-spectral descriptors from the moments of the samples and of their first and second differences.

    Khushaba et al. 2014 (doi 10.1016/j.neunet.2014.03.010), f1…f6 of the samples; without the comparison with those of
    their logarithm, which is worse between sessions.
    """
    c, n = x.shape
    samples = np.empty((3, c, n))  # and their differences: row after row at once, and 0 where two rows meet
    samples[0] = x
    for k, (before, after) in enumerate(pairwise(samples), start=1):
        np.subtract(before.reshape(-1)[1:], before.reshape(-1)[:-1], out=after.reshape(-1)[:-1])
        after[:, n - k :] = 0.0
    of = np.empty((8, c))  # what the descriptors are products of powers of
    of[:3] = (samples[:, :, None] @ samples[..., None]).reshape(3, c)
    of[1:3] /= n
    of[:3] += FLOOR
    roots = np.sqrt(of[:3])
    powers = roots**TDPSD_POWER
    np.subtract(powers[0], powers[1:], out=of[3:5])
    apart = roots[0] - roots[1:]
    np.multiply(apart[0], apart[1], out=of[5])
    np.abs(of[3:6], out=of[3:6])
    of[3:5] /= TDPSD_POWER
    np.abs(samples[1:], out=samples[1:]).sum(axis=2, out=of[6:])
    of[3:] += FLOOR
    descriptors: Array = np.log(of, out=of).T @ TDPSD_EXPONENTS
    descriptors[:, 0] -= TDPSD_LOG_POWER
    return descriptors


def ring(x: Array, dead: float) -> Array:
    """Correlation of each channel with the next one around the band, the last with the first, by Fisher's z."""
    after = np.roll(x, -1, axis=0)
    power = np.einsum("ij,ij->i", x, x) + FLOOR * x.shape[1]
    r = np.einsum("ij,ij->i", x, after) / np.sqrt(power * np.roll(power, -1))
    out: Array = np.arctanh(np.clip(r, -0.99, 0.99))[:, None]
    return out


def log_cov(x: Array, dead: float) -> Array:
    """Upper triangle of the matrix logarithm of the covariance of the channels, row by row.

    These are coordinates on the tangent space of positive matrices at the identity in the log-Euclidean metric
    (Arsigny et al. 2007, doi 10.1137/050637996): √2 before those off the diagonal keeps distances. A ridge of
    `COVARIANCE_RIDGE` of the mean power is added.
    """
    from scipy.linalg import lapack

    n = len(x)
    covariance = x @ x.T
    covariance /= x.shape[1]
    diagonal = covariance.reshape(-1)[:: n + 1]
    diagonal += COVARIANCE_RIDGE * diagonal.sum() / n + FLOOR
    values, vectors, failed = lapack.dsyev(covariance.T, overwrite_a=1)  # a third of the time of np.linalg.eigh
    if failed:
        return np.full(n * (n + 1) // 2, np.nan)
    logarithm = (vectors * np.log(np.maximum(values, FLOOR))) @ vectors.T
    places, weights = _upper_triangle(n)
    out: Array = logarithm.reshape(-1)[places]
    out *= weights
    return out


@lru_cache
def _upper_triangle(n: int) -> tuple[NDArray[np.intp], Array]:
    """Places of the upper triangle in n × n, and √2 off the diagonal: finding them is a third of `log_cov`'s time."""
    rows, columns = np.triu_indices(n)
    return rows * n + columns, np.where(rows == columns, 1.0, np.sqrt(2))


KINDS: dict[str, tuple[Callable[[Array, float], Array], int]] = {
    "mav": (mav, 1), "rms": (rms, 1), "log_var": (log_var, 1), "wl": (wl, 1), "zc": (zc, 1), "ssc": (ssc, 1),
    "ar": (ar, AR_ORDER), "tdpsd": (tdpsd, 6), "ring": (ring, 1), "log_cov": (log_cov, PAIRS),
}  # fmt: skip
"""Each takes a window (n_channels, n_samples) and the dead zone (unit of the samples), and returns (n_channels, k); or,
where k is `PAIRS`, one value for each channel with itself and each later one."""


def columns(feature: str, channels: Sequence[str]) -> tuple[str, ...]:
    """Names of a feature's values: `<channel>/mav`, or `<channel>/ar1` … where there are several.

    Of pairs, `<channel>/log_cov0` is the channel with itself, `<channel>/log_cov1` with the next one, and so on.
    """
    if feature not in KINDS:
        raise unknown("feature", feature, KINDS)
    count = KINDS[feature][1]
    if count == PAIRS:
        return tuple(f"{c}/{feature}{k}" for i, c in enumerate(channels) for k in range(len(channels) - i))
    names = [feature] if count == 1 else [f"{feature}{k + 1}" for k in range(count)]
    return tuple(f"{c}/{n}" for c in channels for n in names)


class FeatureStream:
    """Features of a sliding window over a stream of blocks.

    Each window is computed alone, so that the result does not depend on how the stream is cut, bit for bit.
    """

    def __init__(
        self, features: Sequence[str], channels: Sequence[str], rate: float, window_s: float, step_s: float,
        dead_zone: float = 0.0,
    ) -> None:  # fmt: skip
        """`window_s` and `step_s` are rounded to samples."""
        self.names = tuple(n for f in features for n in columns(f, channels))
        if len(set(features)) != len(features) or not features:
            raise ConfigError(f"features must be named once each; got {', '.join(features) or 'none'}")
        self.window, self.step = round(window_s * rate), round(step_s * rate)
        if self.window < AR_ORDER + 2 or self.step < 1:
            raise ConfigError(
                f"a window of {window_s} s every {step_s} s is {self.window} samples every {self.step} at {rate:g} Hz; "
                f"at least {AR_ORDER + 2} every 1 are needed"
            )
        self._kinds = [KINDS[f][0] for f in features]
        self._dead, self._channels = dead_zone, len(channels)
        self.compute(np.zeros((len(channels), self.window)))  # what is loaded at first use is loaded now
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._tail = np.zeros((self._channels, 0))
        self._seen = 0

    def extract(self, filtered: Array) -> tuple[NDArray[np.intp], Array]:
        """Features of the windows that the next samples complete.

        Args:
            filtered: Conditioned samples, shape (n, n_channels).

        Returns:
            Number of samples since the start at the end of each new window, shape (k,), and its features, shape
            (k, n_features). The first window ends at sample `window`.
        """
        stream = np.concatenate([self._tail, filtered.T], axis=1)
        begin = self._seen - self._tail.shape[1]
        self._seen += len(filtered)
        due = max(0, -(-(max(begin, 0)) // self.step))  # the first window that begins at or after `begin`
        ends, rows = [], []
        while due * self.step + self.window <= self._seen:
            start = due * self.step - begin
            rows.append(self.compute(stream[:, start : start + self.window]))
            ends.append(due * self.step + self.window)
            due += 1
        self._tail = stream[:, min(stream.shape[1], max(0, due * self.step - begin)) :].copy()
        return np.array(ends, np.intp), np.array(rows).reshape(len(rows), len(self.names))

    def compute(self, window: Array) -> Array:
        """Features of one window (n_channels, n_samples), shape (n_features,).

        All are NaN where a sample is not finite: crossings can still be counted, and would look valid.
        """
        window = np.ascontiguousarray(window)
        if not np.isfinite(window).all():
            return np.full(len(self.names), np.nan)
        return np.concatenate([kind(window, self._dead).reshape(-1) for kind in self._kinds])

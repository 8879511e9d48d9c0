"""The one place where EMG is conditioned: filters with memory, so that any way to cut a stream gives the same samples.

Band-pass and notch are causal, and start as if the first sample had stood for ever, so that an electrode's offset
rings in no filter. The lower edge of 20 Hz is that of De Luca et al. 2010, doi 10.1016/j.jbiomech.2010.01.027. The
envelope is the filtered signal, rectified and low-passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conditioning:
    """Filters of the samples. A decoder's contract has them, and is refused for EMG with others."""

    rate: float = option(help="sampling rate", unit="Hz", low=1e-3, high=1e6)
    unit: str = option(help="unit of the samples: V, or a name such as counts")
    high_pass_hz: float = option(20.0, "lower edge of the band; 0: none", "Hz", 0.0, 1e5)
    low_pass_hz: float = option(0.0, "upper edge of the band; 0: none", "Hz", 0.0, 1e5)
    order: int = option(4, "order of each edge (Butterworth)", low=1, high=8)
    mains_hz: float = option(0.0, "notch here and at the harmonics that the band lets through; 0: none", "Hz", 0, 400)
    notch_q: float = option(30.0, "frequency of the notch / its width at -3 dB", low=1.0, high=200.0)
    envelope_hz: float = option(5.0, "low-pass of the envelope", "Hz", 0.1, 100.0)
    artefact: float = option(0.0, "a filtered sample beyond this is an artefact, in the unit; 0: never", low=0.0)
    full_scale: float = option(0.0, "a raw sample this far from 0 is saturated, in the unit; 0: unknown", low=0.0)
    flat_s: float = option(0.2, "an electrode whose samples do not change for this long is off", "s", 1e-3, 60.0)

    def __post_init__(self) -> None:
        half = self.rate / 2
        for name in ("high_pass_hz", "low_pass_hz", "mains_hz", "envelope_hz"):
            if getattr(self, name) >= half:
                raise ConfigError(f"{name} is {getattr(self, name):g} Hz; it must be below half the rate, {half:g} Hz")
        if self.low_pass_hz and self.high_pass_hz >= self.low_pass_hz:
            raise ConfigError(f"the band from {self.high_pass_hz:g} to {self.low_pass_hz:g} Hz is empty")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for a contract."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Conditioned:
    """All of shape (n_samples, n_channels).

    `filtered` in the unit of the raw samples, `envelope` in it too, or as a fraction of MVC where that is known;
    `artefact` marks samples beyond the limit, `off` electrodes that are saturated, stand still or give no numbers.
    """

    filtered: Array
    envelope: Array
    artefact: NDArray[np.bool_]
    off: NDArray[np.bool_]


def off_is_nan(done: Conditioned) -> Array:
    """Filtered samples, with NaN where an electrode is off: a decoder rejects those windows, and the hand holds."""
    return np.where(done.off, np.nan, done.filtered) if done.off.any() else done.filtered


class Conditioner:
    """Conditions a stream of blocks; its only state is that of the filters."""

    def __init__(self, settings: Conditioning, channels: Sequence[str], mvc: Mapping[str, float] | None = None) -> None:
        """`mvc` is each channel's envelope at maximal voluntary contraction, in the unit of the samples."""
        self.settings, self.channels = settings, tuple(channels)
        missing = [c for c in self.channels if mvc is not None and not mvc.get(c, 0.0) > 0]
        if missing:
            raise ConfigError(f"the MVC of channel {missing[0]!r} is missing, or not above 0: calibrate it")
        self._mvc = np.array([mvc[c] for c in self.channels]) if mvc is not None else np.ones(len(self.channels))
        self._band, self._smooth = _band(settings), _low_pass(settings.envelope_hz, settings.rate, 2)
        self._still = max(1, round(settings.flat_s * settings.rate))
        self.reset()

    def reset(self) -> None:
        """Start a new stream, as if its first sample had been constant before."""
        n = len(self.channels)
        self._band_state: Array | None = None
        self._smooth_state = np.zeros((len(self._smooth), 2, n))
        self._last, self._age = np.zeros(n), np.zeros(n, np.int64)

    def filter(self, samples: Array) -> Conditioned:
        """Condition the next samples, shape (n, n_channels), n ≥ 0; numbers that are not finite repeat the last one."""
        from scipy.signal import sosfilt, sosfilt_zi

        raw = np.asarray(samples, float)
        if raw.ndim != 2 or raw.shape[1] != len(self.channels):
            raise ConfigError(f"samples of shape {raw.shape}; (n, {len(self.channels)}) is needed")
        if not len(raw):
            none = np.zeros(raw.shape, bool)
            return Conditioned(raw, raw, none, none)
        first = self._band_state is None
        lost = ~np.isfinite(raw)
        sound = _held(raw, lost, self._last) if lost.any() else raw
        if first and not lost[0].any():
            self._last = sound[0].copy()
        off = lost | self._unchanged(sound)
        if self.settings.full_scale:
            off |= np.abs(sound) >= self.settings.full_scale
        filtered = sound
        if len(self._band):
            if self._band_state is None:
                self._band_state = sosfilt_zi(self._band)[:, :, None] * sound[0]
            filtered, self._band_state = sosfilt(self._band, sound, axis=0, zi=self._band_state)
        elif first:
            self._band_state = np.zeros((0, 2, len(self.channels)))
        envelope, self._smooth_state = sosfilt(self._smooth, np.abs(filtered), axis=0, zi=self._smooth_state)
        limit = self.settings.artefact or np.inf
        return Conditioned(filtered, np.maximum(envelope, 0.0) / self._mvc, np.abs(filtered) > limit, off)

    def _unchanged(self, sound: Array) -> NDArray[np.bool_]:
        """True where a channel has not changed for `flat_s`; remembers how long each has stood still."""
        n = len(sound)
        changed = np.diff(sound, axis=0, prepend=self._last[None]) != 0
        place = np.where(changed, np.arange(n)[:, None], -1 - self._age)
        age = np.arange(n)[:, None] - np.maximum.accumulate(place, axis=0)
        self._last, self._age = sound[-1].copy(), age[-1]
        return age >= self._still


def _held(raw: Array, lost: NDArray[np.bool_], last: Array) -> Array:
    """Each lost value replaced by the last finite one of its channel."""
    place = np.maximum.accumulate(np.where(lost, -1, np.arange(len(raw))[:, None]), axis=0)
    kept = np.take_along_axis(raw, np.maximum(place, 0), axis=0)
    return np.where(place >= 0, kept, last)


def _band(settings: Conditioning) -> Array:
    """Second-order sections of the band-pass and the notches, shape (n, 6)."""
    from scipy.signal import butter, iirnotch, tf2sos

    rate, parts = settings.rate, [np.zeros((0, 6))]
    edges = [f for f in (settings.high_pass_hz, settings.low_pass_hz) if f]
    if edges:
        kind = "bandpass" if len(edges) == 2 else "highpass" if settings.high_pass_hz else "lowpass"
        parts.append(butter(settings.order, edges if len(edges) == 2 else edges[0], kind, fs=rate, output="sos"))
    k = 1
    while settings.mains_hz and k * settings.mains_hz < min(rate / 2, settings.low_pass_hz or rate):
        # one Q for all: the width grows with the harmonic, as the wander of the mains does
        parts.append(tf2sos(*iirnotch(k * settings.mains_hz, settings.notch_q, fs=rate)))
        k += 1
    return np.concatenate(parts)


def _low_pass(hz: float, rate: float, order: int) -> Array:
    from scipy.signal import butter

    return np.asarray(butter(order, hz, fs=rate, output="sos"))

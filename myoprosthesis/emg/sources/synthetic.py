"""EMG that nobody made: noise in the band of muscles, with an amplitude per channel in a pattern per gesture."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.emg.playback_clock import Clock, PlaybackClock
from myoprosthesis.emg.recording import runs
from myoprosthesis.emg.source import EmgBlock, SourceSpec, channel_names, opened
from myoprosthesis.emg.timebase import SourceTiming, TimeBase

Array = NDArray[np.float64]
ABOUT = (
    "synthetic: noise whose strength follows a pattern; no muscle, motor unit, cross-talk, electrode or fatigue is "
    "behind it, so what is decoded from it says nothing about people"
)
MADE_S = 0.1
"""Samples are made in pieces of this length, so that the way in which they are read changes nothing."""
RISE_S = 0.15
"""Time constant of the strength at a change of gesture."""


@dataclass(frozen=True)
class SyntheticOptions:
    """Options of the synthetic signal."""

    channel_count: int = option(8, "channels, in a ring about the forearm", low=1, high=64)
    channels: tuple[str, ...] = option((), "their names; empty: ch1, ch2 …")
    rate: float = option(1000.0, "sampling rate", "Hz", 50.0, 20_000.0)
    gestures: tuple[str, ...] = option(("rest", "close", "open", "flexion", "extension"), "in turn; rest is silence")
    hold_s: float = option(2.0, "how long each gesture is held", "s", 0.2, 600.0)
    rms: float = option(1e-4, "strength of the loudest channel", "V", 1e-9, 1.0)
    noise: float = option(5e-6, "white noise on every channel", "V", 0.0, 1.0)
    low_hz: float = option(20.0, "lower edge of the band", "Hz", 1.0, 1e4)
    high_hz: float = option(450.0, "upper edge of the band; at most 0.45 of the rate is made", "Hz", 2.0, 1e4)
    speed: float = option(1.0, "times as fast as the clock", "1", 1e-3, 1e4)
    seed: int = option(0, "the same seed makes the same samples", low=0)

    def __post_init__(self) -> None:
        if not self.gestures:
            raise ConfigError("at least one gesture is needed")
        if self.low_hz >= min(self.high_hz, 0.45 * self.rate):
            raise ConfigError(f"the band from {self.low_hz:g} to {min(self.high_hz, 0.45 * self.rate):g} Hz is empty")


class Synthetic:
    """Implements `EmgSource`: band-limited Gaussian noise per channel times an envelope per gesture."""

    def __init__(self, options: SyntheticOptions, clock: Clock = time.monotonic_ns) -> None:
        self.options, self._clock = options, clock
        self._spec: SourceSpec | None = None
        self._base = TimeBase(options.rate)
        self.fault, self.ended = "", False

    @property
    def spec(self) -> SourceSpec:
        """From the options."""
        return opened(self._spec, "the synthetic source")

    @property
    def timing(self) -> SourceTiming:
        """A clock without faults."""
        return self._base.timing

    def open(self) -> None:
        """Begin with the first gesture."""
        from scipy.signal import butter

        o = self.options
        channels = channel_names(o.channels, o.channel_count)
        self._spec = SourceSpec("synthetic", channels, o.rate, "V", ABOUT)
        self._base = TimeBase(o.rate)
        self._rng = np.random.default_rng(o.seed)
        self._filter = butter(2, (o.low_hz, min(o.high_hz, 0.45 * o.rate)), "bandpass", fs=o.rate, output="sos")
        self._memory = np.zeros((len(self._filter), 2, len(channels)))
        # a band of white noise has the share of its power that it has of the width
        self._scale = np.sqrt(o.rate / 2 / (min(o.high_hz, 0.45 * o.rate) - o.low_hz))
        self._patterns = _patterns(o.gestures, len(channels))
        self._strength = self._patterns[0].copy()
        self._made, self._read_to = 0, 0
        self._ready = np.zeros((0, len(channels)))
        self._pace = PlaybackClock(self._clock, o.speed)

    def read(self) -> EmgBlock | None:
        """All that has come due."""
        if self._spec is None:
            return None
        o, begin = self.options, self._read_to
        end = int(self._pace.elapsed() * o.rate) + 1
        if end <= begin:
            return None
        pieces = [self._ready]
        while self._made < end:
            pieces.append(self._more())
        ready = np.concatenate(pieces)
        samples, self._ready = ready[: end - begin], ready[end - begin :]
        places = np.arange(begin, end)
        self._read_to = end
        times, _ = self._base.by_arrival(len(samples), (end - 1) / o.rate)
        labels = np.array(o.gestures)[self._gesture(places)]
        stamps = self._pace.stamps_ns(places / o.rate)
        return EmgBlock(samples, times, stamps, int(stamps[-1]), runs(labels))

    def close(self) -> None:
        """Nothing is held."""
        self._spec = None

    def _gesture(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return (places // round(self.options.hold_s * self.options.rate)) % len(self.options.gestures)

    def _more(self) -> Array:
        """The next piece, (n, n_channels)."""
        from scipy.signal import sosfilt

        o, n = self.options, max(1, round(MADE_S * self.options.rate))
        wanted = self._patterns[self._gesture(np.arange(self._made, self._made + n))]
        rise = 1 - np.exp(-1 / (RISE_S * o.rate))
        first_order = np.array([[rise, 0, 0, 1, rise - 1, 0]])
        strength, _ = sosfilt(first_order, wanted, axis=0, zi=_memory(self._strength, rise))
        self._strength = strength[-1]
        white = self._rng.standard_normal((n, wanted.shape[1]))
        made, self._memory = sosfilt(self._filter, white, axis=0, zi=self._memory)
        self._made += n
        return made * self._scale * strength * o.rms + self._rng.standard_normal(made.shape) * o.noise


def _memory(strength: Array, rise: float) -> Array:
    """State of the first-order rise that stands at `strength`, (1, 2, n)."""
    return np.stack([(1 - rise) * strength, np.zeros_like(strength)])[None]


def _patterns(gestures: tuple[str, ...], n: int) -> Array:
    """Strength of each channel in each gesture, (n_gestures, n): a hill about the ring, elsewhere for each gesture."""
    angle = 2 * np.pi * np.arange(n) / n
    active = [g for g in gestures if g != "rest"]
    hills = {g: np.exp(2 * (np.cos(angle - 2 * np.pi * k / len(active)) - 1)) for k, g in enumerate(active)}
    return np.array([hills.get(g, np.zeros(n)) for g in gestures])

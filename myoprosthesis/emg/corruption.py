"""Corruption of EMG: entries of a perturbation plan at the site `emg`, applied to raw blocks.

The order is that of the signal path, whatever the order in a plan: electrode shift, gain drift, dropout, mains and
noise, delay. The result does not depend on how the stream is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError, Refused, unknown
from myoprosthesis.core.message import reading
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.perturbation_plan import PerturbationEntry

Array = NDArray[np.float64]
Times = NDArray[np.int64]
SITE = "emg"
FIGURES = {
    "electrode_shift": ("positions",),
    "gain_drift": ("per_minute",),
    "channel_dropout": ("share",),
    "mains": ("hz", "amplitude", "harmonics", "scatter"),
    "noise": ("sd",),
    "delay": ("delay_s",),
}
"""The numbers of each kind."""
LONGEST_S = 0.5
"""Longest delay, and length of the ring buffer."""


class EmgCorruption:
    """Applies entries to one stream; keeps the last half second and the state of its noise, nothing else."""

    def __init__(self, channels: Sequence[str], rate: float, unit: str = "V") -> None:
        """`rate` in Hz; `unit` is that of the samples, in which mains and noise must be given."""
        self.channels, self.rate, self.unit = tuple(channels), rate, unit
        self._kinds: dict[str, Callable[[Array, Array, PerturbationEntry, Times], Array]] = {
            "electrode_shift": self._shift,
            "gain_drift": self._drift,
            "channel_dropout": self._dropout,
            "mains": self._mains,
            "noise": self._noise,
            "delay": lambda x, *_: x,
        }
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._ring: Array | None = None
        self._place = 0
        self._random: dict[tuple[int, int, int], np.random.Generator] = {}

    def check(self, entries: Iterable[PerturbationEntry]) -> None:
        """Raise `Refused` if an entry cannot be applied to this stream."""
        try:
            with reading("the perturbation of EMG"):
                for entry in entries:
                    if entry.site == SITE:
                        self._check(entry)
        except MyoError as error:
            raise Refused(str(error)) from error

    def apply(self, samples: Array, times_ns: Times, entries: Iterable[PerturbationEntry]) -> Array:
        """Corrupted samples, a new array (n, n_channels), of raw ones at `times_ns` (n,), ns of the plan's clock.

        Entries of other sites are ignored. Give only entries that passed `check`.
        """
        mine = [e for e in entries if e.site == SITE]
        out = np.array(samples, float)
        if not len(out):
            return out
        self._keep_random(mine)
        for kind, act in self._kinds.items():
            for entry in mine:
                if entry.kind == kind:
                    gain = strength(entry, times_ns)
                    if gain.any() or kind == "noise":  # whose numbers are drawn from the first moment of a ramp
                        out = act(out, gain[:, None], entry, times_ns)
        return self._delayed(out, sum(strength(e, times_ns) * e.values["delay_s"] for e in mine if e.kind == "delay"))

    def _shift(self, x: Array, gain: Array, entry: PerturbationEntry, times_ns: Times) -> Array:
        """Each electrode has the signal `positions` further on the ring, interpolated between two electrodes."""
        n = x.shape[1]
        place = np.arange(n) + gain * entry.values["positions"]
        below = np.floor(place).astype(int)
        part, row = place - below, np.arange(len(x))[:, None]
        moved = (1 - part) * x[row, below % n] + part * x[row, (below + 1) % n]
        return np.asarray(np.where(gain == 0, x, moved))

    def _drift(self, x: Array, gain: Array, entry: PerturbationEntry, times_ns: Times) -> Array:
        minutes = np.maximum(0, times_ns - entry.from_ns)[:, None] / (60 * NS)
        factor = np.maximum(0.0, 1 + gain * entry.values["per_minute"] * minutes)
        return np.asarray(np.where(self._named(entry.values), factor * x, x))

    def _dropout(self, x: Array, gain: Array, entry: PerturbationEntry, times_ns: Times) -> Array:
        left = np.clip(1 - gain * entry.values["share"], 0.0, 1.0)
        return np.asarray(np.where(self._named(entry.values), left * x, x))

    def _mains(self, x: Array, gain: Array, entry: PerturbationEntry, times_ns: Times) -> Array:
        v = entry.values
        seconds = (times_ns - entry.from_ns)[:, None] / NS
        phase = np.random.default_rng(int(v["seed"])).uniform(0.0, 2 * np.pi, x.shape[1]) * v["scatter"]
        wave = np.zeros_like(x)
        for k in range(1, int(v["harmonics"]) + 1):  # odd ones, as a rectifier makes them, falling with their number
            wave += np.sin((2 * k - 1) * (2 * np.pi * v["hz"] * seconds + phase)) / (2 * k - 1)
        return np.asarray(x + gain * v["amplitude"] * wave * self._named(v))

    def _noise(self, x: Array, gain: Array, entry: PerturbationEntry, times_ns: Times) -> Array:
        # numbers are drawn for every sample within the window and no other, so that no cut changes them
        inside = (times_ns >= entry.from_ns) & (entry.until_ns is None or times_ns < (entry.until_ns or 0))
        drawn = np.zeros_like(x)
        drawn[inside] = self._random[self._key(entry)].standard_normal((int(inside.sum()), x.shape[1]))
        return np.asarray(x + gain * entry.values["sd"] * drawn * self._named(entry.values))

    def _delayed(self, x: Array, delay_s: Any) -> Array:
        """Each sample as it was `delay_s` before, from a ring that holds the last half second."""
        kept = max(1, round(LONGEST_S * self.rate))
        if self._ring is None:
            self._ring = np.repeat(x[:1], kept, axis=0)
        out = x
        if np.any(delay_s):
            places = np.arange(len(x)) - np.minimum(kept, np.rint(delay_s * self.rate).astype(int))
            past = places < 0
            out = x[np.maximum(places, 0)]
            out[past] = self._ring[(self._place + places[past]) % kept]
        newest = x[-kept:]
        self._ring[(self._place + np.arange(len(newest))) % kept] = newest
        self._place = (self._place + len(newest)) % kept
        return out

    def _keep_random(self, entries: list[PerturbationEntry]) -> None:
        """A generator for each noise that is in the plan; others are forgotten."""
        keys = [self._key(e) for e in entries if e.kind == "noise"]
        self._random = {k: self._random.get(k) or np.random.default_rng(k) for k in keys}

    @staticmethod
    def _key(entry: PerturbationEntry) -> tuple[int, int, int]:
        return int(entry.values["seed"]), abs(entry.from_ns), int(entry.values["stream"])

    def _named(self, values: Mapping[str, Any]) -> NDArray[np.bool_]:
        """True for the channels that are meant: those named, or all."""
        return np.array([not values["channels"] or c in values["channels"] for c in self.channels])

    def _check(self, entry: PerturbationEntry) -> None:
        v = entry.values
        if entry.kind not in self._kinds:
            raise unknown("perturbation of EMG", entry.kind, self._kinds)
        for name in v.get("channels", ()):
            if name not in self.channels:
                raise unknown("EMG channel", name, self.channels)
        for name in FIGURES[entry.kind]:
            if not np.isfinite(float(v[name])):
                raise ConfigError(f"{name} of {entry.kind!r} is {v[name]!r}, a finite number is needed")
        if entry.kind in ("mains", "noise") and v["unit"] != self.unit:
            raise ConfigError(
                f"{entry.kind} is given in {v['unit']}, these samples are in {self.unit}: give it in that (unit)"
            )
        if entry.kind == "delay" and not 0 <= float(v["delay_s"]) <= LONGEST_S:
            raise ConfigError(f"a delay of EMG is 0 to {LONGEST_S:g} s, got {v['delay_s']}")
        if entry.kind == "mains" and float(v["hz"]) >= self.rate / 2:
            raise ConfigError(f"mains of {v['hz']:g} Hz cannot be in samples at {self.rate:g} Hz")


def strength(entry: PerturbationEntry, times_ns: Times) -> Array:
    """`Entry.gain` at many times, (n,): 0 outside the window, 1 inside, in between on the ramp."""
    inside = times_ns >= entry.from_ns
    if entry.until_ns is not None:
        inside = inside & (times_ns < entry.until_ns)
    if entry.ramp_s <= 0:
        return inside.astype(float)
    return np.where(inside, np.minimum(1.0, (times_ns - entry.from_ns) / (entry.ramp_s * NS)), 0.0)

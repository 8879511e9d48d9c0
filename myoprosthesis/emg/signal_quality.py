"""Faults of a recording: counted, never repaired silently."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.text import counted
from myoprosthesis.emg.pauses import pauses
from myoprosthesis.emg.recording import EmgRecording

Array = NDArray[np.float64]
TOP_RUN, PILE = 3, 5
"""A channel's extreme is a rail when it is held for `TOP_RUN` samples in a row, or reached `PILE` times while the two
values next to it are rarer: without a rail the values grow rarer towards the extreme."""
STEEP = 0.2
"""A rail is met in steps of at least this share of the usual one; the top of a slow wave is met in smaller ones."""
ONE_SIDED, OFFSET = 200, 4.0
"""So many samples are needed to call a channel one-sided, and its mean is below so many standard deviations: an offset
that keeps raw EMG above 0 is larger."""
SAME_RATE = 0.002
"""By how much, as a share, the rate of the stamps may differ from the stated one; clocks of boards are closer."""
CHANCE = 1e-5
"""What is as likely by chance is no rail."""
MAINS_SHARE = 0.1
"""Share of a channel's power at the mains above which it is reported."""


@dataclass(frozen=True)
class SignalFaults:
    """Counts over a recording; tuples have one value per channel.

    `gaps` and `lost_s`: steps in time beyond 1.5 periods that are not made up for by later samples, and the time they
    lack. `jumps`: steps back in time.
    `unstamped`: samples without a stamp, in a recording that has some. `duplicates`: samples that repeat the one before
    in all channels. `saturated`: samples at a channel's largest or smallest value, where that is a rail. `mains_hz` is
    50 or 60, whichever is stronger; `mains` its share of a channel's power. `one_sided`: never below 0, and not as an
    offset would have it, but as envelopes and rectified EMG are.
    """

    not_finite: tuple[int, ...]
    flat: tuple[bool, ...]
    saturated: tuple[int, ...]
    mains: tuple[float, ...]
    mains_hz: float
    duplicates: int
    gaps: int
    lost_s: float
    jumps: int
    measured_rate: float
    """Samples per second by the stamps, without the gaps; 0 without stamps."""
    unstamped: int = 0
    one_sided: tuple[bool, ...] = ()

    def words(self, channels: tuple[str, ...], rate: float, notch_hz: float = 0.0) -> list[str]:
        """One sentence per kind of fault; mains that a notch at `notch_hz` removes are none."""
        out = []

        def which(flags: list[bool]) -> str:
            return ", ".join(c for c, f in zip(channels, flags, strict=True) if f)

        if any(self.not_finite):
            out.append(f"{sum(self.not_finite)} values are not finite ({which([n > 0 for n in self.not_finite])})")
        if any(self.flat):
            out.append(f"flat: {which(list(self.flat))}")
        if any(self.saturated):
            out.append(f"{sum(self.saturated)} values are saturated ({which([n > 0 for n in self.saturated])})")
        if max(self.mains) > MAINS_SHARE and self.mains_hz != notch_hz:
            out.append(f"mains at {self.mains_hz:g} Hz: {which([m > MAINS_SHARE for m in self.mains])}")
        if any(self.one_sided):
            out.append(f"never below 0, as envelopes and rectified EMG are: {which(list(self.one_sided))}")
        if self.duplicates:
            out.append(f"{self.duplicates} samples repeat the one before in all channels")
        if self.gaps:
            lost = f"{self.lost_s:{'.3f' if self.lost_s < 1e6 else '.3g'}} s"
            out.append(f"{counted(self.gaps, 'gap')} in time, {lost} in all")
        if self.unstamped:
            out.append(f"{self.unstamped} stamps are missing")
        if self.jumps:
            out.append(f"{counted(self.jumps, 'jump')} of the clock")
        if self.measured_rate and abs(self.measured_rate / rate - 1) > SAME_RATE:
            out.append(f"by the stamps there are {self.measured_rate:.1f} samples/s, the rate is {rate:g} Hz")
        return out


def total(recordings: Sequence[EmgRecording]) -> SignalFaults:
    """Faults of recordings with the same channels and rate: counts are sums, mains are of the mean recording.

    `measured_rate` is the one that is furthest from the rate.
    """
    parts, sizes = [faults(r) for r in recordings], [len(r) for r in recordings]
    mains = dict.fromkeys((p.mains_hz for p in parts), np.zeros(len(parts[0].mains)))
    for part, size in zip(parts, sizes, strict=True):
        mains[part.mains_hz] = mains[part.mains_hz] + np.array(part.mains) * size / max(1, sum(sizes))
    mains_hz = max(mains, key=lambda hz: float(mains[hz].max()))
    return SignalFaults(
        not_finite=tuple(map(sum, zip(*(p.not_finite for p in parts), strict=True))),
        flat=tuple(map(any, zip(*(p.flat for p in parts), strict=True))),
        saturated=tuple(map(sum, zip(*(p.saturated for p in parts), strict=True))),
        mains=tuple(mains[mains_hz].tolist()), mains_hz=mains_hz,
        duplicates=sum(p.duplicates for p in parts), gaps=sum(p.gaps for p in parts),
        lost_s=sum(p.lost_s for p in parts), jumps=sum(p.jumps for p in parts),
        measured_rate=max((p.measured_rate for p in parts), key=lambda m: abs(m / recordings[0].rate - 1) if m else 0),
        unstamped=sum(p.unstamped for p in parts),
        one_sided=tuple(map(all, zip(*(p.one_sided for p in parts), strict=True))),
    )  # fmt: skip


def faults(recording: EmgRecording) -> SignalFaults:
    """Count the faults of a recording."""
    x = recording.samples
    finite = np.isfinite(x)
    usual = [float(np.median(c[f])) if f.any() else 0.0 for c, f in zip(x.T, finite.T, strict=True)]
    sound = np.where(finite, x, usual)
    flat = np.ptp(sound, axis=0) == 0 if len(x) else np.ones(x.shape[1], bool)
    same = (x[1:] == x[:-1]).all(axis=1)
    shares = {hz: _share(sound, recording.rate, hz) for hz in (50.0, 60.0)}
    mains_hz = max(shares, key=lambda hz: float(shares[hz].max()))
    clock = pauses(recording)
    return SignalFaults(
        not_finite=tuple(int(n) for n in (~finite).sum(axis=0)),
        flat=tuple(bool(f) for f in flat),
        saturated=tuple(0 if f else _saturated(c) for c, f in zip(sound.T, flat, strict=True)),
        mains=tuple(float(s) for s in shares[mains_hz]), mains_hz=mains_hz,
        duplicates=0 if flat.all() else int(same.sum()),
        gaps=len(clock.after), lost_s=float(clock.lost_s.sum()), jumps=len(clock.jump), measured_rate=clock.rate,
        unstamped=int((~np.isfinite(recording.times)).sum()) if recording.stamped else 0,
        one_sided=tuple(bool(b) for b in _one_sided(sound, flat)),
    )  # fmt: skip


def _one_sided(x: Array, flat: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for channels that are never below 0 and come as near to it as what is rectified does."""
    if len(x) < ONE_SIDED:
        return np.zeros(x.shape[1], bool)
    near = x.mean(axis=0) < OFFSET * x.std(axis=0)
    return np.asarray((x.min(axis=0) >= 0) & near & ~flat)


def _saturated(channel: Array) -> int:
    """Samples at the largest and at the smallest value, where these are rails."""
    edges = np.concatenate([[0], np.flatnonzero(channel[1:] != channel[:-1]) + 1, [len(channel)]])
    values, lengths = channel[edges[:-1]], np.diff(edges)
    hold = float(np.median(lengths))  # samples for which every value is held
    levels, which = np.unique(values, return_inverse=True)
    counts = np.bincount(which.ravel(), weights=lengths)
    steps = np.abs(np.diff(values))
    usual = float(np.median(steps)) if steps.size else 0.0
    coarse = float(np.median(counts)) > hold
    count = 0
    for top, inward in ((len(levels) - 1, counts[-3:-1]), (0, counts[1:3])):
        at = np.flatnonzero(values == levels[top])
        into = steps[np.clip(at - 1, 0, len(steps) - 1)]
        piled = counts[top] >= PILE * hold and counts[top] > 2 * inward.max(initial=0)
        if coarse:  # many samples share each value: of three in the tail the outermost is the commonest by chance too
            pooled = round((counts[top] + inward.sum()) / hold)
            piled = piled and _by_chance(round(counts[top] / hold), pooled) < CHANCE
        held = lengths[at].max() >= TOP_RUN * hold and counts[top] > inward.max(initial=0)
        if (piled or held) and np.median(into) >= STEEP * usual:
            count += int(counts[top])
    return count


def _by_chance(most: int, pooled: int) -> float:
    """Probability that of `pooled` samples at three values, equally likely ones, at least `most` are at the first."""
    return sum(math.comb(pooled, k) * 2 ** (pooled - k) for k in range(most, pooled + 1)) / 3**pooled


def _share(x: Array, rate: float, hz: float) -> Array:
    """Share of each channel's power within 1 Hz of a frequency, beyond what is usual within 2 to 6 Hz of it.

    Without its mean; shape (n_channels,).

    Averaged over windows of a second, Hann, as Welch does (1967, doi 10.1109/TAU.1967.1161901).
    """
    n = round(rate)
    if len(x) < n or hz + 1 >= rate / 2:
        return np.zeros(x.shape[1])
    window = np.hanning(n)[:, None]
    power = np.zeros((n // 2 + 1, x.shape[1]))
    for start in range(0, len(x) - n + 1, max(n, (len(x) - n) // 60)):
        part = x[start : start + n]
        power += np.abs(np.fft.rfft((part - part.mean(axis=0)) * window, axis=0)) ** 2
    frequency = np.fft.rfftfreq(n, 1 / rate)
    total = power[frequency > 5.0].sum(axis=0)
    away = np.abs(frequency - hz)
    line, beside = away <= 1.0, (away > 2.0) & (away <= 6.0)
    near = power[line].sum(axis=0) - line.sum() * power[beside].mean(axis=0)
    return np.divide(np.maximum(near, 0.0), total, out=np.zeros_like(near), where=total > 0)

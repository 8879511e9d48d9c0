"""What is wrong with a recording: counted, never repaired in silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emg.recording import Recording
from myoprosthesis.emg.timebase import TimeBase

Array = NDArray[np.float64]
GAP = 1.5
"""A step in time of more periods than this is a gap, when the stamps resolve single samples."""
TOP_RUN = 3
"""So many equal samples in a row at a channel's extreme are saturation."""
MAINS_SHARE = 0.1
"""Above this share of a channel's power at the mains, it is told of."""


@dataclass(frozen=True)
class Faults:
    """Counts over a recording; tuples have one value per channel.

    `gaps` and `lost_s`: steps in time beyond 1.5 periods, and the time they lack. `jumps`: steps back in time.
    `duplicates`: samples that repeat the one before in all channels. `saturated`: samples in runs at a channel's
    extreme. `mains_hz` is 50 or 60, whichever is stronger; `mains` its share of a channel's power.
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

    def words(self, channels: tuple[str, ...], rate: float) -> list[str]:
        """One sentence per kind of fault."""
        out = []

        def which(flags: list[bool]) -> str:
            return ", ".join(c for c, f in zip(channels, flags, strict=True) if f)

        if any(self.not_finite):
            out.append(f"{sum(self.not_finite)} values are not finite ({which([n > 0 for n in self.not_finite])})")
        if any(self.flat):
            out.append(f"flat: {which(list(self.flat))}")
        if any(self.saturated):
            out.append(f"{sum(self.saturated)} values are saturated ({which([n > 0 for n in self.saturated])})")
        if max(self.mains) > MAINS_SHARE:
            out.append(f"mains at {self.mains_hz:g} Hz: {which([m > MAINS_SHARE for m in self.mains])}")
        if self.duplicates:
            out.append(f"{self.duplicates} samples repeat the one before in all channels")
        if self.gaps:
            out.append(f"{self.gaps} gaps in time, {self.lost_s:.3f} s in all")
        if self.jumps:
            out.append(f"{self.jumps} jumps of the clock")
        if self.measured_rate and abs(self.measured_rate / rate - 1) > 0.02:
            out.append(f"the stamps tell of {self.measured_rate:.1f} samples/s, the rate is {rate:g} Hz")
        return out


def faults(recording: Recording) -> Faults:
    """Count what is wrong."""
    x = recording.samples
    finite = np.isfinite(x)
    sound = np.where(finite, x, 0.0)
    flat = np.ptp(sound, axis=0) == 0 if len(x) else np.ones(x.shape[1], bool)
    same = (x[1:] == x[:-1]).all(axis=1)
    shares = {hz: _share(sound, recording.rate, hz) for hz in (50.0, 60.0)}
    mains_hz = max(shares, key=lambda hz: float(shares[hz].max()))
    gaps, lost, jumps, measured = _clock(recording)
    return Faults(
        not_finite=tuple(int(n) for n in (~finite).sum(axis=0)),
        flat=tuple(bool(f) for f in flat),
        saturated=tuple(0 if f else _saturated(c) for c, f in zip(sound.T, flat, strict=True)),
        mains=tuple(float(s) for s in shares[mains_hz]), mains_hz=mains_hz,
        duplicates=0 if flat.all() else int(same.sum()),
        gaps=gaps, lost_s=lost, jumps=jumps, measured_rate=measured,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pauses:
    """`after`: places of the samples that come after a gap in time, in order; `lost_s`: seconds lost in each."""

    after: NDArray[np.intp]
    lost_s: Array


def breaks(recording: Recording) -> NDArray[np.intp]:
    """Places of the samples that do not follow the one before in time: after a gap, or a jump of the clock."""
    if not recording.stamped or len(recording) < 2:
        return np.zeros(0, np.intp)
    return np.union1d(pauses(recording).after, np.flatnonzero(_jumps(recording.times)) + 1)


def pauses(recording: Recording) -> Pauses:
    """Gaps in time of a recording; none where it has no stamps."""
    if not recording.stamped or len(recording) < 2:
        return Pauses(np.zeros(0, np.intp), np.zeros(0))
    times, period = recording.times, 1 / recording.rate
    forward = np.where(_jumps(times), period, np.diff(times))
    if float((forward > 0).mean()) > 0.9:
        usual = max(period, float(np.median(forward)))  # the rate may be wrong, which is no gap
        gap = forward > GAP * usual + _resolution(times)
        return Pauses(np.flatnonzero(gap) + 1, forward[gap] - usual)
    # several samples share a stamp
    return _packet_gaps(np.concatenate([[0.0], np.cumsum(forward)]), recording.rate)


def _jumps(times: Array) -> NDArray[np.bool_]:
    """Whether each step (n - 1,) is back in time, or is not known."""
    steps = np.diff(times)
    return np.asarray((steps < 0) | ~np.isfinite(steps))


def _clock(recording: Recording) -> tuple[int, float, int, float]:
    """Gaps, seconds lost in them, jumps, samples per second without the gaps."""
    if not recording.stamped or len(recording) < 2:
        return 0, 0.0, 0, 0.0
    jump, found = _jumps(recording.times), pauses(recording)
    lost = float(found.lost_s.sum())
    span = float(np.diff(recording.times)[~jump].sum()) - lost
    return len(found.after), lost, int(jump.sum()), int((~jump).sum()) / span if span > 0 else 0.0


def _packet_gaps(times: Array, rate: float) -> Pauses:
    """Gaps where samples bear the stamps of their packets, in order.

    From one packet to the next it takes as long as the first one's samples do, where stamps are of the device: any
    more is lost. Where they are of arrival a late packet is no gap, and what never catches up again is.
    """
    first = np.concatenate([[0], np.flatnonzero(np.diff(times)) + 1])
    sizes, stamps = np.diff(np.append(first, len(times))), times[first]
    excess = np.diff(stamps) - sizes[:-1] / rate
    allowed = 0.5 / rate + _resolution(times)
    if excess.size and float((np.abs(excess) <= allowed).mean()) > 0.9:
        gap = excess > allowed
        return Pauses(first[1:][gap], excess[gap])
    base = TimeBase(rate)
    lost = [0]
    for size, stamp in zip(sizes.tolist(), stamps.tolist(), strict=True):
        base.by_arrival(size, stamp)
        lost.append(base.timing.lost)
    steps = np.diff(lost)
    return Pauses(first[steps > 0], steps[steps > 0] / rate)


def _resolution(times: Array) -> float:
    """The smallest step that the stamps can tell, s: whole milliseconds or finer."""
    steps = np.diff(times)
    steps = steps[steps > 1e-9]
    return 1e-3 if steps.size and np.allclose(steps[:1000] * 1e3, np.round(steps[:1000] * 1e3), atol=1e-3) else 0.0


def _saturated(channel: Array) -> int:
    """Samples in runs of at least `TOP_RUN` at the largest or the smallest value."""
    count = 0
    for extreme in (channel.max(), channel.min()):
        at = np.concatenate([[False], channel == extreme, [False]])
        edges = np.flatnonzero(at[1:] != at[:-1])
        lengths = edges[1::2] - edges[::2]
        count += int(lengths[lengths >= TOP_RUN].sum())
    return count


def _share(x: Array, rate: float, hz: float) -> Array:
    """Share of each channel's power (without its mean) within 1 Hz of a frequency, shape (n_channels,).

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
    near = power[np.abs(frequency - hz) <= 1.0].sum(axis=0)
    return np.divide(near, total, out=np.zeros_like(near), where=total > 0)

"""Where the samples of a recording do not follow each other in time: gaps in its stamps, and jumps of their clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emg.recording import EmgRecording

Array = NDArray[np.float64]
Places = NDArray[np.intp]
GAP = 1.5
"""A step in time of more periods than this is a gap, when the stamps resolve single samples."""
SETTLED_S = 1.0
"""Stamps that jitter are compared over so long before and after a step."""
SCATTER, SHORT, MAD = 6.0, 10, 1.4826
"""A loss below so many times the scatter of a mean of stamps is not told from their jitter; the scatter is taken from
means over a part of `SETTLED_S`, as their median distance times what leads from that to a standard deviation."""
MOST = 1000
"""Steps that are looked at one by one though nothing is lost there; then those near them are left out with them."""
EVEN, UNEVEN = 0.75, 0.25
"""Share of the steps that are exactly the usual one where a device's clock stamps; and of the long ones that may have a
short one beside them, which makes up for what came late, as no clock does."""


@dataclass(frozen=True, eq=False)
class Pauses:
    """Places of samples, in order: `after` a gap in time, of which each lacks `lost_s`, and after a `jump` back."""

    after: Places
    lost_s: Array
    jump: Places
    rate: float = 0.0
    """Samples per second by the stamps, without the gaps; 0 without stamps."""


NONE = Pauses(np.zeros(0, np.intp), np.zeros(0), np.zeros(0, np.intp))


def breaks(recording: EmgRecording) -> Places:
    """Places of the samples that do not follow the one before in time: after a gap, or a jump of the clock."""
    out = pauses(recording)
    return np.union1d(out.after, out.jump)


def pauses(recording: EmgRecording) -> Pauses:
    """Gaps and jumps in the stamps of a recording; none where it has none."""
    if not recording.stamped or len(recording) < 2 or not np.isfinite(recording.times).sum() > 1:
        return NONE
    times, period = _stamps(recording), 1 / recording.rate
    steps = np.diff(times)
    back = np.flatnonzero(steps < 0) + 1
    forward = np.where(steps < 0, period, steps)
    if float((forward > 0).mean()) <= 0.9:  # several samples share a stamp
        return _with_rate(steps, *_packet_gaps(np.concatenate([[0.0], np.cumsum(forward)]), recording.rate), back)
    usual = max(period, float(np.median(forward)))  # the rate may be wrong, which is no gap
    exact = np.abs(forward - usual) <= 1e-5 * usual + 4 * np.spacing(np.abs(times).max())
    long, short = forward > GAP * usual, steps < (2 - GAP) * usual
    if float(exact.mean()) > EVEN and short.sum() <= max(1, UNEVEN * long.sum()):
        return _with_rate(steps, np.flatnonzero(long) + 1, forward[long] - usual, back)
    least = max((GAP - 1) * usual, 1.01 * _resolution(times))
    late = np.flatnonzero(steps > usual + least) + 1
    shifts = _Shifts.of(times, late, least, recording.rate)
    after, lost = shifts.at(late)
    jump, _ = shifts.at(back, -1.0)
    return _with_rate(steps, after, lost, jump)


def _with_rate(steps: Array, after: Places, lost: Array, jump: Places) -> Pauses:
    """With the samples per second of all `steps` (s) but the jumps, and without what is lost."""
    kept = np.delete(steps, jump - 1)
    span = float(kept.sum() - lost.sum())
    return Pauses(after, lost, jump, len(kept) / span if span > 0 else 0.0)


class _Shifts:
    """Finds the steps behind which stamps (s) that jitter stay late, or early, by more than `least`.

    What is stamped late, or at its arrival, is in time again within `SETTLED_S`, unless samples are lost: before and
    after a loss the means of the stamps are apart, by more than such means scatter, and their earliest ones are too.
    The largest step is taken first, and divides the others.
    """

    def __init__(self, late: Array, least: float, rate: float) -> None:
        """`late` (n,) is how much later each stamp is than even ones would be, s."""
        self._width = w = _settled(len(late), rate)
        self._late, self._least = late, least
        self._sums = np.concatenate([[0.0], np.cumsum(late - late[0])])
        short = max(1, w // SHORT)
        grid = np.arange(short, len(late) - short, max(1, short // 2))
        apart = self._apart(grid, np.full(len(grid), short), np.full(len(grid), short))
        self._scatter = float(np.median(np.abs(apart - np.median(apart)))) * MAD * np.sqrt(short) if len(grid) else 0.0

    @classmethod
    def of(cls, times: Array, places: Places, least: float, rate: float) -> _Shifts:
        """Those of stamps, of which `places` may be behind a loss.

        How far apart even ones are is told by stretches so short that most are whole; then by longer ones, between what
        they find to be lost.
        """
        n, width = len(times), _settled(len(times), rate)
        behind, _ = cls(times - np.arange(n) * _period(times, max(1, width // SHORT)), least, rate).at(places)
        return cls(times - np.arange(n) * _period(times, width, behind), least, rate)

    def at(self, places: Places, sign: float = 1.0) -> tuple[Places, Array]:
        """Those of `places` where stamps stay late (`sign` 1) or early (−1), and by how much, s."""
        n, ends, in_vain = len(self._late), [0, len(self._late)], 0
        while len(places):
            where = np.searchsorted(ends, places)
            before = np.minimum(self._width, places - np.array(ends)[where - 1])
            after = np.minimum(self._width, np.array([*ends, n])[where] - places)
            steps = sign * self._apart(places, before, after)
            likely = steps > self._limit(np.minimum(before, after))
            if not likely.any():
                break
            best = int(np.argmax(np.where(likely, steps, -np.inf)))
            k = int(places[best])
            likely &= np.abs(places - k) > (self._width // SHORT if in_vain > MOST else 0)
            places = places[likely]
            earliest = self._late[k : k + after[best]].min() - self._late[k - before[best] : k].min()
            if sign * earliest > self._least:
                ends = sorted([*ends, k])
            else:
                in_vain += 1
        while True:  # without those that stood out only by others near them
            out = np.array(ends[1:-1], np.intp)
            width = np.minimum(self._width, np.diff(ends))
            sizes = sign * self._apart(out, width[:-1], width[1:])
            short = sizes - self._limit(np.minimum(width[:-1], width[1:]))
            if not len(out) or short.min() > 0:
                return out, sizes
            ends.remove(int(out[short.argmin()]))

    def _limit(self, width: Places) -> Array:
        """What stamps must be late by, over `width` samples before and after, s."""
        return np.maximum(self._least, SCATTER * self._scatter / np.sqrt(width))

    def _apart(self, places: Places, before: Places, after: Places) -> Array:
        """Mean lateness (s) of the samples `after` each place without that of those `before` it."""
        sums, here = self._sums, self._sums[places]
        return np.asarray((sums[places + after] - here) / after - (here - sums[places - before]) / before)


def _settled(n: int, rate: float) -> int:
    """Samples in `SETTLED_S`, or in a quarter of a short recording of `n`."""
    return max(1, min(round(SETTLED_S * rate), n // 4))


def _period(times: Array, lag: int, behind: Places | None = None) -> float:
    """The usual time from one stamp to the next, by those `lag` samples apart, fewer where most have a loss between."""
    each = (times[lag:] - times[:-lag]) / lag
    if behind is not None and len(behind):
        piece = np.searchsorted(behind, np.arange(len(times)), "right")
        whole = piece[lag:] == piece[:-lag]
        if lag > 1 and whole.mean() < 0.25:
            return _period(times, lag // 2, behind)
        each = each[whole] if whole.any() else each
    return float(np.median(each))


def _stamps(recording: EmgRecording) -> Array:
    """Times (n,), s; where a stamp is missing a period after the one before, but not after the next."""
    times = recording.times
    sound = np.flatnonzero(np.isfinite(times))
    if len(sound) in (0, len(times)):
        return np.nan_to_num(times)
    places = np.arange(len(times))
    before = sound[np.maximum(np.searchsorted(sound, places, "right") - 1, 0)]
    after = sound[np.minimum(np.searchsorted(sound, places), len(sound) - 1)]
    due = times[before] + (places - before) / recording.rate
    return np.where(np.isfinite(times) | (after <= places), due, np.minimum(due, times[after]))


def _packet_gaps(times: Array, rate: float) -> tuple[Places, Array]:
    """Gaps where samples bear the stamps of their packets, in order: the places after them, and what they lack, s.

    From one packet to the next it takes as long as the first one's samples do, where stamps are of the device: any
    more is lost. Where they are of arrival, which is that of the last sample, a late packet is no gap, and what never
    catches up again is.
    """
    first = np.concatenate([[0], np.flatnonzero(np.diff(times)) + 1])
    sizes, stamps = np.diff(np.append(first, len(times))), times[first]
    excess = np.diff(stamps) - sizes[:-1] / rate
    least = 0.5 / rate + _resolution(times)
    if excess.size and float((np.abs(excess) <= least).mean()) > 0.9:
        gap = excess > least
        # a recording begins anywhere in a packet, and goes on anywhere in one behind a gap
        short = np.maximum(0.0, np.median(sizes) - sizes[:-1]) / rate
        part = gap & (excess <= short + least) & np.append(True, gap[:-1])
        excess[:-1] += np.where(part[1:], excess[1:], 0.0)
        return first[1:][gap & ~part], excess[gap & ~part]
    to_go = np.repeat(first + sizes - 1, sizes) - np.arange(len(times))
    late = first[1:][np.diff(stamps) > sizes[1:] / rate + least]
    return _Shifts.of(times - to_go / rate, late, least, rate).at(late)


def _resolution(times: Array) -> float:
    """The smallest step that the stamps can tell, s: whole milliseconds or finer."""
    steps = np.diff(times)
    steps = steps[steps > 1e-9]
    return 1e-3 if steps.size and np.allclose(steps[:1000] * 1e3, np.round(steps[:1000] * 1e3), atol=1e-3) else 0.0

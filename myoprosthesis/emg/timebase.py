"""Times of EMG samples from a device's counter, its stamps, or arrival alone; faults of timing are counted.

Times are on the device's clock, in s since its first sample (stamps: as stamped), so that neither the jitter of
arrival nor the computer's clock moves them. The offset and drift between that clock and the computer's are estimated
from the samples with the least delay: the earliest of each second, and a line through the earlier half of those.
What is played again or made has its times from `playback_clock.py`.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.text import counted

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
GAP = 1.5
"""A step of more periods than this is a gap."""
SLACK_S = 0.5
"""A counter or stamp further ahead of the computer's clock than this has jumped; below that it may be a burst."""
WINDOW_S, WINDOWS = 1.0, 128
"""Length of the windows whose earliest sample is kept, and how many of those are."""
FEWEST = 5
"""Windows before a drift is reported."""
BEHIND_S = 0.05
"""Without counter and stamps: if every sample of a window is later than this, samples were lost before it."""


@dataclass(frozen=True)
class SourceTiming:
    """Timing of a source since it was opened.

    `rate`: samples per second of the computer's clock, those lost in gaps included, 0 while unknown. `drift_ppm`: how
    much faster the device's clock runs than the computer's, parts per million. `gaps` and the samples `lost` in them;
    `duplicates`: samples that came twice and were left out (stamps: those with the time of the one before, which are
    kept). `jumps` of the device's clock: a restart, a stamp that goes back or ahead of its arrival. `damaged`: frames
    or lines that could not be read. `delay_ms`: delay of the last block beyond the least one.
    """

    samples: int = 0
    rate: float = 0.0
    drift_ppm: float = 0.0
    gaps: int = 0
    lost: int = 0
    duplicates: int = 0
    jumps: int = 0
    damaged: int = 0
    delay_ms: float = 0.0

    def words(self, nominal: float) -> list[str]:
        """One sentence per kind of fault; `nominal` is the rate that is expected, Hz."""
        out = []
        if self.gaps:
            out.append(f"{counted(self.gaps, 'gap')} with {counted(self.lost, 'sample')} lost")
        if self.duplicates:
            out.append(f"{self.duplicates} samples came twice")
        if self.jumps:
            out.append(f"{counted(self.jumps, 'jump')} of the device's clock")
        if self.damaged:
            out.append(f"{self.damaged} frames or lines were damaged")
        if self.rate and abs(self.rate / nominal - 1) > 0.02:
            out.append(f"{self.rate:.1f} samples/s come, the rate is {nominal:g} Hz")
        return out


class TimeBase:
    """Times of the samples of one stream, which come in blocks.

    A source calls one of `by_counter`, `by_stamps` and `by_arrival` for every block, in order, and then `stamps_ns` for
    the times on the computer's clock. `arrival` is the time at which the block came, in s of a monotonic clock of
    the computer. The memory in use does not grow with the length of a stream.
    """

    def __init__(self, rate: float, tolerance_s: float = 0.0) -> None:
        """`rate`: nominal, Hz; `tolerance_s`: jitter of stamps, s, that is not counted as a gap."""
        self.rate, self.tolerance_s = rate, tolerance_s
        self.counts = Counter[str]()
        self._index = -1
        """Number of the last sample, those that were lost counted."""
        self._counter: int | None = None
        self._stamp: float | None = None
        self._line = _Line()
        self._received: deque[tuple[float, int]] = deque(maxlen=WINDOWS)
        self._now = (-np.inf, 0)
        self._before = -np.inf
        """Arrival of the block before the last one."""
        self._samples = 0
        self._delay = 0.0

    @property
    def timing(self) -> SourceTiming:
        """Rate, drift and counts so far; `damaged` is counted by the source, in `counts`."""
        keys = ("gaps", "lost", "duplicates", "jumps", "damaged")
        drift = 1e6 * (1 / (1 + self._line.slope) - 1)
        counted = {k: self.counts[k] for k in keys}
        return SourceTiming(self._samples, self._rate(), drift, delay_ms=1e3 * self._delay, **counted)

    def by_counter(self, counters: NDArray[np.int64], modulo: int, arrival: float) -> tuple[Array, Bools]:
        """Times of samples that a device numbers.

        Args:
            counters: number of each sample, shape (n,), running modulo `modulo`.
            modulo: the counter's range; it may go round any number of times between two blocks.
            arrival: when the block came, s.

        Returns:
            The times, shape (n,), s since the first sample by number and nominal rate, and whether each sample is new,
            shape (n,): those that came before are to be left out.
        """
        n = len(counters)
        if n == 0:
            return np.zeros(0), np.zeros(0, bool)
        last = int(counters[0]) - 1 if self._counter is None else self._counter
        steps = np.diff(counters, prepend=last) % modulo
        new = np.ones(n, bool)
        if (steps == 1).all():
            places = self._index + 1 + np.arange(n)
            last = int(counters[-1])
        else:
            places = np.zeros(n, np.int64)
            due = self._due(arrival)
            for k in range(n):
                step = self._step(int(counters[k]) - last, modulo, due - (n - 1 - k))
                new[k] = step > 0
                if step > 0:
                    last = int(counters[k])
                self._index += step
                places[k] = self._index
        self._counter, self._index = last, int(places[-1])
        self._count(int(new.sum()), self._index / self.rate, arrival)
        return places / self.rate, new

    def by_stamps(self, stamps: Array, arrival: float) -> tuple[Array, Bools]:
        """Times of samples that a device stamps.

        Args:
            stamps: time of each sample on the device's clock, shape (n,), s.
            arrival: when the block came, s.

        Returns:
            The stamps as they are, and True for each sample, both of shape (n,).
        """
        if not len(stamps):
            return stamps, np.zeros(0, bool)
        first = stamps[0] - 1 / self.rate if self._stamp is None else self._stamp
        steps = np.diff(stamps, prepend=first)
        odd = np.flatnonzero((steps <= 0) | (steps > GAP / self.rate + self.tolerance_s) | ~np.isfinite(steps))
        for k in odd:
            ahead = stamps[k] + self._line.at(stamps[k]) - arrival if self._line else 0.0
            if steps[k] == 0:
                self.counts["duplicates"] += 1
            elif not steps[k] > 0 or ahead > SLACK_S:
                self.counts["jumps"] += 1
                self._line = _Line()
            else:
                self._gap(round(steps[k] * self.rate) - 1)
        self._stamp = float(stamps[-1])
        self._count(len(stamps), self._stamp, arrival)
        return stamps, np.ones(len(stamps), bool)

    def by_arrival(self, n: int, arrival: float) -> tuple[Array, Bools]:
        """Times of samples without number and stamp: a period apart, with a gap where too few have come.

        Args:
            n: number of samples.
            arrival: when the block came, s.

        Returns:
            The times, s since the first sample, and True for each sample, both of shape (n,).
        """
        places = self._index + 1 + np.arange(n)
        if n:
            self._index = int(places[-1])
            late = self._count(n, self._index / self.rate, arrival)
            if self._delay > SLACK_S:  # after silence
                places = places + self._missing(self._delay, 0)
            elif late > BEHIND_S + 2 / self.rate:
                places = places + self._missing(late, 1)
        return places / self.rate, np.ones(n, bool)

    def _missing(self, late: float, windows: int) -> int:
        """Count the samples that a delay of `late` (s) says were lost; the last `windows` (0 or 1) have it too."""
        missing = round(late * self.rate)
        self._gap(missing)
        self._index += missing
        self._delay = 0.0
        self._line.shift(missing / self.rate, windows)
        return missing

    def taken(self, time: float, arrival: float) -> float:
        """When the sample at `time` (s of the device) was taken, s of the computer's monotonic clock.

        Never after `arrival`, when it came.
        """
        return min(arrival, time + self._line.at(time)) if self._line else arrival

    def stamps_ns(self, times: Array, arrival: float, arrival_ns: int) -> NDArray[np.int64]:
        """When the samples of the newest block were taken, on another clock of the computer.

        Args:
            times: times of the samples as this time base returned them, shape (n,), s; n is at least 1.
            arrival: when the block came, s.
            arrival_ns: the same instant on the other clock, ns.

        Returns:
            Stamps on that clock, shape (n,), ns: the newest by the device's clock and never after `arrival_ns`, those
            before it as far back as `times`. Where the device's clock jumped between two samples, they are a period
            apart.
        """
        since, steps = times - times[0], np.diff(times)
        jumped = (steps < 0) | (steps > arrival - self._before + SLACK_S)
        if jumped.any():
            since = np.concatenate([[0.0], np.cumsum(np.where(jumped, 1 / self.rate, steps))])
        since_ns = np.rint(1e9 * since).astype(np.int64)
        newest_ns = arrival_ns - round(1e9 * (arrival - self.taken(float(times[-1]), arrival)))
        return np.asarray(newest_ns - since_ns[-1] + since_ns)

    def _step(self, step: int, modulo: int, due: float) -> int:
        """By how many samples a counter advanced; 0: the sample came before.

        `due` is the number that the computer's clock expects, NaN if unknown; every comparison with it is then False,
        and the counter is believed.
        """
        step %= modulo
        ahead = due - self._index
        if step != 1 and ahead - step > modulo / 2:  # it has gone round in between, perhaps more than once
            step += modulo * round((ahead - step) / modulo)
        if step == 1:
            return 1
        if step == 0 or (modulo - min(64, modulo // 4) <= step < modulo and not ahead >= modulo / 4):
            self.counts["duplicates"] += 1
            return 0
        if (step - ahead) / self.rate > SLACK_S:
            self.counts["jumps"] += 1
            return max(1, round(ahead))
        self._gap(step - 1)
        return step

    def _gap(self, lost: int) -> None:
        self.counts["gaps"] += 1
        self.counts["lost"] += max(1, lost)

    def _due(self, arrival: float) -> float:
        """The number of the sample that the device takes at `arrival`; NaN while nothing is known of its clock."""
        if not self._line:
            return np.nan
        return self._line.inverse(arrival) * self.rate

    def _count(self, n: int, time: float, arrival: float) -> float:
        """Count a block of `n` samples that ends at `time`; returns the delay (s) of a window that ended, mostly 0."""
        self._samples += n
        if not self._received or arrival - self._received[-1][0] >= WINDOW_S:
            self._received.append((arrival, self._samples + self.counts["lost"]))
        self._before, self._now = self._now[0], (arrival, self._samples + self.counts["lost"])
        late = self._line.add(time, arrival - time)
        self._delay = float(max(0.0, arrival - time - self._line.at(time)))
        return late

    def _rate(self) -> float:
        if not self._received:
            return 0.0
        (begin, first), (end, last) = self._received[0], self._now
        return float((last - first) / (end - begin)) if end - begin > WINDOW_S / 2 else 0.0


class _Line:
    """The least delay between a sample's time and its arrival, as a line: delay = slope · time + rest."""

    def __init__(self) -> None:
        self.slope = 0.0
        self._rest = np.inf
        self._kept: deque[tuple[float, float]] = deque(maxlen=WINDOWS)
        self._window = (np.inf, np.inf)
        self._opened = 0.0

    def __bool__(self) -> bool:
        return bool(np.isfinite(self._rest))

    def at(self, time: float) -> float:
        """The least delay at `time`, s."""
        return float(self.slope * time + self._rest)

    def inverse(self, arrival: float) -> float:
        """The device's time at an instant of the computer's."""
        return float((arrival - self._rest) / (1 + self.slope))

    def add(self, time: float, delay: float) -> float:
        """Take in the newest sample of a block; returns by how much the window that it ends was late, else 0."""
        late = 0.0
        if not np.isfinite(self._window[0]):
            self._opened = time
        elif time - self._opened >= WINDOW_S:
            at, least = self._window
            if self._kept:  # against the window before, so that a wrong rate is a drift and no gap
                before, usual = self._kept[-1]
                late = least - usual - self.slope * (at - before)
            self._kept.append(self._window)
            self._window, self._opened = (np.inf, np.inf), time
            self._fit()
        if delay < self._window[1]:
            self._window = (time, delay)
        self._rest = min(self._rest, delay - self.slope * time)
        return late

    def shift(self, by: float, windows: int) -> None:
        """Shift the device's times by `by` (s) from now on, and in the last `windows` (0 or 1) windows."""
        if windows:
            time, delay = self._kept.pop()
            self._kept.append((time + by, delay - by))
        self._window = (np.inf, np.inf)
        if self._kept:
            self._fit()

    def _fit(self) -> None:
        t, delay = np.array(self._kept).T
        if len(t) >= FEWEST:
            self.slope = _slope(t, delay)
            late = delay - self.slope * t
            early = late <= np.median(late)
            if early.sum() >= FEWEST:
                self.slope = _slope(t[early], delay[early])
        self._rest = float((delay - self.slope * t).min())


def _slope(t: Array, delay: Array) -> float:
    """Least squares."""
    about = t - t.mean()
    spread = float(about @ about)
    return float(about @ (delay - delay.mean())) / spread if spread > 0 else 0.0

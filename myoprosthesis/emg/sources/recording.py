"""A recording that is played again: the same samples at the same times, as many as have come due."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.options import option
from myoprosthesis.emg.playback_clock import Clock, PlaybackClock
from myoprosthesis.emg.recording import EmgRecording, joined
from myoprosthesis.emg.signal_quality import faults
from myoprosthesis.emg.source import EmgBlock, SourceSpec, opened
from myoprosthesis.emg.sources.read_ahead import ReadAhead
from myoprosthesis.emg.sources.recorded import RecordedOptions, blocks_of, files_of, layout_of, place_of
from myoprosthesis.emg.timebase import SourceTiming, TimeBase

Array = NDArray[np.float64]
READ_S = 0.5
"""Amount of a file that is read at a time, where its reader can: more would hold the samples up that are due."""
LOOK_S, LOOK_SAMPLES = 20.0, 100
"""Amount of a recording whose faults are said when it is opened, and samples that are read of it at a time."""
JUMP_S, BACK_S = 1.0, 0.05
"""A step in the file's times of more than the first, or back by more than the second, is kept in the times and takes
the first to play: a pause for whoever decodes, not one that is waited for."""


@dataclass(frozen=True)
class ReplayOptions(RecordedOptions):
    """Which recording, and how it is played."""

    speed: float = option(1.0, "times as fast as it was recorded", "1", 1e-3, 1e4)
    loop: bool = option(False, "begin again at the end")
    start_s: float = option(0.0, "begin so far into it", "s", 0.0, 1e6)


class RecordingSource:
    """A recorded session, played again with its original times and prompts.

    `times` are the file's own, to the bit, where it is one file; further files follow each other, and rounds of a
    loop too, as if no time had passed in between. The rate stays the recording's at any speed.
    """

    def __init__(self, options: ReplayOptions, clock: Clock = time.monotonic_ns) -> None:
        self.options, self._clock = options, clock
        self._spec: SourceSpec | None = None
        self._parts: ReadAhead[_Part] | None = None
        self._next: _Part | None = None
        self._base = TimeBase(1.0)
        self.fault = ""
        self.ended = False

    @property
    def spec(self) -> SourceSpec:
        """Channels, rate and unit as the files say, or the layout."""
        return opened(self._spec, "the recording")

    @property
    def timing(self) -> SourceTiming:
        """Faults of the recorded stamps, if it has any that tell single samples apart."""
        return self._base.timing

    def open(self) -> None:
        """Find the files and read the beginning; raises `ConfigError`."""
        place = place_of(self.options.file)
        self._layout = layout_of(self.options, place)
        self._files = files_of(self.options, place, self._layout)
        first = self._beginning()
        about = f"played again from {place}, {self.options.speed:g} times as fast as recorded"
        seen = f"fault in its first {first.seconds:.3g} s"
        sentences = [f"{seen}: {fault}" for fault in faults(first).words(first.channels, first.rate)]
        targets = [f"targets are not played: {', '.join(first.target_names)}"] if first.target_names else []
        about = "; ".join([about, *first.remarks, *targets, *sentences])
        self._spec = SourceSpec(f"recording {place.stem}", first.channels, first.rate, first.unit, about)
        self._base = TimeBase(first.rate)
        self.fault, self.ended = "", False
        self._parts = ReadAhead(self._played())
        self._next = self._parts.take()
        if self._next is None:
            raise ConfigError(f"{place} ends before start_s, {self.options.start_s:g} s")
        times = self._next.recording.times
        self._resolved = self._next.recording.stamped and bool((np.diff(times[:1000]) > 0).mean() > 0.9)
        self._pace = PlaybackClock(self._clock, self.options.speed)

    def read(self) -> EmgBlock | None:
        """All that has come due."""
        if self._spec is None or self._parts is None or self.ended:
            return None
        now, due = self._pace.elapsed(), []
        try:
            while self._next is not None:
                ready, self._next = self._next.split(now)
                if ready is not None:
                    due.append(ready)
                if self._next is not None:
                    break
                self._next = self._parts.take()
        except MyoError as error:
            self.fault, self._next = str(error), None
        self.ended = self._next is None
        return self._block(due) if due else None

    def close(self) -> None:
        """Let the files go."""
        if self._parts is not None:
            self._parts.close()
        self._parts, self._next, self._spec = None, None, None

    def _block(self, due: list[_Part]) -> EmgBlock:
        whole = joined([p.recording for p in due])
        taken = np.concatenate([p.due for p in due])
        if self._resolved:
            self._base.by_stamps(whole.times, float(taken[-1] + due[-1].unwaited[-1]))
        else:
            self._base.by_arrival(len(whole), float(taken[-1]))
        stamps = self._pace.stamps_ns(taken)
        return EmgBlock(whole.samples, whole.times, stamps, int(stamps[-1]), whole.spans)

    def _beginning(self) -> EmgRecording:
        """The first `LOOK_S` of the first file, up to what cannot be read, which is said when it is due."""
        parts = [next(blocks_of(self._files[0], self._layout, 1))]
        if len(parts[0]) == 1:  # its reader reads in blocks
            with suppress(MyoError):
                for part in blocks_of(self._files[0], self._layout, LOOK_SAMPLES):
                    parts.append(part)
                    if sum(p.seconds for p in parts) > LOOK_S:
                        break
            parts = parts[1:] or parts
        return joined(parts).part(0, math.ceil(LOOK_S * parts[0].rate))

    def _played(self) -> Generator[_Part, None, None]:
        """Parts with when they are due, s since the start; never empty ones."""
        spec, period = self.spec, 1 / self.spec.rate
        due, unwaited, end, begin = -period, 0.0, None, self.options.start_s
        while True:
            for file in self._files:
                offset: float | None = None if end is not None else 0.0
                last: float | None = None
                for part in blocks_of(file, self._layout, max(1, round(READ_S * spec.rate))):
                    if (part.channels, part.rate, part.unit) != (spec.channels, spec.rate, spec.unit):
                        raise ConfigError(f"{file} has other channels, rate or unit than {self._files[0]}")
                    times = part.times
                    if offset is None:
                        offset = end + period - float(times[0])  # type: ignore[operator]
                    steps = np.concatenate([[period if last is None else times[0] - last], np.diff(times)])
                    last = float(times[-1])
                    forward = np.where((steps < 0) | np.isnan(steps), period, steps)
                    at = due + np.cumsum(np.where(steps < -BACK_S, JUMP_S, np.minimum(forward, JUMP_S)))
                    beyond = unwaited + np.cumsum(np.maximum(0.0, forward - JUMP_S))
                    due, unwaited = float(at[-1]), float(beyond[-1])
                    if offset:
                        part = replace(part, times=times + offset)
                    skipped = int(np.searchsorted(at, begin))
                    if skipped < len(part):
                        yield _Part(part.part(skipped, len(part)), at[skipped:] - begin, beyond[skipped:])
                end = (last or 0.0) + (offset or 0.0)
            if not self.options.loop:
                return


@dataclass(frozen=True, eq=False)
class _Part:
    """Some samples and when they are due, shape (n,), s; those before `begin` have been given away.

    `unwaited` (n,) is the time, s, of the pauses before each that is not waited for.
    """

    recording: EmgRecording
    due: Array
    unwaited: Array
    begin: int = 0

    def split(self, now: float) -> tuple[_Part | None, _Part | None]:
        """The part that is due at `now`, and the rest."""
        begin, n = self.begin, len(self.due)
        end = int(np.searchsorted(self.due, now, side="right"))
        here = slice(begin, end)
        ready = _Part(self.recording.part(begin, end), self.due[here], self.unwaited[here]) if end > begin else None
        return ready, replace(self, begin=max(begin, end)) if end < n else None

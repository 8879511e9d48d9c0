"""A person out of recordings: what a task asks for is done with a recorded repetition of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.options import option
from myoprosthesis.emg.playback_clock import Clock, PlaybackClock
from myoprosthesis.emg.recording import EmgRecording, joined, runs
from myoprosthesis.emg.source import EmgBlock, SourceSpec, opened
from myoprosthesis.emg.sources.recorded import RecordedOptions, blocks_of, files_of, layout_of, place_of
from myoprosthesis.emg.timebase import SourceTiming, TimeBase

Array = NDArray[np.float64]
READ_S = 60.0
"""Amount of a file that is read at a time."""
MOST = 50_000_000
"""Numbers that are kept in memory, 400 MB; longer recordings are refused."""


@dataclass(frozen=True)
class RecordedPersonOptions(RecordedOptions):
    """Whose recording, and how soon what is asked for is done."""

    rest: str = option("rest", "label of what is done while nothing is asked for")
    reaction_s: float = option(0.25, "time from the go signal to the begin of the movement", "s", 0.0, 10.0)
    skip: int = option(
        0, "first repetitions of each movement that are never done, such as those of an adaptation", low=0
    )


class RecordedPerson:
    """Does what is asked for: plays a recorded repetition of it, then the next one (`AskedSource`).

    Such a person looks at nothing and corrects nothing: what is asked for is done until something else is.
    """

    def __init__(self, options: RecordedPersonOptions, clock: Clock = time.monotonic_ns) -> None:
        self.options, self._clock = options, clock
        self._spec: SourceSpec | None = None
        self._base = TimeBase(1.0)
        self.fault, self.ended = "", False

    @property
    def spec(self) -> SourceSpec:
        """Channels, rate and unit of the recording."""
        return opened(self._spec, "the recording")

    @property
    def timing(self) -> SourceTiming:
        """A clock without faults: samples are taken as if they had come one after the other."""
        return self._base.timing

    def open(self) -> None:
        """Read all repetitions; raises `ConfigError`."""
        place = place_of(self.options.file)
        layout = layout_of(self.options, place)
        self._repetitions: dict[str, list[Array]] = {}
        first, size = None, 0
        for file in files_of(self.options, place, layout):
            parts: list[EmgRecording] = []
            for part in blocks_of(file, layout, max(1, round(READ_S * 1000))):
                parts.append(part)
                size += part.samples.size
                if size > MOST:
                    raise ConfigError(f"{place} has more than {MOST} numbers: choose some of its repetitions")
            whole = joined(parts)
            first = first or whole
            if (whole.channels, whole.rate, whole.unit) != (first.channels, first.rate, first.unit):
                raise ConfigError(f"{file} has other channels, rate or unit than {first.source}")
            for span in whole.spans:
                self._repetitions.setdefault(span.label, []).append(whole.samples[span.start : span.stop])
        if first is None or self.options.rest not in self._repetitions:
            known = ", ".join(self._repetitions) or "none"
            raise ConfigError(
                f"{place} has no EMG labelled {self.options.rest!r}, which is done while nothing is asked for (its "
                f"labels: {known}): name another with rest"
            )
        if skip := self.options.skip:
            few = [label for label, all_of in self._repetitions.items() if len(all_of) <= skip]
            if few:
                raise ConfigError(f"skip={skip} leaves no repetition of {few[0]!r} in {place}")
            self._repetitions = {label: all_of[skip:] for label, all_of in self._repetitions.items()}
        doing = ", ".join(f"{label} ({len(all_of)} times)" for label, all_of in self._repetitions.items())
        about = f"a person out of {place} who does what a task asks for: {doing}"
        self._spec = SourceSpec(f"person {place.stem}", first.channels, first.rate, first.unit, about)
        self._base = TimeBase(first.rate)
        self._pace = PlaybackClock(self._clock)
        self._begun = dict.fromkeys(self._repetitions, -1)
        self._doing, self._place, self._read_to = "", 0, 0
        self._next: tuple[int, str] | None = None
        self._begin(self.options.rest)
        self.fault, self.ended = "", False

    def ask(self, label: str) -> None:
        """See `AskedSource`."""
        known = label in self._repetitions
        if self._spec is not None:
            at = math.ceil((self._pace.elapsed() + self.options.reaction_s) * self._spec.rate)
            self._next = at, label if known else self.options.rest
        if label and not known:
            there = ", ".join(self._repetitions)
            raise Refused(f"nothing is recorded of {label!r}, which is asked for: there is {there}")

    def read(self) -> EmgBlock | None:
        """All that has come due."""
        if self._spec is None:
            return None
        rate, begin = self._spec.rate, self._read_to
        end = int(self._pace.elapsed() * rate) + 1
        if end <= begin:
            return None
        parts: list[Array] = []
        labels: list[str] = []
        while self._read_to < end:
            if self._next is not None and self._read_to >= self._next[0]:
                self._begin(self._next[1])
                self._next = None
            part = self._some(end if self._next is None else min(end, self._next[0]))
            parts.append(part)
            labels += [self._doing] * len(part)
            self._read_to += len(part)
        samples, places = np.concatenate(parts), np.arange(begin, end)
        times, _ = self._base.by_arrival(len(samples), (end - 1) / rate)
        stamps = self._pace.stamps_ns(places / rate)
        return EmgBlock(samples, times, stamps, int(stamps[-1]), runs(labels))

    def close(self) -> None:
        """Let the recording go."""
        self._spec, self._repetitions = None, {}

    def _begin(self, label: str) -> None:
        """The next repetition of a label, from its start."""
        self._begun[label] += 1
        self._doing, self._place = label, 0

    def _some(self, until: int) -> Array:
        """Samples of what is done, to the end of its repetition or to the sample number `until` of the source."""
        all_of = self._repetitions[self._doing]
        repetition = all_of[self._begun[self._doing] % len(all_of)]
        if self._place == len(repetition):
            self._begin(self._doing)
            return self._some(until)
        part = repetition[self._place : self._place + until - self._read_to]
        self._place += len(part)
        return part

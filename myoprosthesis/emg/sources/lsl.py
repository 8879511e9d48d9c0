"""EMG source for a stream of the lab streaming layer, by its name or its type."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError, SourceError
from myoprosthesis.core.options import option
from myoprosthesis.emg.lsl_library import lsl
from myoprosthesis.emg.recording import spelled, volts
from myoprosthesis.emg.source import EmgBlock, SourceSpec, channel_names, opened, silence
from myoprosthesis.emg.timebase import SourceTiming, TimeBase

LOOK_S = 1.0
HELD_S = 20
"""Length of the buffer, s."""


@dataclass(frozen=True)
class LslOptions:
    """The stream, and what its description lacks."""

    name: str = option("", "name of the stream; empty: the only one of its type")
    type: str = option("EMG", "type of the stream, where no name is given")
    wait_s: float = option(5.0, "how long opening searches for it", "s", 0.1, 600.0)
    rate: float = option(0.0, "sampling rate; 0: from the stream", "Hz", 0.0, 1e6)
    unit: str = option("", "unit of the samples (V, mV, uV, counts); empty: from the stream")
    channels: tuple[str, ...] = option((), "names of the channels; empty: from the stream, else ch1, ch2 …")
    jitter_s: float = option(0.02, "scatter of its stamps that is not a gap", "s", 0.0, 1.0)
    silence_s: float = option(0.5, "time without samples that is a fault", "s", 0.01, 60.0)


class Lsl:
    """EMG source for an LSL stream (`EmgSource`).

    Times are the stamps of the sender on this computer's clock; LSL keeps the connection.
    """

    def __init__(self, options: LslOptions) -> None:
        self.options, self.ended = options, False
        self._spec: SourceSpec | None = None
        self._inlet: Any = None
        self._base = TimeBase(1.0)
        self._scale, self._last_sample_s, self._reason = 1.0, 0.0, ""

    @property
    def spec(self) -> SourceSpec:
        """From the stream's description and the options."""
        return opened(self._spec, "the LSL stream")

    @property
    def timing(self) -> SourceTiming:
        """By the stamps of the sender."""
        return self._base.timing

    @property
    def fault(self) -> str:
        """The sender is silent or lost."""
        if self._spec is None:
            return ""
        name, limit_s, samples = f"the {self._spec.name}", self.options.silence_s, self.timing.samples
        return self._reason or silence(name, self._last_sample_s, limit_s, samples, "does its sender run?")

    def open(self) -> None:
        """Find the stream and connect; raises `SourceError`, `ConfigError`."""
        self.close()
        pylsl = lsl("the source lsl")
        self._inlet = pylsl.StreamInlet(
            self._resolve(pylsl), max_buflen=HELD_S, processing_flags=pylsl.proc_clocksync
        )  # fmt: skip
        try:
            info = self._inlet.info(self.options.wait_s)
            self._inlet.open_stream(self.options.wait_s)
        except (RuntimeError, TimeoutError) as error:  # pylsl's errors are both
            self.close()
            raise SourceError(f"the stream was found, but does not answer within {self.options.wait_s:g} s") from error
        try:
            self._spec = self._describe(info)
        except Exception:
            self.close()
            raise
        self._base = TimeBase(self._spec.rate, self.options.jitter_s)
        self._last_sample_s, self._reason = time.monotonic(), ""

    def read(self) -> EmgBlock | None:
        """The samples in the buffer."""
        if self._spec is None:
            return None
        rows: Any = []
        stamps: list[float] = []
        try:
            most = int(HELD_S * self._spec.rate) + 1
            rows, stamps = self._inlet.pull_chunk(timeout=0.0, max_samples=most)
            self._reason = ""
        except RuntimeError as error:
            self._reason = f"the {self._spec.name} is lost ({str(error)[:60]})"
        arrival, arrival_ns = time.monotonic(), time.time_ns()
        if not stamps:
            return None
        self._last_sample_s = arrival
        times, _ = self._base.by_stamps(np.array(stamps), arrival)
        samples = np.array(rows, float) * self._scale
        return EmgBlock(samples, times, self._base.stamps_ns(times, arrival, arrival_ns), arrival_ns)

    def close(self) -> None:
        """Disconnect."""
        inlet, self._inlet, self._spec = self._inlet, None, None
        if inlet is not None:
            with contextlib.suppress(RuntimeError):
                inlet.close_stream()

    def _resolve(self, pylsl: Any) -> Any:
        o = self.options
        key, value = ("name", o.name) if o.name else ("type", o.type)
        streams = {i.uid(): i for i in pylsl.resolve_byprop(key, value, 1, o.wait_s)}
        if not streams:
            there = ", ".join(sorted(f"{i.name()} ({i.type()})" for i in pylsl.resolve_streams(LOOK_S)))
            raise SourceError(
                f"no LSL stream of {key} {value!r} is there after {o.wait_s:g} s: streams here are {there or 'none'}"
            )
        if len(streams) > 1:
            names = ", ".join(sorted(i.name() for i in streams.values()))
            raise SourceError(f"{len(streams)} LSL streams are of {key} {value!r}: name the one you mean ({names})")
        return next(iter(streams.values()))

    def _describe(self, info: Any) -> SourceSpec:
        o, n = self.options, info.channel_count()
        if info.channel_format() == 3:
            raise ConfigError(f"the LSL stream {info.name()} carries text, not samples")
        labels = tuple(str(c) for c in info.get_channel_labels() or () if c)
        units = {spelled(str(u)) for u in info.get_channel_units() or () if u}
        rate = o.rate or info.nominal_srate()
        if not rate:
            raise ConfigError(f"the LSL stream {info.name()} does not say its sampling rate: give it (rate)")
        if not (o.unit or len(units) == 1):
            raise ConfigError(f"the LSL stream {info.name()} does not say one unit for all: give it (unit), such as uV")
        unit = o.unit or units.pop()
        unit, self._scale = volts(unit)
        unique = labels if len(labels) == n == len(set(labels)) else ()
        about = f"LSL stream {info.name()} of type {info.type()} from {info.hostname()}"
        name = f"LSL stream {info.name()}"
        return SourceSpec(name, channel_names(o.channels, n, unique), rate, unit, about)

"""Blocks and markers out to the lab streaming layer, for recorders and other programs."""

from __future__ import annotations

import time
from typing import Any

from myoprosthesis.emg.lsl_library import lsl
from myoprosthesis.emg.source import EmgBlock, SourceSpec

UNITS = {"V": "volts"}


class Outlet:
    """A source, published again: the same samples (float64) and, on LSL's clock, the same times."""

    def __init__(self, spec: SourceSpec, name: str, type: str = "EMG") -> None:
        pylsl = lsl("an LSL outlet")
        info = pylsl.StreamInfo(name, type, len(spec.channels), spec.rate, "double64", f"myoprosthesis {name}")
        channels = info.desc().append_child("channels")
        for label in spec.channels:
            channel = channels.append_child("channel")
            for key, value in (("label", label), ("unit", UNITS.get(spec.unit, spec.unit)), ("type", type)):
                channel.append_child_value(key, value)
        info.desc().append_child_value("about", spec.about)
        self._clock, self._outlet = pylsl.local_clock, pylsl.StreamOutlet(info)

    def push(self, block: EmgBlock) -> None:
        """Send it on."""
        ago = 1e-9 * (time.time_ns() - block.stamps_ns)
        self._outlet.push_chunk(block.samples.tolist(), (self._clock() - ago).tolist())


class Markers:
    """Events with a name: prompts, decisions, trials."""

    def __init__(self, name: str) -> None:
        pylsl = lsl("an LSL outlet")
        info: Any = pylsl.StreamInfo(name, "Markers", 1, 0.0, "string", f"myoprosthesis {name}")
        self._clock, self._outlet = pylsl.local_clock, pylsl.StreamOutlet(info)

    def push(self, text: str, at_ns: int | None = None) -> None:
        """Send a marker, of now or of `at_ns` on the computer's clock (`time.time_ns`)."""
        ago = 0.0 if at_ns is None else 1e-9 * (time.time_ns() - at_ns)
        self._outlet.push_sample([text], self._clock() - ago)


class PromptMarkers:
    """Sends a marker when the prompt of a source changes."""

    def __init__(self, name: str) -> None:
        self._markers, self._last = Markers(name), ""

    def push(self, block: EmgBlock) -> None:
        """Send what changed in it, at its own time."""
        for span in block.spans:
            if span.label != self._last:
                self._last = span.label
                self._markers.push(span.label, int(block.stamps_ns[span.start]))

"""Readers of boards on a serial line: bytes into samples with their times, and what is known of the board."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import SourceError
from myoprosthesis.core.options import option
from myoprosthesis.emg import serial_frame
from myoprosthesis.emg.ascii_lines import SETTLED, Lines, Shape
from myoprosthesis.emg.recording import volts
from myoprosthesis.emg.source import SourceSpec, channel_names
from myoprosthesis.emg.timebase import SourceTiming, TimeBase

Array = NDArray[np.float64]


CLOCKS = ("t", "time", "timestamp", "ms", "us", "millis", "micros", "sample", "index", "counter")
"""Labels of what boards print beside their samples."""


@dataclass(frozen=True)
class SerialOptions:
    """Which port, and what the board does not say itself."""

    port: str = option(help="serial port, such as /dev/ttyACM0", file="there")
    baud: int = option(115_200, "speed; USB boards ignore it", "Bd", 300, 12_000_000)
    mode: str = option("ascii", "lines of text, or frames as in hardware/arduino", choices=("ascii", "framed"))
    rate: float = option(0.0, "sampling rate; 0: from the board, which sends it in mode framed only", "Hz", 0.0, 1e5)
    unit: str = option("", "unit of the numbers (V, mV, uV, counts); empty: from the board")
    volts_per_count: float = option(0.0, "converts counts to V; 0: counts, or as the board describes", "V", 0.0, 1.0)
    channels: tuple[str, ...] = option(
        (), "names of the channels, or which of the labels that the board sends; empty: its labels, else ch1, ch2 …"
    )
    wait_s: float = option(5.0, "how long opening waits: an Arduino restarts when its port is opened", "s", 0.1, 60.0)
    silence_s: float = option(0.5, "time without samples that is a fault", "s", 0.01, 60.0)


class FramedBoard:
    """Reader of a board that sends frames: samples and times."""

    def __init__(self, options: SerialOptions) -> None:
        self._options = options
        self._decoder = serial_frame.FrameDecoder()
        self._description: serial_frame.BoardDescription | None = None
        self._channels = 0
        self._scale = 1.0
        self._other = ""
        self._opened: serial_frame.BoardDescription | None = None
        self.base = TimeBase(1.0)

    @property
    def timing(self) -> SourceTiming:
        """Timing so far, and the number of damaged frames or lines."""
        self.base.counts["damaged"] = self._decoder.counts["damaged"]
        return self.base.timing

    @property
    def known(self) -> bool:
        """True when rate, unit and channels are known."""
        o = self._options
        asked = bool(o.rate and (o.unit or o.volts_per_count))
        return bool(self._channels) and (asked or self._description is not None)

    def silence(self, n_bytes: int) -> SourceError:
        """The error of a board of which they are not known after `n_bytes` bytes."""
        o = self._options
        if not n_bytes:
            return SourceError(f"nothing comes from {o.port}: is the board on, and is it the right port?")
        if not self._channels:
            return SourceError(
                f"what comes from {o.port} are no frames of EMG: is the baud rate {o.baud} right, or does the board "
                "send text (mode ascii)?"
            )
        return SourceError(f"the board on {o.port} does not say its rate and unit: give them (rate, unit)")

    def spec(self) -> SourceSpec:
        """Specification of the board; raises `SourceError` if it is incomplete."""
        o, description = self._options, self._description or serial_frame.BoardDescription(self._channels, 0.0)
        if o.rate and description.rate and abs(o.rate / description.rate - 1) > 1e-3:
            raise SourceError(f"the board on {o.port} says that its rate is {description.rate:g} Hz, not {o.rate:g} Hz")
        self._scale, unit = _scale(o, description.volts)
        about = f"frames from {o.port} at {o.baud} Bd"
        return SourceSpec(
            f"serial {o.port}", channel_names(o.channels, self._channels), o.rate or description.rate, unit, about
        )

    def begin(self, rate: float) -> None:
        """Start the time base, for the board as it is now."""
        self.base, self._opened = TimeBase(rate), self._description

    def restart(self) -> None:
        """The port was reopened: drop an incomplete frame."""
        self._decoder.reset()

    @property
    def fault(self) -> str:
        """Empty, or how the board differs from the one that was opened: its samples are left out."""
        return f"the board on {self._options.port} now sends {self._other}: open it again" if self._other else ""

    def parse(self, data: bytes, arrival: float) -> tuple[Array, Array]:
        """New samples (n, n_channels) and their times (n,)."""
        parts, counters = [], []
        for one in self._decoder.parse(data):
            n = one.channels if isinstance(one, serial_frame.BoardDescription) else one.samples.shape[1]
            self._channels = self._channels or n
            if n != self._channels:
                self._other = f"{n} channels, it began with {self._channels}"
            elif isinstance(one, serial_frame.BoardDescription):
                self._description, before = one, self._opened
                same = before is None or (one.rate, one.volts) == (before.rate, before.volts)
                now = f"samples at {one.rate:g} Hz and {one.volts:g} V per count, not as it began"
                self._other = "" if same else now
            elif not self._other:
                parts.append(one.samples)
                counters.append(one.counter + np.arange(len(one.samples)))
        if not parts:
            return np.zeros((0, self._channels)), np.zeros(0)
        times, new = self.base.by_counter(np.concatenate(counters) % serial_frame.MODULO, serial_frame.MODULO, arrival)
        return np.asarray(np.concatenate(parts)[new] * self._scale, float), times[new]


class AsciiBoard:
    """Reader of a board that sends lines of text: samples and times."""

    def __init__(self, options: SerialOptions) -> None:
        self._options = options
        self._lines = Lines()
        self._columns: list[int] | None = None
        self.base = TimeBase(1.0)
        self._scale = 1.0

    @property
    def timing(self) -> SourceTiming:
        """Timing so far, and the number of damaged frames or lines."""
        self.base.counts["damaged"] = self._lines.counts["damaged"]
        return self.base.timing

    @property
    def known(self) -> bool:
        """True when the form of its lines is known."""
        return self._lines.known

    def silence(self, n_bytes: int) -> SourceError:
        """The error of a board of which they are not known after `n_bytes` bytes."""
        o = self._options
        if not n_bytes:
            return SourceError(f"nothing comes from {o.port}: is the board on, and is it the right port?")
        if self._lines.counts["lines"]:
            return SourceError(
                f"no {SETTLED} lines in a row from {o.port} have as many numbers: one a channel is needed"
            )
        return SourceError(
            f"what comes from {o.port} are no lines of numbers: is the baud rate {o.baud} right, or does the board "
            "send frames (mode framed)?"
        )

    def spec(self) -> SourceSpec:
        """Specification of the board; raises `SourceError` if it is incomplete."""
        o = self._options
        if not o.rate:
            raise SourceError(f"lines of text do not say how many come per second: give the rate of {o.port} (rate)")
        self._scale, unit = _scale(o, 0.0)
        if not unit:
            raise SourceError(f"lines of text do not say their unit: give it (unit), such as counts, for {o.port}")
        about = f"lines of text from {o.port} at {o.baud} Bd"
        return SourceSpec(f"serial {o.port}", self._select_channels(), o.rate, unit, about)

    def _select_channels(self) -> tuple[str, ...]:
        """Names of the channels; also sets their columns: those of the requested labels, or all."""
        o, labels = self._options, self._lines.labels
        if o.channels and set(o.channels) <= set(labels):
            self._columns = [labels.index(c) for c in o.channels]
            return o.channels
        clock = [label for label in labels if label.lower() in CLOCKS]
        if clock and not o.channels:
            others = ", ".join(label for label in labels if label not in clock)
            raise SourceError(
                f"the board on {o.port} sends {clock[0]!r}, which is no EMG: name the channels that are "
                f"(channels=[{others}])"
            )
        n = self._lines.channels
        if o.channels and len(o.channels) != n:
            raise SourceError(
                f"what comes from {o.port} are no lines of {len(o.channels)} numbers, but of "
                f"{_shape((n, labels))}: name them all, or those of its labels that are EMG (channels)"
            )
        self._columns = list(range(n))
        return channel_names(o.channels, self._lines.channels, labels)

    def begin(self, rate: float) -> None:
        """Start the time base and the count of damaged lines."""
        self.base = TimeBase(rate)
        self._lines.counts.clear()

    def restart(self) -> None:
        """The port was reopened: drop an incomplete line."""
        self._lines.reset()

    @property
    def fault(self) -> str:
        """Empty, or how the lines differ from those at the start: they are left out."""
        other = self._lines.other
        if other is None:
            return ""
        port, before = self._options.port, _shape((self._lines.channels, self._lines.labels))
        return f"the board on {port} now sends lines of {_shape(other)}, and before of {before}: open it again"

    def parse(self, data: bytes, arrival: float) -> tuple[Array, Array]:
        """New samples (n, n_channels) and their times (n,)."""
        samples = self._lines.parse(data)
        samples = (samples if self._columns is None else samples[:, self._columns]) * self._scale
        times, _ = self.base.by_arrival(len(samples), arrival)
        return samples, times


def _shape(shape: Shape) -> str:
    n, labels = shape
    return f"{n} numbers" + (f" ({', '.join(labels)})" if labels else "")


def reader(options: SerialOptions) -> FramedBoard | AsciiBoard:
    """The reader for the mode in `options`."""
    return FramedBoard(options) if options.mode == "framed" else AsciiBoard(options)


def _scale(o: SerialOptions, board_volts: float) -> tuple[float, str]:
    """Factor from the numbers on the line to the unit, and the unit; `board_volts`: volts per count of the board."""
    if o.volts_per_count or (board_volts and not o.unit):
        return o.volts_per_count or board_volts, "V"
    unit = o.unit or ("counts" if board_volts == 0 and o.mode == "framed" else "")
    name, factor = volts(unit)
    return factor, name

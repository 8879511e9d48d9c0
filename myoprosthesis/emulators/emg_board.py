"""EMG boards that are not there: what they would send by now, with the caller's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emg import frame_codec
from myoprosthesis.emg.sources.synthetic import Synthetic, SyntheticOptions

Signal = Callable[[int, int, int], NDArray[np.int32]]
"""What a board measures: from sample `first` on, `n` samples of so many channels, (n, channels), counts."""


class EmgBoard(Protocol):
    """Bytes in, bytes out; `now` is in s since the board was switched on."""

    name: str
    baud: int
    sent: int
    """Samples sent so far."""

    def receive(self, data: bytes, now: float) -> bytes:
        """What it answers to `data`."""
        ...

    def due(self, now: float) -> bytes:
        """What it has measured and sent until `now` and not returned yet."""
        ...


def counts(first: int, n: int, channels: int) -> NDArray[np.int32]:
    """The samples that these boards measure, (n, channels): sawtooths, another slope for each channel, so that every
    sample tells its number."""
    k = np.arange(first, first + n)[:, None]
    return np.asarray((k * (np.arange(channels) + 1)) % 1000 - 500, np.int32)


class Contractions:
    """A `Signal` like EMG, in counts of `volts`: rest and gestures in turn, as the source synthetic makes them.

    `options` has the channels and the rate of the board; samples are asked for in their order.
    """

    def __init__(self, options: SyntheticOptions, volts: float) -> None:
        self.options, self._volts, self._due_s = options, volts, 0.0
        self._source = Synthetic(options, lambda: round(self._due_s * 1e9))
        self._source.open()

    def __call__(self, first: int, n: int, channels: int) -> NDArray[np.int32]:
        """The next samples."""
        self._due_s = (first + n - 0.5) / self.options.rate
        block = self._source.read() if n else None
        samples = block.samples if block is not None else np.zeros((0, channels))
        return np.rint(samples / self._volts).astype(np.int32)

    def gesture(self, seconds: float) -> str:
        """What is done so long after the beginning."""
        o = self.options
        return o.gestures[int(seconds / o.hold_s) % len(o.gestures)]


class FramedEmgBoard:
    """Frames as in emg/frame_codec.py, with a description each second."""

    name = "framed"

    def __init__(
        self, channels: int = 8, rate: float = 1000.0, per_frame: int = 5, kind: int = frame_codec.INT16,
        volts: float = 1e-6, baud: int = 921_600, signal: Signal = counts,
    ) -> None:  # fmt: skip
        self.told = frame_codec.BoardDescription(channels, rate, volts, 32_767)
        self.per_frame, self.kind, self.baud, self.signal = per_frame, kind, baud, signal
        self.sent = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """It does not listen."""
        return b""

    def due(self, now: float) -> bytes:
        """All frames that are full."""
        out = bytearray()
        while (self.sent + self.per_frame) / self.told.rate <= now:
            if self.sent % max(1, round(self.told.rate)) < self.per_frame:
                out += frame_codec.describe(self.told, self.sent)
            samples = self.signal(self.sent, self.per_frame, self.told.channels)
            out += frame_codec.encode(frame_codec.EmgFrame(self.sent % frame_codec.MODULO, samples), self.kind)
            self.sent += self.per_frame
        return bytes(out)


class AsciiEmgBoard:
    """Lines of whole numbers."""

    name = "ascii"

    def __init__(
        self, channels: int = 2, rate: float = 500.0, between: str = ", ", baud: int = 115_200, signal: Signal = counts
    ) -> None:
        self.channels, self.rate, self.between, self.baud, self.signal = channels, rate, between, baud, signal
        self.sent = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """It does not listen."""
        return b""

    def due(self, now: float) -> bytes:
        """A line for each sample."""
        n = max(0, int(now * self.rate) - self.sent)
        rows = self.signal(self.sent, n, self.channels)
        self.sent += n
        return "".join(self.between.join(map(str, row)) + "\r\n" for row in rows.tolist()).encode()

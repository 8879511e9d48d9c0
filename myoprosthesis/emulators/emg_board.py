"""Emulated EMG boards: bytes they have sent by a time of the caller's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emg import serial_frame
from myoprosthesis.emg.sources.synthetic import Synthetic, SyntheticOptions

Signal = Callable[[int, int, int], NDArray[np.int32]]
"""Signal that a board measures: (first, n, channels) → counts from sample `first` on, shape (n, channels)."""


class EmgBoard(Protocol):
    """An emulated EMG board: bytes in, bytes out, with the caller's clock.

    Attributes:
        name: Name of the board.
        baud: Speed of its port, Bd.
        sent: Samples sent up to now.
    """

    name: str
    baud: int
    sent: int

    def receive(self, data: bytes, now: float) -> bytes:
        """Answer to commands.

        Args:
            data: Bytes from the driver.
            now: Time since the board was switched on, s.
        """
        ...

    def due(self, now: float) -> bytes:
        """Bytes that the board has sent since the last call.

        Args:
            now: Time since the board was switched on, s.
        """
        ...


def counts(first: int, n: int, channels: int) -> NDArray[np.int32]:
    """Sawtooths (n, channels), with another slope for each channel, so that every sample identifies its number."""
    k = np.arange(first, first + n)[:, None]
    return np.asarray((k * (np.arange(channels) + 1)) % 1000 - 500, np.int32)


class Contractions:
    """A `Signal` like EMG, in counts of `volts`: rest and gestures in turn, from the EMG source `synthetic`.

    `options` has the channels and the rate of the board; samples must be requested in their order.
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
        """The gesture `seconds` after the start."""
        o = self.options
        return o.gestures[int(seconds / o.hold_s) % len(o.gestures)]


class FramedEmgBoard:
    """Emulated board that sends frames (emg/serial_frame.py), with a description each second."""

    name = "framed"

    def __init__(
        self, channels: int = 8, rate: float = 1000.0, per_frame: int = 5, kind: int = serial_frame.INT16,
        volts: float = 1e-6, baud: int = 921_600, signal: Signal = counts,
    ) -> None:  # fmt: skip
        self.description = serial_frame.BoardDescription(channels, rate, volts, 32_767)
        self.per_frame, self.kind, self.baud, self.signal = per_frame, kind, baud, signal
        self.sent = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """Nothing: the board has no commands."""
        return b""

    def due(self, now: float) -> bytes:
        """The frames that are complete at `now`."""
        out = bytearray()
        while (self.sent + self.per_frame) / self.description.rate <= now:
            if self.sent % max(1, round(self.description.rate)) < self.per_frame:
                out += serial_frame.describe(self.description, self.sent)
            samples = self.signal(self.sent, self.per_frame, self.description.channels)
            out += serial_frame.encode(serial_frame.EmgFrame(self.sent % serial_frame.MODULO, samples), self.kind)
            self.sent += self.per_frame
        return bytes(out)


class AsciiEmgBoard:
    """Emulated board that sends lines of whole numbers."""

    name = "ascii"

    def __init__(
        self, channels: int = 2, rate: float = 500.0, between: str = ", ", baud: int = 115_200, signal: Signal = counts
    ) -> None:
        self.channels, self.rate, self.between, self.baud, self.signal = channels, rate, between, baud, signal
        self.sent = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """Nothing: the board has no commands."""
        return b""

    def due(self, now: float) -> bytes:
        """One line per sample up to `now`."""
        n = max(0, int(now * self.rate) - self.sent)
        rows = self.signal(self.sent, n, self.channels)
        self.sent += n
        return "".join(self.between.join(map(str, row)) + "\r\n" for row in rows.tolist()).encode()

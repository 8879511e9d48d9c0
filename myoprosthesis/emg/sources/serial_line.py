"""EMG from a board on a serial port: lines of text, or frames with a counter and a CRC (emg/frame_codec.py)."""

from __future__ import annotations

import contextlib
import time

import serial

from myoprosthesis.core.errors import SourceError
from myoprosthesis.core.serial_errors import explain, reason, refuse_foreign_link
from myoprosthesis.emg.source import EmgBlock, SourceSpec, silence
from myoprosthesis.emg.sources.serial_boards import SerialOptions, reader
from myoprosthesis.emg.timebase import TimeBaseSettings

RETRY_S = 0.1
"""Between two attempts to open a port that was lost."""
POLL_S = 2e-3


class SerialLine:
    """Implements `EmgSource`. Times are by the board's counter (`framed`) or its even pace (`ascii`)."""

    def __init__(self, options: SerialOptions) -> None:
        self.options = options
        self.ended = False
        self._port: serial.Serial | None = None
        self._spec: SourceSpec | None = None
        self._reader = reader(options)
        self._fault, self._heard, self._bytes_at, self._retry = "", 0.0, 0.0, 0.0

    @property
    def spec(self) -> SourceSpec:
        """As the board and the options say."""
        if self._spec is None:
            raise SourceError(f"{self.options.port} is not open yet")
        return self._spec

    @property
    def timing(self) -> TimeBaseSettings:
        """Gaps, lost samples and damaged frames or lines; the drift of the board's clock."""
        return self._reader.timing

    @property
    def fault(self) -> str:
        """The port is gone, or nothing that can be understood comes."""
        o = self.options
        if self._spec is None or self._fault or self._reader.fault:
            return self._fault or self._reader.fault
        now = time.monotonic()
        if now - self._heard < o.silence_s:
            return ""
        if self.timing.samples and now - self._bytes_at < o.silence_s:
            return f"what has come from {o.port} for more than {o.silence_s:g} s is no EMG: is it still the same board?"
        return silence(o.port, o.silence_s, self.timing.samples, "is the board on, and plugged in?")

    def open(self) -> None:
        """Open the port and wait for the first samples, up to `wait_s`; raises `SourceError` with what would help."""
        o = self.options
        self.close()
        try:
            self._port = self._opened()
        except (OSError, ValueError) as error:
            raise SourceError(explain(o.port, error, "board")) from error
        board, heard, until = reader(o), 0, time.monotonic() + o.wait_s
        self._reader = board
        try:
            while not board.known and time.monotonic() < until:
                data = self._bytes()
                heard += len(data)
                board.feed(data, time.monotonic())
                if not data:
                    time.sleep(POLL_S)
                if self._port is None:
                    raise SourceError(self._fault)
            if not board.known:
                raise SourceError(board.complaint(heard))
            self._spec = board.spec()
        except Exception:
            self.close()
            raise
        board.begin(self._spec.rate)
        self._heard = time.monotonic()

    def read(self) -> EmgBlock | None:
        """All that waits in the operating system's buffer."""
        if self._spec is None:
            return None
        if self._port is None:
            self._try_again()
        data = self._bytes()
        arrival, arrival_ns = time.monotonic(), time.time_ns()
        if data:
            self._bytes_at = arrival
        samples, times = self._reader.feed(data, arrival)
        if not len(samples):
            return None
        self._heard = arrival
        return EmgBlock(samples, times, self._reader.base.stamps_ns(times, arrival, arrival_ns), arrival_ns)

    def close(self) -> None:
        """Release the port."""
        port, self._port, self._spec, self._fault = self._port, None, None, ""
        if port is not None:
            with contextlib.suppress(OSError):
                port.close()

    def _opened(self) -> serial.Serial:
        refuse_foreign_link(self.options.port)
        return serial.Serial(self.options.port, self.options.baud, timeout=0, exclusive=True)

    def _bytes(self) -> bytes:
        """What has come, whole: the newest samples must not be left behind."""
        out = b""
        try:
            while self._port is not None:
                waiting = self._port.in_waiting
                data = self._port.read(waiting or 1)  # at least one, since only reading tells that the board is gone
                out += data
                if len(data) < max(waiting, 1) or not waiting or len(out) > 1 << 20:
                    break
        except (OSError, TypeError) as error:
            why = f"{self.options.port} is gone ({reason(error)})"
            self._fault = f"{why}; it is used again as soon as the board is plugged in"
            port, self._port = self._port, None
            if port is not None:
                with contextlib.suppress(OSError):
                    port.close()  # at once, since nothing was ever written that would have to leave
        return out

    def _try_again(self) -> None:
        now = time.monotonic()
        if now < self._retry:
            return
        self._retry = now + RETRY_S
        try:
            self._port = self._opened()
        except (OSError, ValueError):
            return
        self._fault, self._heard = "", now
        self._reader.restart()

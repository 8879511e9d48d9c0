"""EMG source for boards on a serial port: lines of text, or frames with a counter and a CRC (emg/serial_frame.py)."""

from __future__ import annotations

import contextlib
import time

import serial

from myoprosthesis.core.errors import SourceError
from myoprosthesis.core.serial_errors import explain, once_free, reason, refuse_foreign_link
from myoprosthesis.emg.source import EmgBlock, SourceSpec, opened, silence
from myoprosthesis.emg.sources.serial_boards import SerialOptions, reader
from myoprosthesis.emg.timebase import SourceTiming

RETRY_S = 0.1
"""Time between two attempts to reopen a lost port."""
POLL_S = 2e-3


class SerialLine:
    """EMG source for a serial port (`EmgSource`).

    Times are by the board's counter (`framed`) or its even rate (`ascii`).
    """

    def __init__(self, options: SerialOptions) -> None:
        self.options = options
        self.ended = False
        self._port: serial.Serial | None = None
        self._spec: SourceSpec | None = None
        self._reader = reader(options)
        self._fault, self._last_sample_s, self._last_byte_s, self._retry = "", 0.0, 0.0, 0.0

    @property
    def spec(self) -> SourceSpec:
        """From the board's description and the options."""
        return opened(self._spec, self.options.port)

    @property
    def timing(self) -> SourceTiming:
        """Gaps, lost samples and damaged frames or lines; the drift of the board's clock."""
        return self._reader.timing

    @property
    def fault(self) -> str:
        """The port is gone, or what comes is no EMG."""
        o = self.options
        if self._spec is None or self._fault or self._reader.fault:
            return self._fault or self._reader.fault
        question = "is the board on, and plugged in?"
        fault = silence(o.port, self._last_sample_s, o.silence_s, self.timing.samples, question)
        if fault and self.timing.samples and time.monotonic() - self._last_byte_s < o.silence_s:
            return f"what has come from {o.port} for more than {o.silence_s:g} s is no EMG: is it still the same board?"
        return fault

    def open(self) -> None:
        """Open the port and wait for the first samples, up to `wait_s`; raises `SourceError` with what would help."""
        o = self.options
        self.close()
        try:
            self._port = once_free(self._open_port)
        except (OSError, ValueError) as error:
            raise SourceError(explain(o.port, error, "board")) from error
        board, n_bytes, until = reader(o), 0, time.monotonic() + o.wait_s
        self._reader = board
        try:
            while not board.known and time.monotonic() < until:
                data = self._bytes()
                n_bytes += len(data)
                board.parse(data, time.monotonic())
                if not data:
                    time.sleep(POLL_S)
                if self._port is None:
                    raise SourceError(self._fault)
            if not board.known:
                raise board.silence(n_bytes)
            self._spec = board.spec()
        except Exception:
            self.close()
            raise
        board.begin(self._spec.rate)
        self._last_sample_s = time.monotonic()

    def read(self) -> EmgBlock | None:
        """All samples in the operating system's buffer."""
        if self._spec is None:
            return None
        if self._port is None:
            self._reopen()
        data = self._bytes()
        arrival, arrival_ns = time.monotonic(), time.time_ns()
        if data:
            self._last_byte_s = arrival
        samples, times = self._reader.parse(data, arrival)
        if not len(samples):
            return None
        self._last_sample_s = arrival
        return EmgBlock(samples, times, self._reader.base.stamps_ns(times, arrival, arrival_ns), arrival_ns)

    def close(self) -> None:
        """Release the port."""
        port, self._port, self._spec, self._fault = self._port, None, None, ""
        if port is not None:
            with contextlib.suppress(OSError):
                port.close()

    def _open_port(self) -> serial.Serial:
        refuse_foreign_link(self.options.port)
        return serial.Serial(self.options.port, self.options.baud, timeout=0, exclusive=True)

    def _bytes(self) -> bytes:
        """All bytes in the buffer: the newest samples must not wait for the next call."""
        out = b""
        try:
            while self._port is not None:
                waiting = self._port.in_waiting
                data = self._port.read(waiting or 1)  # at least one: only a read shows that the board is gone
                out += data
                if len(data) < max(waiting, 1) or not waiting or len(out) > 1 << 20:
                    break
        except (OSError, TypeError) as error:
            why = f"{self.options.port} is gone ({reason(error)})"
            self._fault = f"{why}; it is used again as soon as the board is plugged in"
            port, self._port = self._port, None
            if port is not None:
                with contextlib.suppress(OSError):
                    port.close()  # returns at once: nothing was written
        return out

    def _reopen(self) -> None:
        now = time.monotonic()
        if now < self._retry:
            return
        self._retry = now + RETRY_S
        try:
            self._port = self._open_port()
        except (OSError, ValueError):
            return
        self._fault, self._last_sample_s = "", now
        self._reader.restart()

"""The recorder's loop: what has come goes into the recording, a few milliseconds at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.recording import cdr
from myoprosthesis.recording.bag_writer import BagWriter, stamp_ns

POLL_S = 0.005
"""Messages wait in the middleware's queues meanwhile: to wake for each of them would cost several times as much as to
write it, on processors that the loops need."""


@dataclass(eq=False)
class Line:
    """A topic that is recorded: `take` gives what has come since, as (bytes, time of arrival in ns)."""

    name: str
    kind: str
    qos: Sequence[Mapping[str, Any]]
    take: Callable[[], list[tuple[bytes, int]]]
    inspect: Callable[[bytes], None] = lambda data: None
    received: int = 0
    channel: int = 0
    """Of the file; 0 until the first message."""


@dataclass
class Gaps:
    """Ticks whose state did not come, told by the stamps of those that did."""

    dt_ns: int = 0
    """Period of the effector; 0: not known yet."""
    missing: int = 0
    _last_ns: int | None = field(default=None, repr=False)

    def spec(self, data: bytes) -> None:
        """Learn the period from a message of `effector/spec`."""
        try:
            self.dt_ns = round(float(json.loads(cdr.text(data))["dt"]) * 1e9)
        except (RecordingError, ValueError, KeyError, TypeError):
            self.dt_ns = 0

    def state(self, data: bytes) -> None:
        """Count what is missing between the state before and this one; time that goes back begins anew."""
        now, last = stamp_ns(data, 0), self._last_ns
        self._last_ns = now
        if last is not None and self.dt_ns and now > last:
            self.missing += max(0, round((now - last) / self.dt_ns) - 1)


class RecorderLoop(ControlLoop):
    """Takes from all lines and writes, in one thread; while it is not active what comes is left out."""

    def __init__(self, writer: BagWriter, flush_s: float, say: Callable[[str, str], None]) -> None:
        super().__init__(lockstep=False)
        self.writer, self._flush_s, self._say = writer, flush_s, say
        self.lines: list[Line] = []
        """May grow while it runs."""
        self.fault = ""

    def stop(self) -> None:
        """Write what has come until now and finish the recording; safe to call twice."""
        super().stop()
        try:
            self._take()
            self.writer.close()
        except RecordingError as error:
            self._failed(error)

    def _run(self) -> None:
        flushed = time.monotonic()
        while not self._stop.is_set():
            time.sleep(POLL_S)
            try:
                self._take()
                now = time.monotonic()
                if now - flushed >= self._flush_s:
                    flushed = now
                    if self.writer.flush() and self.fault:
                        self.fault = ""
                        lost = self.writer.lost
                        self._say("warning", f"{self.writer.path} is written again; {lost} messages are lost")
            except RecordingError as error:
                self._failed(error)

    def _take(self) -> None:
        came: list[tuple[int, Line, bytes]] = []
        for line in list(self.lines):
            for data, at in line.take():
                line.received += 1
                line.inspect(data)
                came.append((at or time.time_ns(), line, data))
        if not self.active:
            return
        came.sort(key=itemgetter(0))
        for at, line, data in came:
            if not line.channel:
                line.channel = self.writer.topic(line.name, line.kind, line.qos)
            self.writer.add(line.channel, at, data)

    def _failed(self, error: RecordingError) -> None:
        if not self.fault:  # told once; it is tried again with whatever comes next
            self._say("fatal", str(error))
        self.fault = str(error)

"""The recorder's loop: what has come goes into the recording, a few milliseconds at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.recording.bag_writer import SIMULATED_BEFORE_NS, BagWriter, stamp_ns

POLL_S = 0.01
"""Messages wait in the middleware's queues meanwhile: to wake for each of them would cost several times as much as to
write it, on processors that the loops need."""
AUTO, WALL, SIMULATED = "auto", "wall", "simulated"
"""Which time messages are filed under; auto: simulated where the stamps of the states are."""
HOLD_NS = 1_000_000_000
"""In a graph without states, messages are held for this time before they are filed under the time of their receipt."""


@dataclass(eq=False)
class Line:
    """A topic that is recorded: `take` gives the messages that have come since, each with what rclpy knows of it."""

    name: str
    kind: str
    qos: Sequence[Mapping[str, Any]]
    take: Callable[[], list[tuple[bytes, dict[str, Any]]]]
    received: int = 0
    missing: int = 0
    """Messages that their publishers have sent between those that came."""
    channel: int = 0
    """Of the file; 0 until the first message."""
    _newest: dict[bytes, int] = field(default_factory=dict)

    def count(self, info: Mapping[str, Any]) -> int:
        """Keep account of one message; its number by its publisher."""
        self.received += 1
        number = info.get("publication_sequence_number") or 0
        publisher = info.get("publisher_gid")
        if number and publisher:
            before = self._newest.get(publisher["data"], number - 1)
            self.missing += max(0, number - before - 1)
            self._newest[publisher["data"]] = number
        return number


class RecorderLoop(ControlLoop):
    """Takes from all lines and writes, in one thread; while it is not active what comes is left out."""

    def __init__(
        self, writer: BagWriter, flush_s: float, say: Callable[[str, str], None], clock: str = AUTO, pace: str = ""
    ) -> None:
        """`clock`: which time messages are filed under; `pace` is the topic whose stamps are the simulated time."""
        super().__init__(lockstep=False)
        self._clock, self._pace = clock, pace
        self._decided = clock == WALL
        self._held: list[tuple[int, Line, bytes, int]] = []
        """What came before it was known which time it is."""
        self.writer, self._flush_s, self._say = writer, flush_s, say
        self.lines: list[Line] = []
        """May grow while it runs."""
        self.fault = ""

    def stop(self) -> None:
        """Write what has come until now and finish the recording; safe to call twice."""
        super().stop()
        try:
            self._take()
            if self._held:
                self._decided = True
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
        came: list[tuple[int, Line, bytes, int]] = []
        for line in list(self.lines):
            for data, info in line.take():
                came.append((info.get("received_timestamp") or time.time_ns(), line, data, line.count(info)))
        if not self.active:
            return
        came.sort(key=itemgetter(0))
        came = [*self._held, *came]
        if not self._decided:
            self._decide(came)
        self._held = [] if self._decided else came
        if self._held:
            return
        for at, line, data, number in came:
            if self.writer.simulated_ns is not None and line.name == self._pace:
                self.writer.simulated_ns = stamp_ns(data, self.writer.simulated_ns)
            if not line.channel:
                line.channel = self.writer.topic(line.name, line.kind, line.qos)
            self.writer.add(line.channel, at, data, number)

    def _decide(self, came: list[tuple[int, Line, bytes, int]]) -> None:
        """Whether the stack is in simulated time, by the first stamp of what paces it."""
        first = next((stamp_ns(data, 0) for _, line, data, _ in came if line.name == self._pace), None)
        if first is not None:
            self._decided = True
            if self._clock == SIMULATED or first < SIMULATED_BEFORE_NS:
                self.writer.simulated_ns = first
        elif came and self._clock == AUTO and time.time_ns() - came[0][0] > HOLD_NS:
            self._decided = True

    def _failed(self, error: RecordingError) -> None:
        if not self.fault:  # reported once; it is tried again with whatever comes next
            self._say("fatal", str(error))
        self.fault = str(error)

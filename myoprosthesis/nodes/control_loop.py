"""What every control loop is: a thread of its own, and a queue of requests that are done between two ticks."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from myoprosthesis.core.loop import FIFO_PRIORITY, prefer

MIDDLEWARE = "dds."
"""How Fast DDS names its threads."""


class ControlLoop:
    """Subclasses give `_run`, which goes on until `_stop` is set and calls `_serve` between two ticks."""

    def __init__(self, *, lockstep: bool) -> None:
        self.lockstep = lockstep
        self.active = True
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, thread: Callable[[Callable[[], None]], threading.Thread]) -> None:
        """Begin. `thread` starts a function in a thread."""
        self._thread = thread(self._run)

    def stop(self) -> None:
        """End; safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            self._thread = None

    def request(self, action: Callable[[], None]) -> None:
        """Have `action` done between two ticks."""
        self._requests.put(action)

    def _serve(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._requests.get_nowait()()

    def _run(self) -> None:
        raise NotImplementedError


def hasten() -> None:
    """Real-time scheduling for the calling thread and, just above it, for the middleware's threads of this process,
    where it is granted. A control thread alone gains little while its messages wait behind others for a processor:
    with a policy loaded every 60 ms, it missed 37 of 60 000 ticks at 500 Hz, and both together 8 of 68 000."""
    if not prefer():
        return
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile
            if (task / "comm").read_text().startswith(MIDDLEWARE):
                os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY + 1))

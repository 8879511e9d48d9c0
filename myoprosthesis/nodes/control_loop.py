"""What every control loop is: a thread of its own, and a queue of requests that are done between two ticks."""

from __future__ import annotations

import contextlib
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable


class ControlLoop(ABC):
    """Subclasses give `_run`, which goes on until `_stop` is set and calls `_serve` between two ticks."""

    join_s = 5.0
    """How long the end of the thread is waited for."""

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
            self._thread.join(timeout=self.join_s)
            self._thread = None

    def request(self, action: Callable[[], None]) -> None:
        """Have `action` done between two ticks."""
        self._requests.put(action)

    def _serve(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._requests.get_nowait()()

    @abstractmethod
    def _run(self) -> None:
        """The loop itself, in its thread."""

"""A thread that does one job after another, so that neither the page's server nor the executor waits for any."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from myoprosthesis.core.errors import Refused

Job = Callable[[], None]
MOST = 16
"""Jobs that may wait."""


class JobThread:
    """Does jobs in their order; a mistake in one ends the process, as `node_main.run` has it."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(MOST)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, job: Job) -> None:
        """Do this after what waits; raises `Refused` where too much does."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Refused(f"{MOST} requests wait already: ask again when they are done") from None

    def close(self, seconds: float) -> None:
        """Begin no further job, and wait this long for the one that is being done."""
        while not self._jobs.empty():
            self._jobs.get_nowait()
        self._jobs.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

"""An ONNX network in memory, run within bounds: a network from anybody can neither hang nor take all memory."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import onnxruntime
from numpy.typing import NDArray

MEMORY_BYTES = 512 << 20
"""What all networks of a process may take together, beside their files."""
WAKE_S, PATIENCE = 0.2, 5
"""A run that still goes on after this many looks, this far apart, is ended. Looks are counted, not seconds: a process
that was held, or starved, has not looked."""
STUCK = 20
"""One that has not ended after this many looks never will: a single operator is at work."""


class Overdue(TimeoutError):
    """A run that did not end by itself in time."""


class OnnxSession:
    """Runs a network on one thread."""

    def __init__(self, data: bytes) -> None:
        """Raises what onnxruntime does."""
        _limit_memory()
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 4
        settings.add_session_config_entry("session.use_env_allocators", "1")
        # Making a session holds Python's lock: 0.3 ms at this level, 0.5 at the default, which runs no faster.
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session = onnxruntime.InferenceSession(
            data, settings, providers=["CPUExecutionProvider"],
            disabled_optimizers=["ConstantFolding"],  # which would take memory beside the limit
        )  # fmt: skip
        self._options = _options()
        self._runs, self._running, self._ended = 0, False, False
        WATCHDOG.watch(self)

    def run(self, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[Any]:
        """The outputs by their names; raises `Overdue`, and what onnxruntime does."""
        self._runs += 1
        self._running = True
        try:
            return self._session.run(outputs, feed, self._options)  # type: ignore[no-any-return]
        except Exception as error:
            if self._ended:
                self._ended, self._options = False, _options()
                raise Overdue(f"it did not answer within {WAKE_S * PATIENCE:g} s") from error
            raise
        finally:
            self._running = False

    def end(self) -> None:
        """End the run that goes on, if one does, between two operators of the network."""
        if self._running:
            self._ended = self._options.terminate = True

    @property
    def number(self) -> int:
        """The number of the run that goes on; 0 when none does."""
        return self._runs if self._running else 0


class OnnxWatchdog:
    """Looks at all sessions of this process in a thread of its own, and ends runs that take too long."""

    def __init__(self) -> None:
        self._sessions: weakref.WeakSet[OnnxSession] = weakref.WeakSet()
        self._looks: weakref.WeakKeyDictionary[OnnxSession, tuple[int, int]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.stuck: Callable[[], None] | None = None
        """Called when a run does not end although it was asked to."""

    def watch(self, session: OnnxSession) -> None:
        """Look at this one, too."""
        with self._lock:
            self._sessions.add(session)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(WAKE_S)
            with self._lock:
                sessions = list(self._sessions)
            for session in sessions:
                self._look(session)

    def _look(self, session: OnnxSession) -> None:
        number = session.number
        before, looks = self._looks.get(session, (0, 0))
        looks = looks + 1 if number and number == before else 0
        self._looks[session] = number, looks
        if looks >= PATIENCE:
            session.end()
        if looks >= STUCK and self.stuck is not None:
            self.stuck()


WATCHDOG = OnnxWatchdog()


def _options() -> Any:
    options = onnxruntime.RunOptions()
    options.log_severity_level = 4
    return options


@cache
def _limit_memory() -> None:
    """One arena for all sessions of this process, which does not grow beyond `MEMORY_BYTES`."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"max_mem": MEMORY_BYTES}))

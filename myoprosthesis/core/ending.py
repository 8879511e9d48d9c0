"""How a process ends that is asked to: in order as far as it can, and in any case within seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

PROMPT_S = 2.0
"""For what has nothing to bring to an end."""
ORDERLY_S = 12.0
"""For what has processes of its own to end, or a file to finish."""
_ENDING = (signal.SIGINT, signal.SIGTERM)
_allowed_s = PROMPT_S
_waker: Callable[[], None] | None = None


def wake_by(waker: Callable[[], None] | None) -> None:
    """Have `waker` called, in a thread of its own, once this process is asked to end within a `bounded_end`.

    So that the main thread returns from a library in which it waits, and runs the handler of the signal."""
    global _waker
    _waker = waker


def allow(seconds: float) -> None:
    """Set the time that ending may take from now on."""
    global _allowed_s
    _allowed_s = seconds


@contextlib.contextmanager
def bounded_end(seconds: float = PROMPT_S) -> Iterator[None]:
    """Context in which Ctrl-C or SIGTERM ends the process within `seconds`, or the time that `allow` set since.

    That holds whatever the process does then, and whoever handles these signals.

    Python runs a handler between two steps of the main thread, which never come while a library computes or waits. The
    signal itself is noted at once, in a pipe that a thread reads. A library that holds Python's lock holds this thread
    up as well; those of this package that compute for long release it.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    allow(seconds)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(read, ended), name="end", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(write)


@contextlib.contextmanager
def end_at_once() -> Iterator[None]:
    """Context in which Ctrl-C ends the process where it stands: while libraries are loaded, before anything begins.

    A library that is interrupted while it is loaded turns that into an error of its own (numpy: `ImportError`)."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # somebody ignores or handles it
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _watch(read: int, ended: threading.Event) -> None:
    while data := os.read(read, 64):
        number = next((n for n in data if n in _ENDING), None)
        if number is not None:
            _wake()
        if number is not None and not ended.wait(_allowed_s):
            os._exit(128 + number)
    os.close(read)


def _wake() -> None:
    """Call the waker; in a function of its own, so that the thread that waits on holds nothing of it."""
    if (waker := _waker) is not None:
        waker()


def _forget() -> None:
    """The signals of a child that was forked are not this process's."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget)

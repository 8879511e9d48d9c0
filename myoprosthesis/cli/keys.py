"""Keys of the terminal in which a stack runs: the emergency stop is one key away."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from myoprosthesis.core.errors import ConfigError

POLL_S = 0.05
STOP_KEY, RESUME_KEY = " ", "r"
KEYS = f"keys: space stops the effector, {RESUME_KEY} lets it follow commands again, Ctrl-C ends the stack"


def stop_keys(namespace: str, tell: Callable[[str], object]) -> Callable[[str], None]:
    """A function that takes a pressed key: one stops the effector of a namespace, one lets it follow commands again.

    `tell` receives the answer. It depends on nothing else that the program does.
    """
    from myoprosthesis.nodes import stop_socket

    requests = {STOP_KEY: stop_socket.STOP, RESUME_KEY: stop_socket.RESUME}

    def press(key: str) -> None:
        if key not in requests:
            return
        try:
            answer = stop_socket.request(namespace.strip("/"), requests[key])
        except ConfigError as error:
            answer = str(error)
        if answer is None:
            answer = f"no effector answers; try myoprosthesis {requests[key]}"
        elif key == STOP_KEY:
            answer += f" (key {RESUME_KEY})"
        tell(f"{'space' if key == STOP_KEY else key}: {answer}")

    return press


class Keys:
    """Context manager: calls `press` with each key, in a thread of its own, so that nothing else can delay it.

    Where standard input is no terminal, or this process is not in its foreground, nothing is read. The terminal gets
    its settings back at the end; Ctrl-C and Ctrl-Z work as ever.
    """

    def __init__(self, press: Callable[[str], None]) -> None:
        self._press = press
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._settings: list[Any] | None = None
        self._fd = -1
        self._continued: Any = None

    def __enter__(self) -> Keys:
        with suppress(OSError, ValueError, AttributeError, termios.error):  # closed, replaced, or no terminal
            self._fd = sys.stdin.fileno()
            if os.isatty(self._fd) and self._foreground():
                self._settings = termios.tcgetattr(self._fd)
                tty.setcbreak(self._fd, termios.TCSANOW)
                self._continued = signal.signal(signal.SIGCONT, self._again)
                self._thread = threading.Thread(target=self._read, name="keys", daemon=True)
                self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
            signal.signal(signal.SIGCONT, self._continued)
        if self._settings is not None and self._foreground():
            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._settings)

    @property
    def active(self) -> bool:
        """Whether keys are read."""
        return self._thread is not None

    def _foreground(self) -> bool:
        """A process in the background that reads from its terminal, or sets it, is stopped by the kernel."""
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return False

    def _again(self, number: int, frame: FrameType | None) -> None:
        """After Ctrl-Z and `fg` the shell has reset the terminal."""
        if self._foreground():
            with suppress(termios.error):
                tty.setcbreak(self._fd, termios.TCSANOW)

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                ready = select.select([self._fd], [], [], POLL_S)[0]
                text = os.read(self._fd, 64) if ready and self._foreground() else None
            except OSError:  # the terminal is gone
                return
            if text == b"":
                return
            if text is None:
                if ready:
                    self._stop.wait(POLL_S)  # in the background
                continue
            for key in text.decode(errors="replace"):
                self._press(key)

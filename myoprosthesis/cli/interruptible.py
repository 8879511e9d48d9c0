"""Ctrl-C that is noted and followed at the next safe place."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from myoprosthesis.core.ending import allow

UPDATE_S = 60.0
"""An update that is under way is finished and saved."""


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """A flag that Ctrl-C sets instead of raising; a second Ctrl-C raises."""
    flag = [False]

    def on_signal(number: int, frame: Any) -> None:
        if flag[0]:
            raise KeyboardInterrupt
        flag[0] = True

    before = signal.signal(signal.SIGINT, on_signal)
    allow(UPDATE_S)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)

"""One writer of commands at a time."""

from __future__ import annotations

from collections.abc import Callable

SILENT_S = 0.5
"""Silence after which a writer gives its place to one that was not refused meanwhile."""
HANDOVER_S = 2.0
"""A writer that waits no longer than this takes the place of one that has left; one that went on in spite of being
refused does not come into power by that."""


class OneWriter:
    """Of several writers the one that came first is obeyed, as long as it is there; others are refused.

    A writer that was refused is refused until it has been silent itself, so that it does not take over at the moment at
    which the one that is obeyed fails.
    """

    def __init__(self, present: Callable[[bytes], bool]) -> None:
        """`present` tells whether a writer is still there."""
        self._present = present
        self._heard_s = 0.0
        self._refused: dict[bytes, tuple[float, float]] = {}
        self.writer: bytes | None = None
        """Whom to obey; None before the first command."""

    def obeys(self, writer: bytes, now_s: float) -> bool:
        """Whether a command of this writer, which comes now, is to be obeyed."""
        if writer == self.writer:
            self._heard_s = now_s
            return True
        begin, last = self._refused.get(writer, (now_s, now_s))
        if now_s - last > SILENT_S:
            begin = now_s
        silent = begin == now_s and now_s - self._heard_s > SILENT_S
        if self.writer is None or silent or (now_s - begin < HANDOVER_S and not self._present(self.writer)):
            self._refused.pop(writer, None)
            self.writer, self._heard_s = writer, now_s
            return True
        self._refused[writer] = begin, now_s
        return False

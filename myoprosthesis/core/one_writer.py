"""One writer of commands at a time."""

from __future__ import annotations

from collections.abc import Callable

SILENT_S = 0.5
"""Silence after which a writer may lose its place, and after which one that was refused counts as newly come."""
HANDOVER_S = 2.0
"""How long after it came a writer may take a place that becomes free; one that was refused for longer and went on
does not come into power by that."""


class OneWriter:
    """Of several writers the one that came first is obeyed, until it leaves or falls silent; others are refused.

    The next is one that has just come, such as the same program started again, which may be refused for a moment first.
    One that has been refused for longer stays so until it has been silent itself, and does not take over at the moment
    at which the one that is obeyed fails.
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
        came = now_s - begin < HANDOVER_S
        if self.writer is None or (came and (now_s - self._heard_s > SILENT_S or not self._present(self.writer))):
            self._refused.pop(writer, None)
            self.writer, self._heard_s = writer, now_s
            return True
        self._refused[writer] = begin, now_s
        return False

    def waited_s(self, writer: bytes, now_s: float) -> float:
        """How long this writer has been refused."""
        return now_s - self._refused[writer][0] if writer in self._refused else 0.0

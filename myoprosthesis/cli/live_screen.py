"""A picture on the terminal that is redrawn while a command runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from typing_extensions import Self


class LiveScreen:
    """A live picture on a terminal, plain lines elsewhere; a context."""

    def __init__(self, console: Console, live: bool, refresh_s: float, line_s: float, transient: bool = False) -> None:
        """Begin without a picture.

        Args:
            console: Where the picture is drawn.
            live: Whether there is a picture; else there are lines.
            refresh_s: Shortest time between two pictures, s.
            line_s: Shortest time between two lines, s.
            transient: Whether the picture vanishes at the end.
        """
        from rich.live import Live

        self._live = Live(console=console, refresh_per_second=1 / refresh_s, transient=transient) if live else None
        self._refresh_s, self._line_s, self._next = refresh_s, line_s, 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def redraw(self, picture: Callable[[], RenderableType], write_line: Callable[[], bool]) -> None:
        """Show `picture()`, or call `write_line`, which says whether it wrote one; nothing while it is too early."""
        now = time.monotonic()
        if now < self._next:
            return
        if self._live is not None:
            self._next = now + self._refresh_s
            self._live.update(picture())
        elif write_line():
            self._next = now + self._line_s

"""A progress bar over a length of time."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

FORMAT = "{l_bar}{bar}| {n:.1f}/{total:.1f} s"


class SecondsBar(tqdm):  # type: ignore[type-arg]
    """A bar from 0 to `seconds`; a context manager."""

    def __init__(self, seconds: float, desc: str, **options: Any) -> None:
        super().__init__(total=seconds, desc=desc, bar_format=FORMAT, **options)

    def advance_to(self, seconds: float) -> None:
        """Show that `seconds` are over; what lies beyond the end counts as the end."""
        self.n = min(seconds, self.total)
        self.update(0)

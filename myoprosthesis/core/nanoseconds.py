"""Times as integer nanoseconds."""

from __future__ import annotations

NS = 1_000_000_000


def ns(seconds: float) -> int:
    """Seconds as integer nanoseconds."""
    return round(seconds * NS)

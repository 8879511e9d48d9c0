"""When two sampling rates are one."""

from __future__ import annotations

ROUNDING = 1e-5
"""By how much, as a share, rates differ that are one: they are read from stamps of finite digits."""


def same_rate(a: float, b: float) -> bool:
    """Whether two rates, Hz, are one but for rounding."""
    return abs(a - b) <= ROUNDING * max(a, b)

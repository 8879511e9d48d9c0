"""Single values of a JSON object that somebody else has written, each of its own kind: nothing is converted."""

from __future__ import annotations

from typing import Any


def number(value: Any, what: str) -> float:
    """A number; raises `ValueError` for a text, true or false."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{what} is {str(value)[:40]!r}; a number is needed")
    return float(value)


def whole(value: Any, what: str) -> int:
    """A whole number; raises `ValueError` for anything else."""
    if number(value, what) != int(value):
        raise ValueError(f"{what} is {value!r}; a whole number is needed")
    return int(value)


def text(value: Any, what: str) -> str:
    """A text; raises `ValueError` for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is {str(value)[:40]!r}; a text is needed")
    return value

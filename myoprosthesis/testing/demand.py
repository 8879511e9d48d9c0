"""How a check fails."""

from __future__ import annotations


def demand(condition: bool, sentence: str) -> None:
    """Raise AssertionError with a sentence that says what is wrong."""
    if not condition:
        raise AssertionError(sentence)

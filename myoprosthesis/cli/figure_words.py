"""Figures of tasks in words: the name of a figure says its unit, such as `median_error_deg`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNITS = {"deg": "°", "mm": "mm", "m": "m", "s": "s", "rad": "rad", "N": "N"}
"""By the ending of a name."""


def title(name: str) -> str:
    """A heading: `median error, °`."""
    words, unit = _parts(name)
    return f"{words}, {unit}" if unit else words


def number(name: str, value: Any) -> str:
    """The number alone; – where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–"
    return f"{value:.1f}" if _parts(name)[1] else f"{value:.2f}"


def phrase(name: str, value: Any) -> str:
    """Name, number and unit: `median error 14.5°`."""
    words, unit = _parts(name)
    return f"{words} {number(name, value)}" + (unit if unit == "°" else f" {unit}" if unit else "")


def phrases(figures: Mapping[str, Any]) -> str:
    """All numbers of a mapping, one after the other."""
    return ", ".join(
        phrase(str(name), value)
        for name, value in figures.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    )


def _parts(name: str) -> tuple[str, str]:
    words, _, ending = name.rpartition("_")
    return (words.replace("_", " "), UNITS[ending]) if words and ending in UNITS else (name.replace("_", " "), "")

"""Decisions of a decoder: thresholds, majority vote and rejection."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.options import option

TASKS = ("classes", "switches", "values")


@dataclass(frozen=True)
class DecoderOptions:
    """How features are cut from conditioned EMG, and what is made of the scores; part of a decoder's contract."""

    task: str = option("classes", "classes: one of several; switches: several, on or off; values", choices=TASKS)
    window_s: float = option(0.2, "window of the features", "s", 1e-3, 10.0)
    dead_zone: float = option(0.0, "smallest step that counts as a crossing or a turn, in the unit", low=0.0)
    rest: str = option("", "the class that is no movement; empty: none is")
    reject_below: float = option(0.0, "a best score below this is rejected", "", 0.0, 1.0)
    reject_beyond: float = option(0.0, "a distance from what was fitted beyond this is rejected; 0: never", low=0.0)
    debounce: int = option(1, "a new class counts after so many decisions in a row", low=1, high=100)
    drift_beyond: float = option(0.0, "a median distance beyond this is drift; 0: never", low=0.0)
    drift_s: float = option(2.0, "so long a past has the median", "s", 0.1, 600.0)
    amplitude: dict[str, tuple[float, float]] = option({}, "mean absolute value at speed 0 and 1 by class, in the unit")

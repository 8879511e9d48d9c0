"""Figures of several trials."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from myoprosthesis.core.trial_record import EVENT
from myoprosthesis.stack.trial_outcome import COLUMNS


def figures_of(trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of trials, each from those that have it: a task may judge by others than an endpoint."""
    success, error, side = (
        [t[key] for t in trials if isinstance(t.get(key), (int, float))]
        for key in ("success", "endpoint_error_mm", "lateral_deviation_mm")
    )
    return {
        "trials": len(trials),
        "success_rate": statistics.fmean(success) if success else None,
        "endpoint_error_mm": {"median": statistics.median(error), "p95": quantile(error, 0.95)} if error else None,
        "lateral_deviation_mm": statistics.fmean(side) if side else None,
        **_own_figures(trials),
    }


def _own_figures(trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`figures`: the mean of each number that only this task has, such as a score; nothing where it has none."""
    numbers: dict[str, list[float]] = {}
    for trial in trials:
        for key, value in trial.items():
            if (
                key not in EVENT
                and key not in COLUMNS
                and isinstance(value, (int, float))
                and not isinstance(value, bool)
            ):
                numbers.setdefault(key, []).append(float(value))
    return {"figures": {key: statistics.fmean(values) for key, values in numbers.items()}} if numbers else {}


def quantile(values: Sequence[float], q: float) -> float:
    """Linear interpolation between the ordered values."""
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])

"""The figures of a course of adaptation: error when the field comes on, practice, after-effect and washout.

The pattern is that of Shadmehr & Mussa-Ivaldi 1994 (doi 10.1523/JNEUROSCI.14-05-03208.1994). Lateral deviations are in
mm, right of the motion positive; those that compare sizes are means of the absolute values, trial by trial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.array_checks import Array
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.report.session_blocks import ReportCourse, normal

FIRST, FEW, LAST = 8, 3, 16
"""How many normal trials are first, the very first, and last."""
ROUNDING_MM = 1e-6
"""Deviations of less are those of rounding, mm."""


@dataclass(frozen=True)
class Criteria:
    """When a course counts as adaptation."""

    rise: float = 3.0
    """Initial error over baseline, at least."""
    reduction: float = 0.7
    """Share of the initial error that practice removes, at least."""
    after_effect: float = 0.5
    """After-effect over initial error, opposite in sign, at least."""
    washout: float = 1.2
    """Error at the end of washout over baseline, at most."""


@dataclass(frozen=True)
class CourseFigures:
    """Each with its bootstrap interval over trials, or None where the session has no trials for it."""

    baseline_mm: Interval | None = None
    """Mean |lateral deviation| over the second half of the baseline's normal trials."""
    initial_mm: Interval | None = None
    """Mean |lateral deviation| over the first `FIRST` adaptation trials."""
    initial_signed_mm: Interval | None = None
    end_mm: Interval | None = None
    """Mean |lateral deviation| over the last `LAST` adaptation trials."""
    end_signed_mm: Interval | None = None
    initial_over_baseline: Interval | None = None
    reduction: Interval | None = None
    """1 − end / initial."""
    after_effect_mm: Interval | None = None
    """Mean signed lateral deviation over the first `FIRST` washout trials."""
    after_effect_first_few_mm: Interval | None = None
    """The same over the first `FEW`."""
    after_effect_over_initial: Interval | None = None
    """Both signed: below zero when the after-effect goes to the other side, as it should."""
    washout_mm: Interval | None = None
    """Mean |lateral deviation| over the last `LAST` washout trials."""
    washout_over_baseline: Interval | None = None

    def to_json(self) -> dict[str, Any]:
        """Every value under its name, and its bounds under `<name>_interval`."""
        out: dict[str, Any] = {}
        for f in fields(self):
            interval: Interval | None = getattr(self, f.name)
            out |= plain(f.name, interval)
        return out


@dataclass(frozen=True)
class Verdict:
    """One of the criteria, what was found and whether that meets it."""

    title: str
    value: Interval
    rule: str
    met: bool
    certain: bool
    """The whole interval is on the same side."""


def plain(name: str, interval: Interval | None) -> dict[str, Any]:
    """`name` and `name_interval` as plain data; null where there is none."""
    if interval is None:
        return {name: None, f"{name}_interval": None}
    bounds = [interval.low, interval.high] if math.isfinite(interval.low) else None
    return {name: interval.value, f"{name}_interval": bounds}


def mean(x: Array, seed: int = 0) -> Interval | None:
    """The mean with its interval; without bounds for a single value, None for none."""
    if len(x) == 0:
        return None
    if len(x) == 1:
        return Interval(float(x[0]), math.nan, math.nan)
    return intervals.mean(x, seed)


def ratio(above: Array, below: Array, seed: int = 0, less: float = 0.0) -> Interval | None:
    """Mean of `above` over mean of `below`, with `less` 1 one minus that; the two resampled independently.

    None where the mean of `below` is none but for rounding, as without noise.
    """
    if not len(above) or not len(below) or abs(below.mean()) <= ROUNDING_MM:
        return None

    def of(a: Array, b: Array, axis: int) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = a.mean(axis=axis) / b.mean(axis=axis)
        return np.asarray(less - ratios if less else ratios)

    if min(len(above), len(below)) < 2:
        return Interval(float(of(above, below, 0)), math.nan, math.nan)
    interval = intervals.of((above, below), of, seed, method="percentile")
    return Interval(float(interval.value), float(interval.low), float(interval.high))


def figures(course: ReportCourse, seed: int = 0) -> CourseFigures:
    """What the trials of a course say."""
    before, during, after = (
        t.lateral_deviation_mm if t is not None else np.zeros(0)
        for t in (normal(course.baseline), normal(course.adaptation), normal(course.washout))
    )
    rest = np.abs(before[len(before) // 2 :])
    initial, end = during[:FIRST], during[FIRST:][-LAST:]
    effect, washed = after[:FIRST], after[FIRST:][-LAST:]
    return CourseFigures(
        baseline_mm=mean(rest, seed),
        initial_mm=mean(np.abs(initial), seed),
        initial_signed_mm=mean(initial, seed),
        end_mm=mean(np.abs(end), seed),
        end_signed_mm=mean(end, seed),
        initial_over_baseline=ratio(np.abs(initial), rest, seed),
        reduction=ratio(np.abs(end), np.abs(initial), seed, less=1.0),
        after_effect_mm=mean(effect, seed),
        after_effect_first_few_mm=mean(effect[:FEW], seed),
        after_effect_over_initial=ratio(effect, initial, seed),
        washout_mm=mean(np.abs(washed), seed),
        washout_over_baseline=ratio(np.abs(washed), rest, seed),
    )


def verdicts(figures: CourseFigures, criteria: Criteria) -> list[Verdict]:
    """The criteria that can be judged."""
    c = criteria
    out = []
    for title, value, rule, limit, above in (
        ("error when the field comes on, over baseline", figures.initial_over_baseline, f"at least {c.rise:g}",
         c.rise, True),
        ("reduction by practice", figures.reduction, f"at least {c.reduction:.0%}", c.reduction, True),
        ("after-effect over initial error", figures.after_effect_over_initial,
         f"other side, at least {c.after_effect:.0%}", -c.after_effect, False),
        ("error after washout, over baseline", figures.washout_over_baseline, f"at most {c.washout:g}",
         c.washout, False),
    ):  # fmt: skip
        if value is None:
            continue
        met = value.value >= limit if above else value.value <= limit
        bounds = np.array([value.low, value.high])
        on = bounds >= limit if above else bounds <= limit
        certain = bool(np.isfinite(bounds).all() and (on.all() if met else not on.any()))
        out.append(Verdict(title, value, rule, bool(met), certain))
    return out

"""Errors and after-effects by direction of the target, and what carries over to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.adaptation import fit_tuning, generalisation
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section
from myoprosthesis.report.sections.index import any_slopes
from myoprosthesis.report.session_blocks import ADAPTATION, BASELINE, GENERALISATION, WASHOUT, normal
from myoprosthesis.report.style import ROLE, figure
from myoprosthesis.report.trial_table import CHANNEL, NORMAL, TrialTable

Array = NDArray[np.float64]
ROUNDS = 2
"""Rounds of targets that are early or late."""


@dataclass(frozen=True, eq=False)
class Series:
    """A mean for each direction."""

    title: str
    role: str
    degrees: Array
    mean: Array
    low: Array
    high: Array
    count: NDArray[np.int64]


def section(s: ReportSession) -> Section:
    """By direction within the course; generalisation where a block has other targets."""
    return Section("directions", "Directions", (*_directions(s), *_generalisation(s)))


def _directions(s: ReportSession) -> list[Part]:
    if not s.courses:
        return [Omitted("No after-effects by direction: no block of adaptation.")]
    c = s.courses[0]
    series = []
    for title, blocks, end, role in (
        ("end of baseline", c.baseline, True, BASELINE), ("first in the field", c.adaptation, False, ADAPTATION),
        ("end in the field", c.adaptation, True, ADAPTATION), ("after-effect", c.washout, False, WASHOUT),
    ):  # fmt: skip
        t = normal(blocks)
        if t is None or not len(t):
            continue
        n = early(t)
        part = t.where(np.arange(len(t))[-n:] if end else np.arange(len(t))[:n])
        series.append(by_direction(f"{title} (n = {n})", role, part, s.seed))
    caption = (
        "Mean signed lateral deviation by direction of the target (counter-clockwise from x), over the first or last n "
        f"normal trials: {ROUNDS} rounds of targets, but at most half of the trials there are; bars: 95 % bootstrap "
        "intervals over the trials of a direction, none where there is one."
        f"{' Of the first course.' if len(s.courses) > 1 else ''} {cite('lateral')}."
    )  # fmt: skip
    columns = {
        "series": [x.title for x in series for _ in x.mean],
        **{n: np.concatenate([getattr(x, n) for x in series]) for n in ("degrees", "mean", "low", "high", "count")},
    }
    return [Drawing("after_effect_by_direction", draw(series, "lateral deviation, mm"), caption,
                    "Lateral deviation by direction", columns)]  # fmt: skip


def early(t: TrialTable) -> int:
    """How many trials of a part of a course are early, or late: `ROUNDS` of its targets, at most half of them."""
    return min(ROUNDS * len(set(t.place.tolist())), max(1, len(t) // 2))


def by_direction(title: str, role: str, t: TrialTable, seed: int = 0) -> Series:
    """Means with intervals for each direction, rising from 0 to 360°."""
    angle = np.round(np.rad2deg(t.angle) % 360, 3) % 360
    rows = []
    for a in np.unique(angle):
        y = t.lateral_deviation_mm[angle == a]
        one = intervals.mean(y, seed, resamples=1000) if len(y) > 1 else None
        rows.append((a, y.mean(), one.low if one else np.nan, one.high if one else np.nan, len(y)))
    columns = np.array(rows, float).T
    return Series(title, role, columns[0], columns[1], columns[2], columns[3], columns[4].astype(np.int64))


def draw(series: Sequence[Series], label: str) -> Any:
    """Means against direction, one line per series."""
    fig = figure(2.9)
    ax = fig.subplots()
    for i, x in enumerate(series):
        at = x.degrees + 4.0 * (i - (len(series) - 1) / 2)
        bars = np.nan_to_num(np.abs(np.stack([x.mean - x.low, x.high - x.mean])))
        late = x.title.startswith("end in")
        ax.errorbar(at, x.mean, bars, fmt="o", ms=4.5, color=ROLE[x.role], lw=1.1, label=x.title,
                    mfc="white" if late else ROLE[x.role])  # fmt: skip
    ax.axhline(0, color="#9aa4af", lw=0.8, zorder=0)
    ticks = np.unique(np.concatenate([x.degrees for x in series]))
    ax.set(xlabel="direction of the target, °", ylabel=label)
    ax.set_xticks(ticks if len(ticks) <= 16 else np.arange(0, 361, 45))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, borderaxespad=0.2)
    return fig


def _generalisation(s: ReportSession) -> list[Part]:
    tests = [b for b in s.blocks if b.role == GENERALISATION]
    trained = normal([b for b in s.blocks if b.role == ADAPTATION])
    if not tests or trained is None or not len(trained):
        return [Omitted("No generalisation: no block with that role.")]
    known = np.unique(np.round(trained.angle, 6))
    parts: list[Part] = []
    for b in tests:
        measured, index = any_slopes(s, b)
        by_slope = len(measured) > 0
        t = b.normal.where(np.isfinite(b.normal.lateral_deviation_mm))
        y = t.lateral_deviation_mm
        if by_slope:
            t, y = b.table.where(np.searchsorted(b.table.trial, measured)), index
        if not len(t):
            parts.append(Omitted(f"No generalisation in block {b.name!r}: it has no measured trial."))
            continue
        apart = np.deg2rad(np.round(np.rad2deg(nearest(t.angle, known)), 3))  # one direction is one, but for rounding
        angles, band = generalisation(apart, y, 0.0, s.seed)
        label = "adaptation index" if by_slope else "lateral deviation, mm"
        fig = figure(2.7)
        ax = fig.subplots()
        degrees = np.round(np.rad2deg(angles), 3)
        ax.errorbar(degrees, band.value, np.abs(np.stack([band.value - band.low, band.high - band.value])),
                    fmt="o", ms=4.5, color=ROLE[GENERALISATION], lw=1.1)  # fmt: skip
        tuning_text = ""
        try:
            tuning = fit_tuning(apart, y)
            x = np.linspace(-np.pi, np.pi, 361)
            ax.plot(np.rad2deg(x), tuning.floor + tuning.height * np.exp(-(x**2) / 2 / tuning.width**2),
                    color=ROLE[GENERALISATION], lw=1, ls=(0, (4, 2)))  # fmt: skip
            tuning_text = (f" Dashed: Gaussian over a floor, width {np.rad2deg(tuning.width):.0f}°, height "
                    f"{tuning.height:.2f}, floor {tuning.floor:.2f}.")  # fmt: skip
        except DataError as error:
            parts.append(Omitted(f"No tuning curve: {error}."))
        ax.axhline(0, color="#9aa4af", lw=0.8, zorder=0)
        ax.set(xlabel="direction from the nearest trained one, °", ylabel=label)
        caption = (f"Block {escape(b.name)}: mean by direction from the nearest trained one, n = {len(t)} "
                   f"{CHANNEL if by_slope else NORMAL} trials; "
                   f"bars: 95 % bootstrap intervals over trials. {cite('tuning')}.{tuning_text}")  # fmt: skip
        columns = {"degrees_from_trained": degrees, "mean": band.value, "low": band.low, "high": band.high}
        parts.append(Drawing(f"generalisation_{b.index}", fig, caption, f"Generalisation, {label}", columns))
    return parts


def nearest(angle: Array, trained: Array) -> Array:
    """(n,) signed angles (rad) of directions (n,) from the nearest of the trained ones."""
    apart = np.angle(np.exp(1j * (angle[:, None] - trained)))
    return np.asarray(apart[np.arange(len(apart)), np.abs(apart).argmin(axis=1)])

"""How much of the field is compensated, trial by trial: force channels and catch trials."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.adaptation import LearningCurveFit, fit_learning_curve, learning_index_interval
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.adaptation_course import mean
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, SectionTable, bounded
from myoprosthesis.report.sections.deviation import curved, shade
from myoprosthesis.report.session_blocks import ADAPTATION, WASHOUT, ReportBlock
from myoprosthesis.report.style import INK, KIND, ROLE, band, figure
from myoprosthesis.report.trial_table import CATCH, CHANNEL, NORMAL

Array = NDArray[np.float64]
BIN = 8
"""Most trials per mean; fewer where a block has few."""


def section(s: ReportSession) -> Section:
    """The slope on channel trials against trial; the deviation on catch trials against trial."""
    parts: list[Part] = [*_channel(s), *_catch(s), *_table(s)]
    return Section("index", "Adaptation index", tuple(parts))


def slopes(b: ReportBlock) -> tuple[Array, Array]:
    """Trials and slopes of the block's channel trials that have one."""
    t = b.table.of(CHANNEL)
    t = t.where(np.isfinite(t.channel_slope))
    return t.trial.astype(float), t.channel_slope


def recorded_slopes(s: ReportSession, b: ReportBlock) -> tuple[Array, Array]:
    """The same of a block without a field, against the session's first one, from the recorded forces."""
    if s.recorded is None:
        return np.zeros(0), np.zeros(0)
    own = set(b.table.trial.tolist())
    rows = sorted((p.trial, p.slope) for p in s.recorded.profiles if p.trial in own and np.isfinite(p.slope))
    pairs = np.array(rows, float).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def any_slopes(s: ReportSession, b: ReportBlock) -> tuple[Array, Array]:
    """The slopes of the table, or else those against the session's first field."""
    trial, slope = slopes(b)
    return (trial, slope) if len(slope) else recorded_slopes(s, b)


def final_index(b: ReportBlock, seed: int = 0) -> Interval | None:
    """Mean slope over the last half of the block's channel trials, at most `BIN`."""
    _, y = slopes(b)
    return mean(y[len(y) // 2 :][-BIN:], seed)


def _channel(s: ReportSession) -> list[Part]:
    by_block = [(b, *any_slopes(s, b)) for b in s.blocks]
    n = sum(len(y) for _, _, y in by_block)
    if not n:
        return [Omitted("No adaptation index: there are no channel trials with a field.")]
    binned, fits = [], []
    for b, x, y in by_block:
        binned.append((b, *_bins(x, y, s.seed)))
        if len(y) >= 5 and b.role in (ADAPTATION, WASHOUT):
            try:
                fit = fit_learning_curve(x, y, s.seed, resamples=200)
            except DataError:
                continue
            if curved(fit):
                fits.append((b, x, fit))
    caption = (
        "Slope of the force on the channel's wall on the force that would cancel the field, through zero, on each of n "
        f"= {n} channel trials: 0 is nothing learned, 1 all of the field ({cite('clamp', 'slope', 'slope2')}). Lines: "
        f"means of up to {BIN} successive channel trials of a block, shaded: 95 % bootstrap intervals over these "
        "trials. Dashed: exponential fit. Blocks without a field are measured against the session's first one, in "
        "its window."
    )  # fmt: skip
    loaded = [b.name for b in s.blocks if any(k.get("kind") == "joint_load" for k in b.imposed)]
    if loaded:
        caption += f" None of {escape(', '.join(loaded))}: no wall tells what of a load at the joints is cancelled."
    columns = {"trial": np.concatenate([x for _, x, _ in by_block]).astype(int),
               "block": [b.index for b, x, _ in by_block for _ in x],
               "channel_slope": np.concatenate([y for _, _, y in by_block])}  # fmt: skip
    drawn = draw_index(s.blocks, binned, [(x, y) for _, x, y in by_block], fits)
    return [Drawing("adaptation_index", drawn, caption, f"Adaptation index on {n} channel trials", columns)]


def _bins(x: Array, y: Array, seed: int) -> tuple[Array, Array, Array, Array]:
    """Middle, mean, low and high of groups of successive trials."""
    size = max(3, min(BIN, len(x) // 5))
    rows = []
    for i in range(0, len(x), size):
        group = y[i : i + size]
        one = intervals.mean(group, seed, resamples=1000) if len(group) > 1 else None
        rows.append((x[i : i + size].mean(), group.mean(), one.low if one else np.nan, one.high if one else np.nan))
    a = np.array(rows, float).reshape(-1, 4)
    return a[:, 0], a[:, 1], a[:, 2], a[:, 3]


def draw_index(
    blocks: Sequence[ReportBlock], binned: Sequence[tuple[ReportBlock, Array, Array, Array, Array]],
    points: Sequence[tuple[Array, Array]], fits: Sequence[tuple[ReportBlock, Array, LearningCurveFit]],
) -> Any:  # fmt: skip
    """Slopes over the session."""
    fig = figure(2.9)
    ax = fig.subplots()
    for x, y in points:
        ax.scatter(x, y, marker="s", s=10, color=KIND[CHANNEL], alpha=0.45, lw=0)
    for b, x, y, low, high in binned:
        band(ax, x, low, high, ROLE[b.role])
        ax.plot(x, y, color=ROLE[b.role], lw=1.6)
    for _, x, fit in fits:
        grid = np.linspace(x[0], x[-1], 200)
        ax.plot(grid, fit.curve(grid - x[0]), color=INK, lw=1, ls=(0, (4, 2)))
    for level in (0, 1):
        ax.axhline(level, color="#9aa4af", lw=0.8, zorder=0)
    ax.set(xlabel="trial", ylabel="adaptation index")
    ax.margins(x=0.01)
    shade(ax, blocks)
    return fig


def _catch(s: ReportSession) -> list[Part]:
    by_block = [(b, b.table.of(CATCH)) for b in s.blocks]
    by_block = [(b, t.where(np.isfinite(t.lateral_deviation_mm))) for b, t in by_block]
    by_block = [(b, t) for b, t in by_block if len(t)]
    if not by_block:
        return [Omitted("No catch trials, so no after-effects within a block.")]
    n = sum(len(t) for _, t in by_block)
    binned = [(b, *_bins(t.trial.astype(float), t.lateral_deviation_mm, s.seed)) for b, t in by_block]
    caption = (
        f"Lateral deviation on n = {n} catch trials, on which the field is off by surprise: as it is learned, they "
        f"bend to the other side ({cite('catch')}). Lines and shades as above; pale: the normal trials of the same "
        "blocks."
    )  # fmt: skip
    columns = {"trial": np.concatenate([t.trial for _, t in by_block]),
               "block": np.concatenate([t.block for _, t in by_block]),
               "target": np.concatenate([t.target for _, t in by_block]),
               "lateral_deviation_mm": np.concatenate([t.lateral_deviation_mm for _, t in by_block])}  # fmt: skip
    fig = figure(2.6)
    ax = fig.subplots()
    for (b, t), (_, x, y, low, high) in zip(by_block, binned, strict=True):
        ax.scatter(b.normal.trial, b.normal.lateral_deviation_mm, s=6, color=KIND[NORMAL], alpha=0.15, lw=0)
        ax.scatter(t.trial, t.lateral_deviation_mm, marker="D", s=13, color=KIND[CATCH], alpha=0.8, lw=0)
        band(ax, x, low, high, KIND[CATCH])
        ax.plot(x, y, color="#a87900", lw=1.6)
    ax.axhline(0, color="#9aa4af", lw=0.8, zorder=0)
    ax.set(xlabel="trial", ylabel="lateral deviation, mm")
    ax.margins(x=0.01)
    shade(ax, [b for b, _ in by_block])
    return [Drawing("catch_trials", fig, caption, f"Lateral deviation on {n} catch trials", columns)]


def _table(s: ReportSession) -> list[Part]:
    rows = []
    for b in s.blocks:
        y, t = slopes(b)[1], b.table.of(CATCH)
        off = t.lateral_deviation_mm[np.isfinite(t.lateral_deviation_mm)]
        if not len(y) and not len(off):
            continue
        late, near = (b.second_half.of(kind).lateral_deviation_mm for kind in (CATCH, NORMAL))
        late, near = late[np.isfinite(late)], near[np.isfinite(near)]
        learned = "–"
        if len(late) > 1 and len(near) > 1 and b.gain:
            try:
                learned = bounded(learning_index_interval(near, late, s.seed))
            except DataError:
                learned = "–"
        rows.append((escape(b.name), str(len(y) or "–"), bounded(final_index(b, s.seed)), str(len(off) or "–"),
                     bounded(mean(late, s.seed)), learned))  # fmt: skip
    if not rows:
        return []
    header = ("block", "channel trials", "index, end", "catch trials", "after-effect, 2nd half, mm", "learning index")
    caption = (f"Index at the end: mean slope of the last half of the channel trials, at most {BIN}. Learning index: "
               "mean deviation on catch trials over itself minus that on field trials, both in the second half of the "
               f"block ({cite('catch')}). In brackets 95 % bootstrap intervals.")  # fmt: skip
    return [SectionTable(header, tuple(rows), caption)]

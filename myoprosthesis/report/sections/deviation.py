"""Lateral deviation against trial, and how it falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.adaptation import LearningCurveFit, fit_learning_curve
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, SectionTable, bounded, share
from myoprosthesis.report.session_blocks import ADAPTATION, WASHOUT, ReportBlock, rounds
from myoprosthesis.report.style import INK, KIND, ROLE, band, figure
from myoprosthesis.report.trial_table import CATCH, CHANNEL, KINDS, NORMAL, TrialTable

Array = NDArray[np.float64]
LEAST = 0.1
"""Share of the variance that a curve explains at least, to be called one."""


@dataclass(frozen=True, eq=False)
class Rounds:
    """Means over rounds of targets in one block."""

    trial: Array
    """(n,) middle of each round."""
    mean: Array
    """(n,) mm."""
    low: Array
    """(n,) mm; NaN for a round of one trial."""
    high: Array
    count: NDArray[np.int64]
    """(n,) trials."""


def section(s: ReportSession) -> Section:
    """All trials by kind, means of rounds with their intervals, exponential fits."""
    means = [round_means(b, s.seed) for b in s.blocks]
    fits = curves(s)
    drawn = draw(s.table, s.blocks, means, [(b, f) for b, f in fits if not isinstance(f, str) and curved(f)])
    t = s.table
    counts = ", ".join(f"{(t.kind == k).sum()} {k}" for k in KINDS if (t.kind == k).any())
    caption = (
        f"Signed largest lateral deviation of every trial (n = {counts}), right of the motion positive; "
        f"{cite('lateral')}. Lines: means over rounds of as many trials as there are targets, shaded: their 95 % "
        "bootstrap intervals over the trials of the round, which include the differences between targets "
        f"({cite('bootstrap')}). Dashed: the exponential nearest in least squares ({cite('projection')})."
    )  # fmt: skip
    columns = {"trial": t.trial, "block": t.block, "kind": t.kind, "target": t.target,
               "lateral_deviation_mm": t.lateral_deviation_mm, "endpoint_error_mm": t.endpoint_error_mm}  # fmt: skip
    joined = {
        "block": [b.index for b, m in zip(s.blocks, means, strict=True) for _ in m.trial],
        "trial": np.concatenate([m.trial for m in means]), "n": np.concatenate([m.count for m in means]),
        "mean_mm": np.concatenate([m.mean for m in means]), "low_mm": np.concatenate([m.low for m in means]),
        "high_mm": np.concatenate([m.high for m in means]),
    }  # fmt: skip
    parts: list[Part] = [
        Drawing("lateral_deviation", drawn, caption, f"Lateral deviation of {len(t)} trials over the session", columns,
                {"rounds": joined})
    ]  # fmt: skip
    parts += _table(fits)
    return Section("deviation", "Lateral deviation and learning", tuple(parts))


def round_means(b: ReportBlock, seed: int = 0) -> Rounds:
    """Means over rounds with their bootstrap intervals."""
    rows = []
    for r in rounds(b.table):
        y = r.lateral_deviation_mm[np.isfinite(r.lateral_deviation_mm)]
        one = intervals.mean(y, seed, resamples=1000) if len(y) > 1 else None
        rows.append((float(r.trial.mean()), y.mean(), one.low if one else np.nan, one.high if one else np.nan, len(y)))
    columns = np.array(rows, float).reshape(-1, 5).T
    return Rounds(columns[0], columns[1], columns[2], columns[3], columns[4].astype(np.int64))


def curves(s: ReportSession) -> list[tuple[ReportBlock, LearningCurveFit | str]]:
    """An exponential in the normal trials of every adaptation and washout block, or why there is none."""
    out: list[tuple[ReportBlock, LearningCurveFit | str]] = []
    for b in s.blocks:
        if b.role not in (ADAPTATION, WASHOUT):
            continue
        t = b.normal.where(np.isfinite(b.normal.lateral_deviation_mm))
        try:
            out.append((b, fit_learning_curve(t.trial, t.lateral_deviation_mm, s.seed, resamples=200)))
        except DataError as error:
            out.append((b, str(error)))
    return out


def curved(fit: LearningCurveFit) -> bool:
    """Whether there is an exponential course at all: it explains something of the data."""
    return fit.r2 >= LEAST


def draw(
    table: TrialTable, blocks: Sequence[ReportBlock], means: Sequence[Rounds],
    fits: Sequence[tuple[ReportBlock, LearningCurveFit]],
) -> Any:  # fmt: skip
    """Trials, rounds and curves over the whole session."""
    fig = figure(3.5)
    ax = fig.subplots()
    many = len(table) > 1500
    for kind, marker, size in ((NORMAL, "o", 5 if many else 9), (CATCH, "D", 14), (CHANNEL, "s", 9)):
        t = table.of(kind)
        if len(t):
            ax.scatter(t.trial, t.lateral_deviation_mm, marker=marker, s=size, color=KIND[kind], lw=0,
                       alpha=0.28 if kind == NORMAL else 0.8, label=f"{kind} trials", rasterized=many)  # fmt: skip
    for b, m in zip(blocks, means, strict=True):
        if not len(m.trial):
            continue
        colour = ROLE[b.role]
        band(ax, m.trial, m.low, m.high, colour)
        ax.plot(m.trial, m.mean, color=colour, lw=1.6)
    for b, fit in fits:
        first, last = b.normal.trial[[0, -1]]
        x = np.linspace(first, last, 200)
        ax.plot(x, fit.curve(x - first), color=INK, lw=1, ls=(0, (4, 2)))
    ax.axhline(0, color="#9aa4af", lw=0.8, zorder=0)
    ax.set(xlabel="trial", ylabel="lateral deviation, mm\n← left      right →")
    ax.margins(x=0.01)
    shade(ax, blocks)
    ax.legend(loc="upper right", ncols=3, bbox_to_anchor=(1, -0.13), borderaxespad=0)
    return fig


def shade(ax: Any, blocks: Sequence[ReportBlock]) -> None:
    """Blocks behind the axes, their names on top."""
    for i, b in enumerate(blocks):
        first, last = b.table.trial[0] - 0.5, b.table.trial[-1] + 0.5
        ax.axvspan(first, last, color=ROLE[b.role], alpha=0.055, lw=0, zorder=0)
        if i:
            ax.axvline(first, color="#c6cdd4", lw=0.7, zorder=0)
        if len(blocks) <= 10:
            ax.annotate(b.name, (first, 1), (3, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                        color=ROLE[b.role], fontsize=7.5, fontweight="bold", annotation_clip=False)  # fmt: skip


def _table(fits: Sequence[tuple[ReportBlock, LearningCurveFit | str]]) -> list[Part]:
    rows, absent = [], []
    for b, fit in fits:
        if isinstance(fit, str):
            absent.append(Omitted(f"No learning curve of block {b.name!r}: {fit}."))
            continue
        rows.append((escape(b.name), bounded(fit.start), bounded(fit.asymptote), bounded(fit.tau, 1),
                     bounded(fit.rate, 3), f"{share(fit.r2)}{'' if curved(fit) else ', no curve'}"))  # fmt: skip
    header = ("exponential fit", "start, mm", "asymptote, mm", "τ, trials", "rate per trial", "explained")
    caption = (
        "Signed lateral deviation = asymptote + (start − asymptote) · exp(−n/τ), n counted in trials of the "
        "session from the first of the block; rate = 1 − exp(−1/τ); explained: share of the variance. In "
        "brackets 95 % intervals from resampled residuals."
    )
    table = [SectionTable(header, tuple(rows), caption)] if rows else []
    return [*table, *absent]

"""Trajectories, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.report.accumulators import EACH, select
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Section
from myoprosthesis.report.style import MUTED, ROLE, RULE, direction_colour, figure

Array = NDArray[np.floating]
PANELS = ("early", "late", "catch", "channel")
MOST = 8
"""Blocks that are drawn."""


def section(s: ReportSession) -> Section:
    """Early and late in each block; catch and channel trials by themselves."""
    title = "Trajectories"
    if s.recorded is None or not s.recorded.paths:
        return Section("paths", title, (Omitted("No trajectories: there is no recording that can be read."),))
    chosen = select(s.blocks).paths
    where = {t: p for t, p in chosen.items() if t in s.recorded.paths}
    blocks = [b for b in s.blocks if any(i == b.index for i, _ in where.values())][:MOST]
    panels = [p for p in PANELS if any(name == p for _, name in where.values())]
    grid: dict[tuple[int, str], list[tuple[Array, Array, Array]]] = {}
    for t, key in where.items():
        grid.setdefault(key, []).append((s.recorded.paths[t], *s.recorded.lines[t]))
    rows = [(b.index, f"{b.name}", ROLE[b.role]) for b in blocks]
    drawn = {b.index for b in blocks}
    shown = {t: p for t, p in where.items() if p[0] in drawn}
    early = sum(name == "early" for _, name in shown.values())
    n = ", ".join(f"{sum(name == p for _, name in shown.values())} {p}" for p in panels)
    caption = (
        f"Paths of the endpoint, coloured by the direction of the target; n = {n} over {len(blocks)} blocks. Early and "
        f"late are the first and the last {EACH} normal trials at each target in a block (at most a third of them), "
        "catch trials have the field off by surprise, channel trials hold the movement to its line. Dashed: the "
        "straight lines."
    )  # fmt: skip
    if len({i for i, _ in where.values()}) > MOST:
        caption += f" The first {MOST} blocks are drawn."
    columns = {
        "trial": [t for t in shown for _ in s.recorded.paths[t]],
        "block": [where[t][0] for t in shown for _ in s.recorded.paths[t]],
        "panel": [where[t][1] for t in shown for _ in s.recorded.paths[t]],
        "x_m": [float(x) for t in shown for x in s.recorded.paths[t][:, 0]],
        "y_m": [float(x) for t in shown for x in s.recorded.paths[t][:, 1]],
    }
    drawing = Drawing("trajectories", draw(grid, rows, panels), caption,
                      f"Paths of {len(shown)} movements by block, {early} of them early in one", columns)  # fmt: skip
    return Section("paths", title, (drawing,))


def draw(
    grid: Mapping[tuple[int, str], Sequence[tuple[Array, Array, Array]]],
    rows: Sequence[tuple[int, str, str]], panels: Sequence[str],
) -> Any:  # fmt: skip
    """One row per block (key, name, colour), one column per panel; movements are path (n, 2), start and target, m."""
    every = [p for group in grid.values() for p in group]
    points = np.concatenate([np.concatenate([p, np.stack([a, b])]) for p, a, b in every]) * 1e3
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, max(5.0, 0.56 * float((high - low).max()))
    side = min(2.15, 8.6 / max(3, len(panels)))
    fig = figure(side * len(rows) + 0.3, side * len(panels) + 0.6)
    axes = fig.subplots(len(rows), len(panels), squeeze=False, sharex=True, sharey=True)
    for i, (key, name, colour) in enumerate(rows):
        for j, panel in enumerate(panels):
            ax, group = axes[i, j], grid.get((key, panel), ())
            ax.set(aspect="equal", xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
            ax.set_xticks([]), ax.set_yticks([])
            for edge in ax.spines.values():
                edge.set_visible(False)
            if i == 0:
                ax.set_title(panel, loc="center", color=MUTED)
            if j == 0:
                ax.set_ylabel(name, color=colour, fontweight="bold")
            if not group:
                ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", va="center", color=RULE, fontsize=9)
                continue
            for path, start, target in group:
                tint = direction_colour(float(np.arctan2(*(target - start)[::-1])))
                ax.plot(*(np.stack([start, target]) * 1e3).T, color=RULE, lw=0.7, ls=(0, (3, 2)), zorder=1)
                ax.plot(*(path * 1e3).T, color=tint, lw=1.0, alpha=0.85 if len(group) < 20 else 0.5, zorder=2)
                ax.plot(*(target * 1e3), "o", ms=3.4, mfc="white", mec=tint, mew=0.9, zorder=3)
    length = 10 ** np.floor(np.log10(half * 0.8)) * (5 if half * 0.8 / 10 ** np.floor(np.log10(half * 0.8)) >= 5 else 2)
    ax = axes[-1, 0]
    x, y = middle - 0.94 * half
    ax.plot([x, x + length], [y, y], color=MUTED, lw=1.6, solid_capstyle="butt")
    ax.text(x, y + 0.07 * half, f"{length:g} mm", color=MUTED, fontsize=7)
    return fig

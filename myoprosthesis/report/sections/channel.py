"""Force on the channel's wall over time, against the force that would cancel the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.report.accumulators import Profile
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Section
from myoprosthesis.report.style import MUTED, ROLE, band, figure

Array = NDArray[np.float64]
THIRDS = ("early", "mid", "late")


@dataclass(frozen=True, eq=False)
class Panel:
    """Mean profiles of some channel trials, N, positive against the field."""

    title: str
    role: str
    n: int
    force: Array
    low: Array
    high: Array
    ideal: Array | None
    """None in a block without a field."""


def section(s: ReportSession) -> Section:
    """Early, mid and late in every block with channel trials."""
    title = "Force on the channel"
    profiles = s.recorded.profiles if s.recorded is not None else []
    if s.recorded is None or not profiles:
        why = "no channel trials" if s.recorded is not None else "there is no recording that can be read"
        return Section("channel", title, (Omitted(f"No profiles of force: {why}."),))
    shown = panels(s, profiles)
    times = s.recorded.times
    caption = (
        "Force of the hand on the wall of the channel over time from the go signal, positive against the field: mean "
        "over n channel trials (n in each panel), shaded: 95 % bootstrap interval over these trials. Dashed: the force "
        f"that would cancel the block's field, in its window, at the speed of these movements ({cite('clamp')}). "
        "Early, mid and late are thirds of the channel trials of a block with a field; other blocks are drawn whole."
    )  # fmt: skip
    columns: dict[str, Any] = {"time_s": times}
    for p in shown:
        key = p.title.replace(" ", "_")
        columns |= {f"{key}_N": p.force, f"{key}_low_N": p.low, f"{key}_high_N": p.high}
        if p.ideal is not None:
            columns[f"{key}_ideal_N"] = p.ideal
    drawn = draw(times, shown)
    by_trial = {"trial": [p.trial for p in profiles], "slope": [p.slope for p in profiles]}
    alt = f"Channel force in {len(shown)} panels"
    return Section("channel", title, (Drawing("channel_force", drawn, caption, alt, columns, {"slopes": by_trial}),))


def panels(s: ReportSession, profiles: Sequence[Profile]) -> list[Panel]:
    """The thirds of blocks with a field, other blocks whole."""
    of = {p.trial: p for p in profiles}
    out = []
    for b in s.blocks:
        own = [of[t] for t in b.table.trial.tolist() if t in of]
        if not own:
            continue
        cut = b.gain != 0 and len(own) >= 3
        groups = np.array_split(np.arange(len(own)), 3) if cut else [np.arange(len(own))]
        for name, group in zip(THIRDS if cut else ("",), groups, strict=True):
            out.append(_panel(f"{b.name} {name}".strip(), b.role, [own[i] for i in group], b.gain, s.seed))
    return out


def _panel(title: str, role: str, own: Sequence[Profile], gain: float, seed: int) -> Panel:
    force = np.array([p.force for p in own], float)
    value = force.mean(axis=0)
    low = high = value
    if len(own) > 1:
        band = intervals.band(force, np.mean, seed, resamples=500, method="percentile")
        low, high = band.low, band.high
    ideal = np.mean([p.ideal for p in own], axis=0) if gain else None
    return Panel(title, role, len(own), value, low, high, ideal)


def draw(times: Array, panels_shown: Sequence[Panel]) -> Any:
    """Small multiples with one scale."""
    columns = len(panels_shown) if 3 <= len(panels_shown) <= 5 else 4 if panels_shown[3:] else 3
    rows = -(-len(panels_shown) // columns)
    fig = figure(1.95 * rows + 0.25)
    axes = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax in axes.flat[len(panels_shown) :]:
        ax.set_visible(False)
    for ax, p in zip(axes.flat, panels_shown, strict=False):
        ax.axhline(0, color="#c6cdd4", lw=0.7, zorder=0)
        ax.axvline(0, color="#c6cdd4", lw=0.7, zorder=0)
        if p.ideal is not None:
            ax.plot(times, p.ideal, color=MUTED, lw=1.1, ls=(0, (4, 2)))
        band(ax, times, p.low, p.high, ROLE[p.role])
        ax.plot(times, p.force, color=ROLE[p.role], lw=1.5)
        ax.set_title(escape(p.title), color=ROLE[p.role])
        ax.annotate(f"n = {p.n}", (1, 1), (-2, -2), xycoords="axes fraction", textcoords="offset points", ha="right",
                    va="top", fontsize=7, color=MUTED)  # fmt: skip
    for ax in axes[:, 0]:
        ax.set_ylabel("force, N")
    for i in range(columns):
        shown = [r for r in range(rows) if r * columns + i < len(panels_shown)]
        if shown:
            axes[shown[-1], i].set_xlabel("time from go, s")
            axes[shown[-1], i].tick_params(labelbottom=True)
    return fig

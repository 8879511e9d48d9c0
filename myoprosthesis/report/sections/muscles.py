"""How active the muscles are, by block and target."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.synergies import vaf_curve
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.accumulators import MovementAccumulators
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, share
from myoprosthesis.report.style import ROLE, figure
from myoprosthesis.report.trial_table import place_columns

Array = NDArray[np.float64]
TARGETS, MUSCLES, SYNERGIES = 4, 20, 6
"""Most that are drawn."""


def section(s: ReportSession) -> Section:
    """Mean activation by muscle, block and target; how many synergies account for it."""
    title = "Muscle activity"
    g = s.recorded
    if g is None or not g.activity:
        why = "the effector has no muscles" if g is not None else "there is no recording that can be read"
        return Section("muscles", title, (Omitted(f"No muscle activity: {why}."),))
    blocks = [b for b in s.blocks if any(i == b.index for i, _ in g.activity)]
    every = sorted({t for _, t in g.activity})
    targets = every if len(every) <= TARGETS else [every[len(every) * i // TARGETS] for i in range(TARGETS)]
    mean = np.full((len(targets), len(g.muscles), len(blocks)), np.nan)
    for i, t in enumerate(targets):
        for j, b in enumerate(blocks):
            if (b.index, t) in g.active:
                mean[i, :, j] = g.active[(b.index, t)].value
    order = np.arange(len(g.muscles))
    if len(order) > MUSCLES:
        order = np.sort(np.argsort(-np.nanmean(mean, axis=(0, 2)), kind="stable")[:MUSCLES])
    names = [g.muscles[i] for i in order]
    known = s.table.places
    places = [known[t] for t in targets]
    panels = [str(p) for p in places]
    n = sum(m.n for k, m in g.activity.items() if k[1] in targets)
    some = f" The {MUSCLES} most active of {len(g.muscles)} muscles." if len(order) < len(g.muscles) else ""
    caption = ("Mean activation (0 to 1) from the go signal to the end of the movement, over the normal trials of each "
               f"block (n = {n} trials at these targets).{some}")  # fmt: skip
    columns = {
        **place_columns([p for p in places for _ in g.muscles for _ in blocks]),
        "muscle": [m for _ in targets for m in g.muscles for _ in blocks],
        "block": [b.index for _ in targets for _ in g.muscles for b in blocks],
        "activation": mean.reshape(-1),
    }
    drawing = Drawing("muscle_activity", draw(mean[:, order], names, panels, [b.name for b in blocks]), caption,
                      f"Activation of {len(names)} muscles in {len(blocks)} blocks", columns)  # fmt: skip
    return Section("muscles", title, (drawing, *_synergies(s, g)))


def draw(mean: Array, muscles: Sequence[str], panels: Sequence[str], blocks: Sequence[str]) -> Any:
    """`mean` (n_panels, n_muscles, n_blocks), one map per panel."""
    fig = figure(0.21 * len(muscles) + 0.12 * max(map(len, blocks)) + 0.7)
    axes = fig.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    top = max(0.05, float(np.nanmax(mean)))
    for ax, one, title in zip(axes, mean, panels, strict=True):
        shown = ax.imshow(one, cmap="BuPu", vmin=0, vmax=top, aspect="auto", interpolation="nearest")
        ax.set_title(title)
        ax.set_xticks(range(len(blocks)), blocks, rotation=40, ha="right")
        ax.set_yticks(range(len(muscles)), muscles)
        ax.tick_params(length=0)
        for edge in ax.spines.values():
            edge.set_visible(False)
        if len(muscles) * len(blocks) <= 60:
            for (i, j), x in np.ndenumerate(one):
                if np.isfinite(x):
                    ax.text(j, i, f"{x:.3f}", ha="center", va="center", fontsize=6.5,
                            color="white" if x > 0.62 * top else "#39424d")  # fmt: skip
    bar = fig.colorbar(shown, ax=axes, shrink=0.8, pad=0.01, aspect=18)
    bar.outline.set_visible(False)
    bar.set_label("activation")
    return fig


def _synergies(s: ReportSession, g: MovementAccumulators) -> list[Part]:
    most = min(SYNERGIES, len(g.muscles) - 1)
    if most < 2:
        return []
    fig = figure(2.4, 4.4)
    ax = fig.subplots()
    columns: dict[str, Any] = {"synergies": np.arange(1, most + 1)}
    sizes = []
    for b in s.blocks:
        rows = [m.value for k, m in sorted(g.activity.items()) if k[0] == b.index]
        if not rows:
            continue
        try:
            curve = vaf_curve(np.clip(np.concatenate(rows), 0, None), most=most, seed=s.seed)
        except DataError:
            continue
        ax.plot(columns["synergies"], curve, "o-", ms=3.5, lw=1.2, color=ROLE[b.role], label=b.name, alpha=0.85)
        columns[f"block_{b.index}"] = curve
        enough = np.flatnonzero(curve >= 0.9)
        sizes.append(
            f"{escape(b.name)} {enough[0] + 1 if len(enough) else f'more than {most}'} "
            f"({share(curve[min(1, most - 1)])} by two)"
        )
    if not sizes:
        return [Omitted("No synergies: the muscles were silent.")]
    ax.axhline(0.9, color="#9aa4af", lw=0.8, ls=":")
    ax.set(xlabel="synergies", ylabel="variance accounted for", ylim=(min(0.6, ax.get_ylim()[0]), 1.01))
    ax.set_xticks(columns["synergies"])
    ax.legend(loc="lower right")
    caption = (f"Variance accounted for by 1 to {most} non-negative synergies of the mean activation of each block "
               f"over time and targets ({cite('nmf', 'synergies')}). Needed for 90 %: {', '.join(sizes)}.")  # fmt: skip
    return [Drawing("synergies", fig, caption, "Variance accounted for against number of synergies", columns)]

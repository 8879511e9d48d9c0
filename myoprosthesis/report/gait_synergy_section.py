"""The section on synergies of the page of a walk beside people's EMG."""

from __future__ import annotations

from typing import Any

import numpy as np

from myoprosthesis.analysis.gait_synergies import ACCOUNTED, GaitSynergies
from myoprosthesis.motion.people_emg import MUSCLES, POINTS
from myoprosthesis.report.section import Drawing, Section, SectionTable, Text, bounded, number
from myoprosthesis.report.style import MUTED, SESSION, figure

NAMES = tuple(MUSCLES)


def figures_of(s: GaitSynergies) -> dict[str, Any]:
    """Plain data for JSON."""
    return {
        "count": len(s.own.weights), "count_of_walk": s.count, "counts_of_people": s.counts.tolist(),
        "cosine": s.cosine.value, "cosine_interval": [s.cosine.low, s.cosine.high], "timing_r": s.timing.value,
        "timing_r_interval": [s.timing.low, s.timing.high], "ceiling_cosine": s.ceiling,
        "ceiling_timing_r": s.ceiling_timing,
        "shuffled_cosine": {"median": float(np.median(s.shuffled)), "p95": float(np.quantile(s.shuffled, 0.95))},
        "weights": {
            name: dict(zip(NAMES, map(float, row), strict=True))
            for name, row in ((f"synergy {k + 1}", row) for k, row in enumerate(s.own.weights))
        },
    }  # fmt: skip


def section(s: GaitSynergies, of: str) -> Section:
    """Weights and activations of the walk's synergies, `of` excitation or activation, beside the mean person's."""
    n = len(s.own.weights)
    fig, grid, place = figure(1.5 * n), 100.0 * np.arange(POINTS) / POINTS, np.arange(len(NAMES))
    weights: dict[str, Any] = {"muscle": list(NAMES)}
    courses: dict[str, Any] = {"cycle [%]": grid}
    axes = np.reshape(fig.subplots(n, 2, width_ratios=[1.2, 1.0]), (n, 2))
    for k, (left, right) in enumerate(axes):
        for j, (who, made) in enumerate((("walk", s.own), ("people", s.people))):
            colour = (SESSION[0], MUTED)[j]
            course = made.activation[:, k] / max(float(made.activation[:, k].max()), 1e-12)
            left.bar(place + 0.4 * j - 0.2, made.weights[k], 0.4, color=colour, label=who)
            right.plot(grid, course, color=colour, lw=1.4)
            weights[f"synergy {k + 1} {who}"] = made.weights[k]
            courses[f"synergy {k + 1} {who}"] = course
        left.set(xticks=place, xticklabels=NAMES, ylim=(0.0, 1.0), ylabel=f"synergy {k + 1}")
        right.set(xlim=(0, 100), ylim=(0.0, 1.1))
    axes[0, 0].legend(loc="upper right", ncols=2)
    axes[-1, 1].set(xlabel="cycle, %")
    own = figures_of(s)
    rows = (
        ("mean cosine of matched weights, median over people", bounded(s.cosine)),
        ("the same, muscles of the walk exchanged: median / 95 %",
         f"{number(own['shuffled_cosine']['median'])} / {number(own['shuffled_cosine']['p95'])}"),
        ("people among each other", number(s.ceiling)),
        ("r of the activations of the same pairs, median over people", bounded(s.timing)),
        ("people among each other", number(s.ceiling_timing)),
        (f"synergies for {100 * ACCOUNTED:.0f} % of the variance: the walk / people, median",
         f"{s.count} / {number(float(np.median(s.counts)), 0)}"),
    )  # fmt: skip
    text = Text(
        f"Non-negative synergies of the mean cycle ({of}), {n} of each, as many as people need in the median; every "
        "muscle in times its own largest value. Cosines of non-negative weights are above 0 by chance: the row below "
        "says by how much."
    )
    caption = "Weights (left) and activation over the cycle (right) of the walk's synergies and of the mean person's."
    drawing = Drawing("synergies", fig, caption, "Synergies beside people's", weights, {"course": courses})
    return Section("synergies", "Synergies", (text, SectionTable(("", ""), rows), drawing))

"""Control-subspace inactivation: how well a policy does with a part of the components of its action."""

from __future__ import annotations

import numpy as np

from myoprosthesis.report.citations import cite
from myoprosthesis.report.played_policy import PlayedPolicy
from myoprosthesis.report.policy_sections.published import INACTIVATION, TASK
from myoprosthesis.report.section import Drawing, Section
from myoprosthesis.report.style import MUTED, SESSION, figure


def curve(p: PlayedPolicy) -> dict[int, float]:
    """Mean score by the number of components that are left."""
    return {int(k): float(scores.mean()) for k, scores in zip(p.kept, p.inactivated, strict=True)}


def section(p: PlayedPolicy) -> Section:
    """Score against the number of components that are left."""
    fig = figure(2.9)
    ax = fig.subplots()
    mean, n = p.inactivated.mean(axis=1), p.inactivated.shape[1]
    error = p.inactivated.std(axis=1) / np.sqrt(n)
    ax.errorbar(p.kept, mean, error, color=SESSION[0], lw=1.5, marker="o", ms=3.5, label=p.name)
    if p.task == TASK:
        ax.plot(
            list(INACTIVATION),
            list(INACTIVATION.values()),
            "s",
            color=MUTED,
            ms=4,
            label="network of phase 1",
        )
    ax.set(xlabel=f"components left, of {max(p.kept)}", ylabel="score", ylim=(-0.02, 1.02))
    ax.legend(loc="upper left")
    caption = (
        f"Score with every action replaced by its projection on its first principal components and back, the mean "
        f"action kept, before it is squashed and clipped ({cite('subspace')}): mean of {n} trials, on which the "
        "components were not fitted; bars: standard error."
    )
    columns = {"components": list(p.kept), "score": mean, "standard error": error}
    drawing = Drawing("inactivation", fig, caption, "Score by components that are left", columns)
    return Section("inactivation", "Inactivated components", (drawing,))

"""How many principal components joint angles, velocities, activations and actions have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from myoprosthesis.analysis.hidden import Axes, components_for, shared_axes
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.citations import cite
from myoprosthesis.report.played_policy import PlayedPolicy
from myoprosthesis.report.policy_sections.published import SHARES
from myoprosthesis.report.section import Drawing, Section
from myoprosthesis.report.style import MUTED, SESSION, figure


def fits(p: PlayedPolicy) -> dict[str, Axes]:
    """Principal axes of each signal over all own trials; those that never change are left out."""
    own = p.own
    signals = {
        "joint angles": own.angles, "joint velocities": own.velocities, "muscle activations": own.activations,
        "actions": p.actions,
    }  # fmt: skip
    out = {}
    for name, trials in signals.items():
        try:
            out[name] = shared_axes(np.concatenate(trials)[None])
        except DataError:
            continue
    return out


def counts(axes: Mapping[str, Axes]) -> dict[str, tuple[int, ...]]:
    """Components for `SHARES` of the variance."""
    return {name: tuple(components_for(fit, share) for share in SHARES) for name, fit in axes.items()}


def section(p: PlayedPolicy) -> Section:
    """Cumulative variance against the number of components."""
    axes = fits(p)
    fig = figure(2.9)
    ax = fig.subplots()
    for (name, fit), tint in zip(axes.items(), SESSION, strict=False):
        ax.plot(np.arange(1, len(fit.variance) + 1), np.cumsum(fit.variance), "-", color=tint, lw=1.5, label=name)
    for share in SHARES:
        ax.axhline(share, color=MUTED, lw=0.7, ls=":")
    ax.set(xlabel="components", ylabel="share of the variance", ylim=(0, 1.02), xlim=(1, None))
    ax.legend(loc="lower right")
    most = max(len(fit.variance) for fit in axes.values())
    columns = {"component": np.arange(1, most + 1)} | {
        name: np.r_[np.cumsum(fit.variance), np.full(most - len(fit.variance), np.nan)] for name, fit in axes.items()
    }
    n = sum(len(trial) for trial in p.own.commands)
    caption = (
        f"Share of the variance that the first principal components hold, over {n} periods of {len(p.own.results)} "
        f"trials ({cite('subspace')}). Dotted: {' and '.join(f'{share:.0%}' for share in SHARES)}. "
        + ("Actions are logits of the excitations, as the network gave them before they were squashed."
           if p.space.squashed else "Actions are the commands.")
    )  # fmt: skip
    drawing = Drawing("components", fig, caption, "Cumulative variance by components", columns)
    return Section("components", "Components", (drawing,))

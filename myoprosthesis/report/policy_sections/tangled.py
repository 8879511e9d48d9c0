"""Tangling of the network's states, of the muscles and of the body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myoprosthesis.analysis.tangling import tangling
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.citations import cite
from myoprosthesis.report.played_policy import Array, PlayedPolicy
from myoprosthesis.report.section import Drawing, Omitted, Section, code
from myoprosthesis.report.style import SESSION, figure, plain_log

SETTLED_S = 0.5
"""Of each trial is left out: the balls fall into the hand, and the states jump from where they are put."""


def measured(p: PlayedPolicy) -> dict[str, Array]:
    """Q (n_states,) of each signal; those that never change, or are not there, are left out."""
    own = p.own
    body = _scaled([np.hstack(pair) for pair in zip(own.angles, own.velocities, strict=True)])
    signals = {"body": body, "muscle activations": own.activations, "actions": p.actions, "hidden states": own.hidden}
    first = round(SETTLED_S / p.dt)
    out = {}
    for name, trials in signals.items():
        try:
            out[name] = tangling([x[first:] for x in trials if len(x) > first + 1], p.dt)
        except DataError:
            continue
    return out


def section(p: PlayedPolicy) -> Section:
    """Distribution of Q."""
    q = measured(p)
    if not q:
        return Section("tangling", "Tangling", (Omitted("No state changes, so that nothing can be tangled."),))
    fig = figure(2.9)
    ax = fig.subplots()
    for (name, values), tint in zip(q.items(), SESSION, strict=False):
        ax.plot(np.sort(values), np.linspace(0, 1, len(values)), color=tint, lw=1.5, label=name)
    ax.set(xscale="log", xlabel="Q, 1/s²", ylabel="share of the states", ylim=(0, 1.02))
    plain_log(ax.xaxis)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    hidden = ", ".join(name for name, _ in p.contract.hidden)
    caption = (
        f"Tangling Q(t) = max over t' of |ẋ<sub>t</sub> − ẋ<sub>t'</sub>|² / (|x<sub>t</sub> − x<sub>t'</sub>|² + ε) "
        f"over all own trials from {SETTLED_S:g} s on ({cite('tangling')}), ε a tenth of the mean squared size of the "
        "states: high where states that are alike go different ways. Body: angles and velocities of the joints, each "
        "scaled to unit variance. "
        + (f"Hidden states: {code(hidden)}." if hidden else "The policy has no hidden states.")
    )
    shown = np.linspace(0, 1, 101)
    columns = {"share": shown, **{name: np.quantile(values, shown) for name, values in q.items()}}
    return Section("tangling", "Tangling", (Drawing("tangling", fig, caption, "Distribution of tangling", columns),))


def _scaled(trials: Sequence[Array]) -> list[Array]:
    sd = np.concatenate(trials).std(axis=0)
    return [trial / np.where(sd > 0, sd, 1.0) for trial in trials]

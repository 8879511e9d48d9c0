"""Whether the direction can be told from every band of components of the joints' velocities."""

from __future__ import annotations

import numpy as np

from myoprosthesis.analysis.decodability import bands, decodability
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.citations import cite
from myoprosthesis.report.played_policy import DirectionTrials, PlayedPolicy
from myoprosthesis.report.section import Drawing, Omitted, Section, code
from myoprosthesis.report.style import MUTED, SESSION, figure

WIDTH, FOLDS = 5, 5
WINDOW_S = 1.0
"""Of each trial, from its start; shorter ones are left out, so that a dropped ball does not tell the direction."""
TITLE = "Directions"


def accuracy(p: PlayedPolicy) -> dict[tuple[int, int], float]:
    """Share of held-out trials whose direction is told, by band; raises `DataError` where it cannot be measured."""
    opposite = _opposite(p)
    n = round(WINDOW_S / p.dt)
    both = [(side.direction, v[:n]) for side in (p.own, opposite) for v in side.velocities if len(v) >= n]
    if not both:
        raise DataError(f"no trial lasted {WINDOW_S:g} s")
    components = bands(both[0][1].shape[1], WIDTH)
    shares = decodability(np.array([v for _, v in both]), [way for way, _ in both], components, FOLDS, p.seed)
    return dict(zip(components, shares.tolist(), strict=True))


def _opposite(p: PlayedPolicy) -> DirectionTrials:
    if p.opposite is None:
        raise DataError(f"direction {p.own.direction!r} has no opposite")
    return p.opposite


def section(p: PlayedPolicy) -> Section:
    """Accuracy by band."""
    try:
        opposite, shares = _opposite(p), accuracy(p)
    except DataError as error:
        return Section("directions", TITLE, (Omitted(f"Directions are not told apart: {error}."),))
    names = [f"{first}–{last}" for first, last in shares]
    fig = figure(2.6, 6.0)
    ax = fig.subplots()
    ax.bar(names, list(shares.values()), color=SESSION[0], width=0.7)
    ax.axhline(0.5, color=MUTED, lw=0.8, ls=":")
    ax.set(xlabel="components of the joints' velocities", ylabel="trials told right", ylim=(0, 1.02))
    other = f" ({code(p.opposite_name)})" if p.opposite_name != p.name else " by the same policy"
    caption = (
        f"Share of trials of which a linear decoder tells {p.own.direction} from {opposite.direction}{other}, from "
        f"the first {WINDOW_S:g} s along one band of principal components; {FOLDS}-fold cross-validation over trials, "
        f"components and decoder (shrinkage: {cite('shrinkage')}) fitted without those that are held out "
        f"({cite('subspace')}). Dotted: chance. Score {p.own.direction} {p.own.scores.mean():.2f}, "
        f"{opposite.direction} {opposite.scores.mean():.2f}: where one is not turned at all, to tell them is easy."
    )
    columns = {"band": names, "accuracy": list(shares.values())}
    drawing = Drawing("directions", fig, caption, "Accuracy by band of components", columns)
    return Section("directions", TITLE, (drawing,))

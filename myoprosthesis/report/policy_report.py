"""The report of a policy of a task with directions: a page, and a folder of pictures and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import DataError
from myoprosthesis.report import figures, style
from myoprosthesis.report.played_policy import PlayedPolicy
from myoprosthesis.report.policy_sections import components, directions, inactivation, overview, tangled
from myoprosthesis.report.policy_sections.published import SHARES
from myoprosthesis.report.report import folder_of, measured, write


def figures_of(p: PlayedPolicy) -> dict[str, Any]:
    """The figures of the page."""
    try:
        shares = {f"{a}-{b}": share for (a, b), share in directions.accuracy(p).items()}
    except DataError:
        shares = {}
    counts = components.counts(components.fits(p))
    return {
        "policy": p.name, "task": p.task, "options": dict(p.options), "trials": len(p.own.results),
        "direction": p.own.direction, "score": float(p.own.scores.mean()), "score_sd": float(p.own.scores.std()),
        "opposite": None if p.opposite is None else {
            "policy": p.opposite_name, "direction": p.opposite.direction, "score": float(p.opposite.scores.mean()),
        },
        "squashed": p.space.squashed,
        "components": {
            name: {f"{share:g}": n for share, n in zip(SHARES, pair, strict=True)} for name, pair in counts.items()
        },
        "inactivation": {str(k): score for k, score in inactivation.curve(p).items()},
        "decodability": shares,
        "tangling": {name: overview.quantiles(q) for name, q in tangled.measured(p).items()},
    }  # fmt: skip


def write_report(p: PlayedPolicy, out: Path) -> dict[str, Any]:
    """Write the page of a policy into `out`; the numbers of the page."""
    place = folder_of(out)
    numbers = figures_of(p)
    with style.style():
        parts = [module.section(p) for module in (components, inactivation, directions, tangled)]
        sections = [overview.section(p, numbers), *parts]
        numbers = figures.tidy({**numbers, "sections": measured(sections)})
        write(place, p.name, "Policy report", sections, numbers)
    return numbers

"""Scores, and the figures of the page in one table, with those that were published beside them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from myoprosthesis.report.citations import cite
from myoprosthesis.report.played_policy import PlayedPolicy
from myoprosthesis.report.policy_sections.published import INACTIVATION, PHASE_1, PUBLISHED, SHARES, TASK
from myoprosthesis.report.section import Section, SectionTable, Text, code, number


def section(p: PlayedPolicy, figures: Mapping[str, Any]) -> Section:
    """`figures` are those of `policy_report.figures_of`."""
    scores, c = p.own.scores, p.contract
    options = ", ".join(f"{name}={value}" for name, value in p.options.items()) or "its defaults"
    text = Text(
        f"{code(p.name)} ({escape(c.effector)}, every {1e3 * c.dt:g} ms, {c.observation_size} numbers observed) turned "
        f"{escape(p.own.direction)} in {len(scores)} trials of {code(p.task)} with {code(options)}: score "
        f"{scores.mean():.2f}, standard deviation {scores.std():.2f}. All trials are those of a stack in lockstep."
    )
    known = p.task == TASK
    header = ("", p.name, "published", "its network of phase 1")
    rows = []
    for name, values in figures["components"].items():
        own = [" / ".join(map(str, values.values()))]
        tables = (PUBLISHED, PHASE_1) if known else ({}, {})
        other = [" / ".join(map(str, table[name])) if name in table else "–" for table in tables]
        rows.append((f"components of {name} for {' / '.join(f'{s:.0%}' for s in SHARES)}", *own, *other))
    for k, score in figures["inactivation"].items():
        reference = number(INACTIVATION[int(k)]) if known and int(k) in INACTIVATION else "–"
        rows.append((f"score with {k} of {max(p.kept)} components of the action", number(score), "–", reference))
    for band, share in figures["decodability"].items():
        rows.append((f"direction told from components {band}", number(share), "–", "–"))
    for name, q in figures["tangling"].items():
        rows.append((f"tangling of {name}, median / 90 %, 1/s²", f"{q['median']:.3g} / {q['p90']:.3g}", "–", "–"))
    caption = (
        f"Published: {cite('subspace')}, in which the direction could be told from every band. Its network of phase 1: "
        "measured on the weights that were published with it." if known else ""
    )  # fmt: skip
    width = 4 if known else 2
    table = SectionTable(header[:width], tuple(tuple(row[:width]) for row in rows), caption)
    return Section("overview", "Overview", (text, table))


def quantiles(q: np.ndarray[Any, Any]) -> dict[str, float]:
    """Median and 90 % of Q."""
    return {"median": float(np.median(q)), "p90": float(np.quantile(q, 0.9))}

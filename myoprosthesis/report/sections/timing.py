"""How the session kept time."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from myoprosthesis.core.log_histogram import LogHistogram
from myoprosthesis.report.accumulators import MovementAccumulators
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, SectionTable, number
from myoprosthesis.report.sections.deviation import shade
from myoprosthesis.report.style import ROLE, figure, plain_log


def section(s: ReportSession) -> Section:
    """Ticks, answers, trials and the time between them."""
    g = s.recorded
    if g is None or not g.timing:
        return Section("timing", "Timing", (Omitted("No timing: there is no recording that can be read."),))
    rows = np.array(g.timing, float)
    rows = rows[np.argsort(rows[:, 1])]
    trial, begin, end, typical, worst, samples, expected = rows.T
    between = np.append(begin[1:] - end[:-1], np.nan)
    between[between < 0] = np.nan
    missed = float(np.clip(expected - samples, 0, None).sum())
    table = [
        ("time from state to state", *_row(g.ticks)), ("from a state to the command that answers it", *_row(g.answers)),
        ("a trial, first to last state", *_spread(end - begin)), ("between trials", *_spread(between)),
    ]  # fmt: skip
    caption = (
        f"Wall time as the recorder received the messages, over {len(rows)} trials; {int(missed)} of "
        f"{int(expected.sum())} samples are missing in them. Between trials: from the last state of one to the first "
        "of the next, in which a learner learns."
    )
    parts: list[Part] = [
        SectionTable(("wall time, ms", "n", "median", "95 %", "99 %", "largest"), tuple(table), caption)
    ]
    parts += _ledgers(g)
    columns = {"trial": trial.astype(int), "wall_start_s": [f"{x:.6f}" for x in begin], "wall_s": end - begin,
               "between_s": between, "tick_median_ms": typical * 1e3, "tick_max_ms": worst * 1e3,
               "samples": samples.astype(int), "expected": expected.astype(int)}  # fmt: skip
    fig = figure(2.6)
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    fig.get_layout_engine().set(wspace=0.08)
    left.plot(trial, (end - begin) * 1e3, ".", ms=3, color=ROLE["washout"], label="trial")
    left.plot(trial, between * 1e3, ".", ms=3, color=ROLE["adaptation"], label="between trials")
    left.set(xlabel="trial", ylabel="wall time, ms", yscale="log")
    plain_log(left.yaxis)
    left.margins(x=0.01)
    left.legend(loc="upper right", bbox_to_anchor=(1, -0.16), ncols=2, borderaxespad=0)
    shade(left, s.blocks)
    for durations, colour, name in ((g.ticks, ROLE["baseline"], "state to state"),
                                (g.answers, ROLE["generalisation"], "state to command")):  # fmt: skip
        if len(durations):
            _histogram(right, durations, colour, name)
    right.set(xlabel="time, ms", ylabel="share of ticks", xscale="log")
    plain_log(right.xaxis)
    right.legend(loc="upper right")
    caption = ("Left: wall time of each trial and of the pause after it. Right: distribution of the time from one "
               f"state to the next within a trial (n = {len(g.ticks)}) and from a state to its command (n = "
               f"{len(g.answers)}).")  # fmt: skip
    parts.append(Drawing("timing", fig, caption, "Wall time of trials and ticks", columns))
    return Section("timing", "Timing", tuple(parts))


def _ledgers(recorded: MovementAccumulators) -> list[Part]:
    """What the nodes measured themselves."""
    rows, ticks = [], []
    for node, values in sorted(recorded.ledgers.items()):
        for key, one in values.items():
            if key.endswith("_ms") and isinstance(one, Mapping) and {"p50", "p99", "max"} <= one.keys():
                name = f"{node}: {key.removesuffix('_ms').replace('_', ' ')}"
                rows.append((escape(name), *(number(float(one[q]), 3) for q in ("p50", "p99", "max"))))
        if values.get("ticks"):
            ticks.append(f"{node} missed {values.get('missed_ticks', 0)} of {values['ticks']} ticks")
    if not rows:
        return [Omitted("No measurements by the nodes themselves: /diagnostics was not recorded.")]
    caption = f"What the nodes measured themselves, in their last message on /diagnostics. {escape('; '.join(ticks))}."
    return [SectionTable(("by the nodes, ms", "median", "99 %", "largest"), tuple(rows), caption)]


def _histogram(ax: Any, durations: LogHistogram, colour: str, name: str) -> None:
    used = np.flatnonzero(durations.counts[1:-1])
    if not len(used):
        return
    first, last = max(0, used[0] - 1), min(len(durations.edges) - 2, used[-1] + 1)
    share = durations.counts[1:-1][first : last + 1] / len(durations)
    ax.stairs(share, durations.edges[first : last + 2] * 1e3, color=colour, fill=True, alpha=0.45, label=name)


def _row(durations: LogHistogram) -> tuple[str, ...]:
    if not len(durations):
        return ("0", "–", "–", "–", "–")
    values = (*(durations.percentile(q) for q in (50, 95, 99)), durations.largest)
    return (str(len(durations)), *(number(1e3 * x, 3) for x in values))


def _spread(x: Any) -> tuple[str, ...]:
    x = x[np.isfinite(x)]
    if not len(x):
        return ("0", "–", "–", "–", "–")
    return (str(len(x)), *(number(1e3 * float(v), 1) for v in (*np.percentile(x, (50, 95, 99)), x.max())))

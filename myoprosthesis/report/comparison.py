"""Comparison of several sessions: courses overlaid, and differences with their intervals.

So that fields to either side can be compared, deviations are turned into the direction of the session's own field where
the first course of every session has a curl field: above zero it has pushed the movement aside, below zero it bends
against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.report import figures, session_data, style
from myoprosthesis.report.adaptation_course import FIRST, LAST
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report import folder_of, measured, write
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, SectionTable, Text, bounded, code, number
from myoprosthesis.report.sections import repeat
from myoprosthesis.report.sections.deviation import round_means, shade
from myoprosthesis.report.sections.directions import by_direction, early
from myoprosthesis.report.sections.index import slopes
from myoprosthesis.report.session_blocks import ADAPTATION, BASELINE, WASHOUT, ReportCourse, normal
from myoprosthesis.report.trial_table import TrialTable

Array = NDArray[np.float64]
MOST = 8
MEASURES = (
    ("baseline", BASELINE, "half"), ("initial", ADAPTATION, "first"), ("end of adaptation", ADAPTATION, "last"),
    ("after-effect", WASHOUT, "first"), ("end of washout", WASHOUT, "last"),
)  # fmt: skip
"""Name, part of the course and which of its normal trials."""


@dataclass(frozen=True)
class SessionDifference:
    """Of a session from the reference, in mm."""

    measure: str
    session: str
    reference: str
    own: float
    other: float
    difference: Interval
    paired: int
    """Pairs of the same trial, target and block; 0 when the trials are compared as two groups."""

    @property
    def zero_within(self) -> bool:
        """The interval holds 0, so that these trials do not tell the sessions apart."""
        return 0.0 in self.difference


def compare(folders: Sequence[Path], out: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Write one page about several sessions into `out`; its numbers."""
    if not 2 <= len(folders) <= MOST:
        raise ConfigError(f"{len(folders)} sessions are to be compared, expected 2 to {MOST}")
    sessions = [figures.session(session_data.load(f), seed) for f in folders]
    place = folder_of(out or default_place(folders))
    with style.style():
        names = unique_names(sessions)
        paired = differences(sessions, names, seed)
        sections = [
            _summary(sessions, names), _deviation(sessions, names), _differences(paired, sessions),
            _index(sessions, names), _directions(sessions, names), _repeat(sessions, names),
        ]  # fmt: skip
        numbers = {
            "sessions": [{**figures.of(s), "label": n} for s, n in zip(sessions, names, strict=True)],
            "differences": [
                {"measure": d.measure, "session": d.session, "reference": d.reference, "own_mm": d.own,
                 "reference_mm": d.other, "difference": d.difference.value,
                 "interval": [d.difference.low, d.difference.high], "paired": d.paired, "zero_within": d.zero_within}
                for d in paired
            ],
            "positive_to": positive_to(sessions),
            "sections": measured(sections),
        }  # fmt: skip
        write(place, " and ".join(names) if len(names) < 4 else f"{len(names)} sessions", "Comparison of sessions",
              sections, numbers)  # fmt: skip
    return numbers


def default_place(folders: Sequence[Path]) -> Path:
    """Beside the first, named after all."""
    names = [f.resolve().name for f in folders]
    short = "_and_".join(names) if len(names) < 4 else f"{names[0]}_and_{len(names) - 1}_others"
    return folders[0].resolve().parent / f"comparison_{short}"[:200]


def unique_names(sessions: Sequence[ReportSession]) -> list[str]:
    """Names of the sessions, or of their folders where two have one name."""
    names = [s.name for s in sessions]
    if len(set(names)) < len(names):
        names = [s.folder.resolve().name for s in sessions]
    return names if len(set(names)) == len(names) else [f"{n} ({i + 1})" for i, n in enumerate(names)]


def sides(sessions: Sequence[ReportSession]) -> list[float]:
    """1 or −1: where the curl field of each session's first course pushes; 1 for all where one has none."""
    own = [float(np.sign(field_b(s))) for s in sessions]
    return own if has_sides(sessions) else [1.0] * len(own)


def field_b(s: ReportSession) -> float:
    """N·s/m, of the curl field of the first course, which is the one that is compared; 0 without any."""
    return next((b.gain for b in s.courses[0].adaptation if b.gain), 0.0) if s.courses else 0.0


def has_sides(sessions: Sequence[ReportSession]) -> bool:
    """Whether the first course of every session has a curl field, by whose side its deviations are turned."""
    return all(field_b(s) for s in sessions)


def positive_to(sessions: Sequence[ReportSession]) -> str:
    """Words for where deviations are above zero."""
    curl = has_sides(sessions)
    plain = "to the right of the motion (not every first course has a curl field, by whose side they could be turned)"
    return "to the side to which the session's own field pushes" if curl else plain


def differences(sessions: Sequence[ReportSession], names: Sequence[str], seed: int = 0) -> list[SessionDifference]:
    """Of every session from the first, in the measures of the course, paired where the trials correspond."""
    out = []
    turned = dict(zip(names, sides(sessions), strict=True))
    for s, name in list(zip(sessions, names, strict=True))[1:]:
        for measure, part, which in MEASURES:
            own, other = (_trials(x, part, which) for x in (s, sessions[0]))
            if own is None or other is None or min(len(own), len(other)) < 2:
                continue
            a, b = (t.lateral_deviation_mm * x for t, x in ((own, turned[name]), (other, turned[names[0]])))
            mine, theirs = _pairs(own, other)
            paired = len(mine) >= 0.8 * max(len(own), len(other))
            if paired:
                interval = intervals.paired_difference(a[mine], b[theirs], seed)
            else:
                band = intervals.of((a, b), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis), seed,
                                    method="percentile")  # fmt: skip
                interval = Interval(float(band.value), float(band.low), float(band.high))
            out.append(SessionDifference(measure, name, names[0], float(a.mean()), float(b.mean()), interval,
                                  len(mine) if paired else 0))  # fmt: skip
    return out


def _trials(s: ReportSession, part: str, which: str) -> TrialTable | None:
    if not s.courses:
        return None
    c: ReportCourse = s.courses[0]
    t = normal({BASELINE: c.baseline, ADAPTATION: c.adaptation, WASHOUT: c.washout}[part])
    if t is None:
        return None
    every = np.arange(len(t))
    chosen = {"half": every[len(t) // 2 :], "first": every[:FIRST], "last": every[FIRST:][-LAST:]}[which]
    return t.where(chosen)


def _pairs(a: TrialTable, b: TrialTable) -> tuple[list[int], list[int]]:
    """Rows of trials of one number and block, with the same movement asked for, to a tenth of a millimetre."""

    def keys(t: TrialTable) -> list[tuple[Any, ...]]:
        reach = np.nan_to_num(np.stack([t.target_x - t.start_x, t.target_y - t.start_y]))
        return list(zip(t.trial.tolist(), t.block.tolist(), *np.round(reach, 4).tolist(), strict=True))

    at = {key: i for i, key in enumerate(keys(b))}
    pairs = [(i, at[k]) for i, k in enumerate(keys(a)) if k in at]
    return [i for i, _ in pairs], [j for _, j in pairs]


def _summary(sessions: Sequence[ReportSession], names: Sequence[str]) -> Section:
    parts: list[Part] = [Omitted(f"{n}: {f}") for s, n in zip(sessions, names, strict=True) for f in s.faults]
    rows = []
    for i, (s, name) in enumerate(zip(sessions, names, strict=True)):
        f = s.course_figures[0] if s.course_figures else None
        gain = field_b(s)
        cells = (
            (bounded(f.initial_over_baseline, 1), bounded(f.reduction, percent=True),
             bounded(f.after_effect_over_initial, percent=True), bounded(f.washout_over_baseline))
            if f is not None else ("–",) * 4
        )  # fmt: skip
        dot = f'<i class="role" style="background:{style.SESSION[i]}"></i>'
        rows.append((f"{dot}{escape(name)}", str(len(s.table)), f"{gain:+.3g}".replace("-", "−"), *cells))
    header = ("session", "trials", "field b, N·s/m", "initial / baseline", "reduction", "after-effect / initial",
              "washout / baseline")  # fmt: skip
    caption = (
        f"Figures of each session's first course; in brackets 95 % bootstrap intervals over trials. {cite('lateral')}."
    )
    hashes = tuple((escape(n), code(s.sha256)) for s, n in zip(sessions, names, strict=True))
    parts += [
        SectionTable(header, tuple(rows), caption),
        SectionTable(("", ""), hashes, "Hashes of the tables.", numbers=False),
    ]
    return Section("summary", "Summary", tuple(parts))


def _deviation(sessions: Sequence[ReportSession], names: Sequence[str]) -> Section:
    fig = style.figure(3.6)
    ax = fig.subplots()
    columns: dict[str, list[Any]] = {k: [] for k in ("session", "block", "trial", "mean_mm", "low_mm", "high_mm")}
    turned = sides(sessions)
    for i, (s, name) in enumerate(zip(sessions, names, strict=True)):
        for b in s.blocks:
            r = round_means(b, s.seed)
            if not len(r.trial):
                continue
            bounds = np.sort(np.stack([r.low, r.high]) * turned[i], axis=0)
            style.band(ax, r.trial, bounds[0], bounds[1], style.SESSION[i])
            ax.plot(r.trial, r.mean * turned[i], color=style.SESSION[i], lw=1.5,
                    label=name if b is s.blocks[0] else None)  # fmt: skip
            for key, values in zip(columns, ([name] * len(r.trial), [b.index] * len(r.trial), r.trial,
                                             r.mean * turned[i], *bounds), strict=True):  # fmt: skip
                columns[key] += list(values)
    ax.axhline(0, color="#9aa4af", lw=0.8, zorder=0)
    ax.set(xlabel="trial", ylabel="lateral deviation, mm\n← against the field      with it →")
    ax.margins(x=0.01)
    shade(ax, sessions[0].blocks)
    ax.legend(loc="upper right", bbox_to_anchor=(1, -0.13), ncols=4, borderaxespad=0)
    mirrored = "Sessions that mirror each other lie on top of each other. " if has_sides(sessions) else ""
    caption = (f"Lateral deviation on normal trials, positive {positive_to(sessions)}: "
               "means over rounds of targets, shaded: 95 % bootstrap intervals over the trials of a round "
               f"({cite('bootstrap')}). {mirrored}Blocks in the "
               f"background are those of {escape(names[0])}.")  # fmt: skip
    drawing = Drawing("lateral_deviation", fig, caption, f"Lateral deviation of {len(sessions)} sessions", columns)
    return Section("deviation", "Lateral deviation", (drawing,))


def _differences(paired: Sequence[SessionDifference], sessions: Sequence[ReportSession]) -> Section:
    if not paired:
        return Section("differences", "Differences", (Omitted("No differences: no blocks in common."),))
    rows = tuple(
        (escape(d.measure), escape(f"{d.session} − {d.reference}"), number(d.own), number(d.other),
         bounded(d.difference), f"{d.paired} pairs" if d.paired else "unpaired", "yes" if d.zero_within else "no")
        for d in paired
    )  # fmt: skip
    caption = (
        f"Mean lateral deviation in mm, positive {positive_to(sessions)}, on normal trials: second half "
        f"of baseline, first {FIRST} and last {LAST} of adaptation and of washout (of those after the first {FIRST}: "
        "fewer where a block is short). Trials of the same number, block "
        "and target are paired where four fifths of them correspond. In brackets 95 % bootstrap intervals of the "
        f"difference ({cite('bootstrap')}). Where they hold 0, these trials do not tell the sessions apart"
        f"{'; in opposite fields they are then mirror images within the interval' if has_sides(sessions) else ''}."
    )
    header = ("measure", "difference of", "own", "other", "difference, mm", "trials", "0 within")
    return Section("differences", "Differences", (SectionTable(header, rows, caption),))


def _index(sessions: Sequence[ReportSession], names: Sequence[str]) -> Section:
    fig = style.figure(2.8)
    ax = fig.subplots()
    columns: dict[str, list[Any]] = {"session": [], "trial": [], "channel_slope": []}
    for i, (s, name) in enumerate(zip(sessions, names, strict=True)):
        pairs = [slopes(b) for b in s.blocks if b.gain]
        if not sum(len(y) for _, y in pairs):
            continue
        x, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        ax.plot(x, y, "o-", ms=3, lw=1, color=style.SESSION[i], label=name)
        columns["session"] += [name] * len(x)
        columns["trial"] += x.astype(int).tolist()
        columns["channel_slope"] += y.tolist()
    if not columns["trial"]:
        return Section("index", "Adaptation index", (Omitted("No adaptation index: there are no channel trials."),))
    for level in (0, 1):
        ax.axhline(level, color="#9aa4af", lw=0.8, zorder=0)
    ax.set(xlabel="trial", ylabel="adaptation index")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, borderaxespad=0.2)
    caption = ("Slope of the channel's force on the force that would cancel the field, by trial; n = "
               f"{len(columns['trial'])} channel trials ({cite('clamp', 'slope')}).")  # fmt: skip
    return Section("index", "Adaptation index", (
        Drawing("adaptation_index", fig, caption, "Adaptation index by trial", columns),
    ))  # fmt: skip


def _directions(sessions: Sequence[ReportSession], names: Sequence[str]) -> Section:
    fig = style.figure(2.8)
    ax = fig.subplots()
    columns: dict[str, list[Any]] = {k: [] for k in ("session", "degrees", "mean_mm", "low_mm", "high_mm")}
    turned = sides(sessions)
    drawn = 0
    for i, (s, name) in enumerate(zip(sessions, names, strict=True)):
        t = normal(s.courses[0].washout) if s.courses else None
        if t is None or not len(t):
            continue
        n = early(t)
        x = by_direction(name, WASHOUT, t.where(np.arange(n)), s.seed)
        value, bounds = x.mean * turned[i], np.sort(np.stack([x.low, x.high]) * turned[i], axis=0)
        bars = np.nan_to_num(np.abs(np.stack([value - bounds[0], bounds[1] - value])))
        ax.errorbar(x.degrees + 4 * (i - (len(sessions) - 1) / 2), value, bars, fmt="o", ms=4.5, lw=1.1,
                    color=style.SESSION[i], label=f"{name} (n = {n})")  # fmt: skip
        for key, values in zip(columns, ([name] * len(value), x.degrees, value, *bounds), strict=True):
            columns[key] += list(values)
        drawn += 1
    if not drawn:
        return Section("directions", "After-effect by direction", (Omitted("No after-effects: no washout."),))
    ax.axhline(0, color="#9aa4af", lw=0.8, zorder=0)
    ax.set(xlabel="direction of the target, °", ylabel="after-effect, mm")
    ax.set_xticks(np.arange(0, 316, 45))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, borderaxespad=0.2)
    caption = (f"Mean lateral deviation over the first n normal trials of washout, two rounds of targets but at most "
               f"half of the trials there are, positive {positive_to(sessions)}; "
               "bars: 95 % bootstrap intervals over the trials of a direction, none where there is "
               "one.")  # fmt: skip
    return Section("directions", "After-effect by direction", (
        Drawing("after_effect_by_direction", fig, caption, "After-effect by direction", columns),
    ))  # fmt: skip


def _repeat(sessions: Sequence[ReportSession], names: Sequence[str]) -> Section:
    parts: list[Part] = []
    for s, name in zip(sessions, names, strict=True):
        parts.append(Text(f"<b>{escape(name)}</b>"))
        parts += repeat.section(s).parts
    return Section("repeat", "How to repeat them", tuple(parts))

"""What the session was, and its results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from html import escape
from typing import Any

import numpy as np

from myoprosthesis.report import imposed_kinds
from myoprosthesis.report.adaptation_course import FIRST, LAST
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Omitted, Part, Section, SectionTable, Text, bounded, code, number, share
from myoprosthesis.report.session_blocks import normal
from myoprosthesis.report.trial_table import KINDS, NORMAL


def section(s: ReportSession) -> Section:
    """The course of adaptation, blocks and facts."""
    parts: list[Part] = []
    if s.settings.get("about"):
        parts.append(Text(f"<span class='about'>{escape(str(s.settings['about']))}</span>"))
    parts += [Omitted(f) for f in s.faults]
    parts += [*_courses(s), _blocks(s), _facts(s)]
    return Section("summary", "Summary", tuple(parts))


def _facts(s: ReportSession) -> SectionTable:
    p = s.provenance
    starts = [x for x in p.get("starts") or () if isinstance(x, Mapping)]
    rows = [("session", code(s.name)), ("folder", code(s.folder.name)), ("trials", str(len(s.table)))]
    if starts:
        ended = f"to {when(p['ended'])}" if p.get("ended") else "not ended"
        rows.append(("when", escape(f"{when(starts[0].get('at'))} {ended}")))
    if len(starts) > 1:
        rows.append(("taken up again", escape(", ".join(f"at trial {x.get('trial')}" for x in starts[1:]))))
    if p.get("platform"):
        cores = f", {p['cores']} cores" if p.get("cores") else ""
        rows.append(("machine", escape(f"{p['platform']}{cores}")))
    for title, key in (("versions", "versions"), ("commit", "commit"), ("seed", "seed"), ("learner", "learner")):
        if p.get(key) not in (None, "", {}, []):
            rows.append((title, escape(words(p[key]))))
    rows.append(("table hash", code(s.sha256)))
    return SectionTable(("", ""), tuple(rows), numbers=False)


def when(at: Any) -> str:
    """A time in s since 1970 as people write it, UTC; anything else as it is."""
    if not isinstance(at, (int, float)) or isinstance(at, bool) or not math.isfinite(at):
        return str(at)
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def words(value: Any) -> str:
    """Plain data in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {words(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(words(v) for v in value)
    return str(value)


def _blocks(s: ReportSession) -> SectionTable:
    rows = []
    for b in s.blocks:
        t = b.table.of(NORMAL)
        error, done = (x[np.isfinite(x)] for x in (t.endpoint_error_mm, t.success))
        aside = np.abs(t.lateral_deviation_mm[np.isfinite(t.lateral_deviation_mm)])
        gain = f"{b.gain:+.3g}".replace("-", "−") if b.gain else "0"
        rows.append((
            f'<i class="role {b.role}"></i>{escape(b.name)}', f"{b.role} (by its {b.by})" if b.by else b.role,
            escape(imposed_kinds.words(b.imposed) or " / ".join(dict.fromkeys(p for p in t.perturbation.tolist() if p)))
            or "–", gain,
            *(str(int((b.table.kind == k).sum()) or "–") for k in KINDS),
            number(aside.mean() if len(aside) else None), number(error.mean() if len(error) else None),
            share(done.mean() if len(done) else None),
        ))  # fmt: skip
    header = ("block", "role", "imposed", "field b, N·s/m", *KINDS, "|lateral dev.|, mm", "end error, mm", "success")
    caption = (
        "Trials by block and kind; means over normal trials. b above 0 is a clockwise curl field, which pushes to the "
        "right of the motion."
    )
    if any(b.by for b in s.blocks):
        caption += (
            " A role in brackets is not given by the session: it is taken from the block's name, or from what is "
            "imposed in it and before it (role: in the session's YAML says it)."
        )
    return SectionTable(header, tuple(rows), caption)


def _courses(s: ReportSession) -> list[Part]:
    if not s.courses:
        return [Omitted(
            "No course of adaptation: no block has a curl field. Where something else is learned, such as a rotation, "
            "give its block the role adaptation in the session's YAML (role: adaptation)."
        )]  # fmt: skip
    parts: list[Part] = []
    if s.verdicts:
        rows = []
        for v in s.verdicts:
            percent = "%" in v.rule
            word, look = ("met", "yes") if v.met else ("not met", "no")
            if not v.certain:
                word, look = f"{word}, but the confidence interval includes the criterion", "open"
            rows.append((escape(v.title), bounded(v.value, percent=percent), v.rule,
                         f'<span class="verdict {look}">{word}</span>'))  # fmt: skip
        parts.append(SectionTable(("course of adaptation", "found", "criterion", ""), tuple(rows), _course_caption(s)))
    lines = []
    for title, name in _MEASURES:
        lines.append((title, *(bounded(getattr(f, name)) for f in s.course_figures)))
    heads = tuple(escape(" + ".join(b.name for b in c.adaptation)) + ", mm" for c in s.courses)
    parts.append(SectionTable(("measure", *heads), tuple(lines)))
    if len(s.courses) > 1:
        parts.append(Text(f"The criteria are judged on the first of the {len(s.courses)} courses."))
    missing = [what for what, blocks in (("baseline", s.courses[0].baseline), ("washout", s.courses[0].washout))
               if not blocks]  # fmt: skip
    parts += [Omitted(f"No {what} block with a finished trial goes with the first adaptation.") for what in missing]
    return parts


_MEASURES = (
    ("baseline, |deviation|", "baseline_mm"), ("initial, |deviation|", "initial_mm"),
    ("initial, signed", "initial_signed_mm"), ("end of adaptation, |deviation|", "end_mm"),
    ("end of adaptation, signed", "end_signed_mm"), ("after-effect, signed", "after_effect_mm"),
    ("after-effect of the first three, signed", "after_effect_first_few_mm"),
    ("end of washout, |deviation|", "washout_mm"),
)  # fmt: skip


def _course_caption(s: ReportSession) -> str:
    first = s.courses[0]
    during, after = (0 if t is None else len(t) for t in map(normal, (first.adaptation, first.washout)))
    initial, end, effect, washed = (
        f"{n} trials" if n == most else f"{n} trials (fewer than {most})"
        for n, most in ((min(FIRST, during), FIRST), (min(LAST, max(0, during - FIRST)), LAST),
                        (min(FIRST, after), FIRST), (min(LAST, max(0, after - FIRST)), LAST))
    )  # fmt: skip
    which = " (of the first course)" if len(s.courses) > 1 else ""
    return (f"Lateral deviation on normal trials: baseline is the second half of those before the field, initial "
            f"the first {initial} in the field, end the last {end}, after-effect the first {effect} of washout, and "
            f"washout its last {washed}{which}. Ratios compare mean absolute deviations; the after-effect is signed. "
            "In brackets 95 % bootstrap "
            "intervals over trials, which include the differences between targets. "
            f"{cite('lateral')}; {cite('bootstrap')}.")  # fmt: skip

"""The numbers of a report that the table of trials gives by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.core.extras import library
from myoprosthesis.report import adaptation_course, session_data
from myoprosthesis.report import session_blocks as parts
from myoprosthesis.report.adaptation_course import FIRST, CourseFigures, Criteria, plain
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.sections.index import final_index, slopes
from myoprosthesis.report.session_blocks import WASHOUT, ReportBlock
from myoprosthesis.report.session_data import SessionData
from myoprosthesis.report.trial_table import CATCH, KINDS


def session(data: SessionData, seed: int = 0) -> ReportSession:
    """A session without its recorded movements; raises `ConfigError` where the libraries of statistics are missing."""
    for name in ("scipy", "sklearn"):
        library(name, "report", "a report")
    table = data.reading.table
    blocks = parts.blocks(table, data.settings, data.imposed)
    courses = parts.courses(blocks)
    figures = tuple(adaptation_course.figures(c, seed) for c in courses)
    criteria = Criteria()
    return ReportSession(
        folder=data.folder, name=str(data.settings.get("name") or data.folder.name), settings=data.settings,
        settings_text=data.settings_text, provenance=data.provenance, table=table, sha256=data.reading.sha256,
        blocks=tuple(blocks), courses=tuple(courses), course_figures=figures, criteria=criteria,
        verdicts=tuple(adaptation_course.verdicts(figures[0], criteria) if figures else ()), recorded=None,
        faults=data.faults, seed=seed,
    )  # fmt: skip


def figures(folder: Path, seed: int = 0) -> dict[str, Any]:
    """The numbers of the session in `folder`, as `of` gives them."""
    return of(session(session_data.load(folder), seed))


def of(s: ReportSession) -> dict[str, Any]:
    """Plain data. Each value of a mean or a ratio has its bounds beside it, under `<name>_interval`."""
    return {
        "name": s.name,
        "folder": s.folder.name,
        "trials": len(s.table),
        "table_sha256": s.sha256,
        "faults": list(s.faults),
        "blocks": [_block(b, s.seed) for b in s.blocks],
        "course": (s.course_figures[0] if s.course_figures else CourseFigures()).to_json(),
        "courses": [{"blocks": [b.name for b in c.adaptation], **f.to_json()}
                    for c, f in zip(s.courses, s.course_figures, strict=True)],
        "criteria": [{"title": v.title, "rule": v.rule, "value": v.value.value, "met": v.met, "certain": v.certain}
                     for v in s.verdicts],
    }  # fmt: skip


def _block(b: ReportBlock, seed: int) -> dict[str, Any]:
    at, slope = slopes(b)
    return {
        "name": b.name,
        "role": b.role,
        "role_by": b.by or "session",
        "gain": b.gain,
        "trials": b.table.trial.tolist(),
        "kinds": b.table.kind.tolist(),
        "counts": {k: int((b.table.kind == k).sum()) for k in KINDS},
        "lateral_deviation_mm_by_trial": b.table.lateral_deviation_mm.tolist(),
        "endpoint_error_mm": _mean(b.normal.endpoint_error_mm),
        "success": _mean(b.normal.success),
        **plain("adaptation_index", final_index(b, seed)),
        **plain("after_effect_mm", _after_effect(b, seed)),
        "channel_trials": at.astype(int).tolist(),
        "channel_force_slope": slope.tolist(),
    }


def _after_effect(b: ReportBlock, seed: int) -> Interval | None:
    """Of the first trials of washout; in a block with a field, of its catch trials in the second half."""
    if b.role == WASHOUT:
        y = b.normal.lateral_deviation_mm
        return adaptation_course.mean(y[np.isfinite(y)][:FIRST], seed)
    y = b.second_half.of(CATCH).lateral_deviation_mm
    return adaptation_course.mean(y[np.isfinite(y)], seed) if b.gain else None


def _mean(x: Sequence[float] | Any) -> float | None:
    x = np.asarray(x, float)
    x = x[np.isfinite(x)]
    return float(x.mean()) if len(x) else None


def tidy(value: Any) -> Any:
    """Plain data for JSON: what is not a finite number becomes null."""
    if isinstance(value, Mapping):
        return {str(k): tidy(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [tidy(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value.item() if isinstance(value, np.generic) else value

"""A session as a report sees it: what was read, and what follows from it for every section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.report.accumulators import MovementAccumulators
from myoprosthesis.report.adaptation_course import CourseFigures, Criteria, Verdict
from myoprosthesis.report.session_blocks import ReportBlock, ReportCourse
from myoprosthesis.report.trial_table import TrialTable


@dataclass(frozen=True, eq=False)
class ReportSession:
    """Everything the sections draw from."""

    folder: Path
    name: str
    settings: Mapping[str, Any]
    settings_text: str
    provenance: Mapping[str, Any]
    table: TrialTable
    sha256: str
    """Of the table of trials."""
    blocks: tuple[ReportBlock, ...]
    courses: tuple[ReportCourse, ...]
    course_figures: tuple[CourseFigures, ...]
    """One for each course."""
    criteria: Criteria
    verdicts: tuple[Verdict, ...]
    """Of the first course."""
    recorded: MovementAccumulators | None
    """None without a recording."""
    faults: tuple[str, ...]
    """What was wrong with the files, in sentences."""
    seed: int = 0
    """Of the bootstrap."""

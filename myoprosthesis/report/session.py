"""A session as a report sees it: what was read, and what follows from it for every section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.report.blocks import Block, Course
from myoprosthesis.report.course import CourseFigures, Criteria, Verdict
from myoprosthesis.report.gathered import Gathered
from myoprosthesis.report.trial_table import TrialTable


@dataclass(frozen=True, eq=False)
class Session:
    """Everything the sections draw from."""

    folder: Path
    name: str
    settings: Mapping[str, Any]
    settings_text: str
    provenance: Mapping[str, Any]
    table: TrialTable
    sha256: str
    """Of the table of trials."""
    blocks: tuple[Block, ...]
    courses: tuple[Course, ...]
    found: tuple[CourseFigures, ...]
    """One for each course."""
    criteria: Criteria
    verdicts: tuple[Verdict, ...]
    """Of the first course."""
    gathered: Gathered | None
    """None without a recording."""
    faults: tuple[str, ...]
    """What was wrong with the files, in sentences."""
    seed: int = 0
    """Of the bootstrap."""

"""Rows of trials as CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.training.decoding.trial_decisions import TrialDecisions
from myoprosthesis.training.decoding.trial_movements import TrialMovement


def csv_table(rows: Sequence[TrialDecisions] | Sequence[TrialMovement]) -> str:
    """Rows as CSV; a cell is empty for NaN."""
    names = [f.name for f in fields(rows[0])]
    return csv_text(names, *([_cell(getattr(row, name)) for name in names] for row in rows))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return str(value)

"""Rows as the text of a CSV file, lines ended by a line feed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any


def csv_text(*rows: Iterable[Any]) -> str:
    """The rows, a header first where there is one; cells that need quotes get them, None is empty."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()

"""Tables over the cycle of a gait, from a foot's touch-down to its next: a column by name, rows at equal steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import RecordingError

Array = NDArray[np.float64]
POINTS = 100
"""Of a cycle."""
FEWEST_ROWS = 20


def read_cycle(file: Path, what: str) -> tuple[list[str], Array]:
    """The names of the columns of a .csv file, and its cycle at 100 equal steps, (100, n_columns).

    Raises `RecordingError`, which calls it `what`."""
    try:
        head, *rows = file.read_text(encoding="utf-8-sig").splitlines()
        names = [name.strip() for name in head.split(",")]
        table = np.array([[float(cell) for cell in row.split(",")] for row in rows if row.strip()])
    except (OSError, ValueError) as error:
        raise RecordingError(f"{file} cannot be read as {what}: {error}") from error
    if table.ndim != 2 or len(table) < FEWEST_ROWS or table.shape[1] != len(names):
        raise RecordingError(f"{file} needs a name for each column and {FEWEST_ROWS} rows over a cycle or more")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecordingError(f"{file} has {twice[0]!r} twice: keep one")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise RecordingError(f"{file} has no number for {names[column]!r} in row {row + 1} below its names")
    ends = np.arange(len(table) + 1) / len(table)
    closed = np.concatenate([table, table[:1]])
    grid = np.arange(POINTS) / POINTS
    return names, np.stack([np.interp(grid, ends, column) for column in closed.T], 1)

"""The course of a run for TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library


def event_log(folder: Path) -> Callable[[dict[str, Any]], None] | None:
    """What writes each row of the history as events to `folder`; None where tensorboard is not installed."""
    try:
        writer = library("torch.utils.tensorboard", "tensorboard", "the event log").SummaryWriter(str(folder))
    except ConfigError:
        return None

    def write(row: dict[str, Any]) -> None:
        for name, value in row.items():
            if isinstance(value, float) and math.isfinite(value) and name not in ("samples", "seconds"):
                writer.add_scalar(f"{row['stage']}/{name}" if name == "score" else name, value, int(row["samples"]))
        writer.flush()

    return write

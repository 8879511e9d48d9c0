"""The course of a training run as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from myoprosthesis.training import checkpoint
from myoprosthesis.training.stage_marks import mark_stages


def loss_curve(history: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Write loss and endpoint error against batches, stages marked, to a PNG; does nothing without history."""
    if not history:
        return
    from matplotlib.figure import Figure  # here, because training needs no picture until then
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    other = axes.twinx()
    batch = [row["batch"] for row in history]
    axes.plot(batch, [row["loss"] for row in history], color="#1f4e79", lw=1.8)
    other.plot(batch, [row["error_mm"] for row in history], color="#c0392b", lw=1.0, ls=(0, (4, 2)))
    axes.set(xlabel="batch", yscale="log", title=title)
    axes.set_ylabel("loss", color="#1f4e79")
    other.set(yscale="log")
    other.set_ylabel("endpoint error, mm", color="#c0392b")
    mark_stages(axes, [row["stage"] for row in history], batch)
    for side in (axes, other):
        side.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        side.yaxis.set_major_formatter(ScalarFormatter())
        side.yaxis.set_minor_formatter(NullFormatter())
        side.spines["top"].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    checkpoint.write(path, picture.getvalue())

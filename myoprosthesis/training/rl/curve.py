"""The course of a training run through a curriculum as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from myoprosthesis.training import checkpoint
from myoprosthesis.training.stage_marks import mark_stages


def learning_curve(history: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Write the score against samples, stages marked, to a PNG; does nothing without history."""
    if not history:
        return
    from matplotlib.figure import Figure  # here, because training needs no picture until then

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    samples = [row["samples"] / 1e6 for row in history]
    scores = [row["score"] if math.isfinite(row["score"]) else math.nan for row in history]
    axes.plot(samples, scores, color="#1f4e79", lw=1.8)
    axes.set(xlabel="samples, millions", ylabel="score", title=title)
    mark_stages(axes, [row["stage"] for row in history], samples)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    checkpoint.write(path, picture.getvalue())

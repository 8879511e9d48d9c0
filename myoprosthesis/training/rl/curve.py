"""The course of a training run through a curriculum as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from myoprosthesis.training import checkpoint


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
    stages = [row["stage"] for row in history]
    for i, stage in enumerate(stages):
        if i == 0 or stage != stages[i - 1]:
            at = samples[i - 1] if i else 0.0
            axes.axvline(at, color="0.75", lw=0.8, zorder=0)
            axes.annotate(
                stage, (at, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points",
                rotation=90, va="top", fontsize=7, color="0.4",
            )  # fmt: skip
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    checkpoint.write(path, picture.getvalue())

"""Where the stages of a curriculum begin, in the picture of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def mark_stages(axes: Any, stages: Sequence[str], places: Sequence[float]) -> None:
    """Draw a line with the stage's name where it begins: after the place before it, 0 for the first.

    Args:
        axes: of matplotlib.
        stages: of each row of the history.
        places: of each row along x.
    """
    for i, stage in enumerate(stages):
        if i == 0 or stage != stages[i - 1]:
            at = places[i - 1] if i else 0
            axes.axvline(at, color="0.75", lw=0.8, zorder=0)
            axes.annotate(
                stage, (at, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points",
                rotation=90, va="top", fontsize=7, color="0.4",
            )  # fmt: skip

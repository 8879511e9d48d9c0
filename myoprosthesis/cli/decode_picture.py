"""Picture of what a decoder decides: the confusion matrix, and how far confidences can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from myoprosthesis.core.errors import ConfigError


def draw(file: str, scores: Mapping[str, Any], names: Sequence[str], title: str) -> None:
    """Draw the confusion matrix, rows summing to 100 %, and beside it the reliability curve, where it is known.

    Raises:
        ConfigError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    curve, n = scores.get("reliability"), len(names)
    side = 1.6 + 0.55 * n
    figure = Figure(figsize=(2.2 + 0.62 * n + (side if curve else 0.0), side), layout="constrained")
    if curve:
        matrix, line = figure.subplots(1, 2)
        _draw_reliability(line, curve)
    else:
        matrix = figure.subplots()
    _draw_confusion(matrix, scores["confusion"], names, title)
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--png {file}: {error}") from error


def _draw_confusion(axes: Any, confusion: Any, names: Sequence[str], title: str) -> None:
    import numpy as np

    counts = np.array(confusion, float)
    share = counts / np.maximum(1.0, counts.sum(axis=1, keepdims=True))
    n = len(names)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i in range(n):
        for j in range(n):
            colour = "white" if share[i, j] > 0.5 else "black" if counts[i, j] else "0.6"
            axes.text(j, i, f"{100 * share[i, j]:.3g}", ha="center", va="center", color=colour, fontsize=8)
    axes.set(xticks=range(n), yticks=range(n), xlabel="decided", ylabel="done", title=f"{title}, % of what was done")
    axes.set_xticklabels(names, rotation=40, ha="right")
    axes.set_yticklabels(names)


def _draw_reliability(axes: Any, curve: Mapping[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot([b["confidence"] for b in curve["bins"]], [b["right"] for b in curve["bins"]], "o-", color="C0")
    low = min([0.5, *(min(b["confidence"], b["right"]) for b in curve["bins"])])
    axes.set(xlim=(low, 1.02), ylim=(low, 1.02), xlabel="confidence", ylabel="share that is right", aspect="equal",
             title=f"off by {100 * curve['error']:.2g} points on average")  # fmt: skip

"""The picture of `myoprosthesis decode bench`: the accuracy of every fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myoprosthesis.core.errors import ConfigError


def draw(file: str, figures: Mapping[str, Any]) -> None:
    """Draw the folds from left to right and the candidates as lines, one panel per person (people: one panel)."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    together = figures["protocol"] == "people"
    people = [""] if together else list(figures["candidates"][0]["people"])
    figure = Figure(figsize=(2.0 + 3.2 * len(people), 4.8), layout="constrained")
    panels = figure.subplots(1, len(people), sharey=True, squeeze=False)[0]
    for axes, person in zip(panels, people, strict=True):
        for row in figures["candidates"]:
            folds = [f for f in row["folds"] if together or f["person"] == person]
            chosen = row is figures["candidates"][-1]
            axes.plot([f["held_out"] for f in folds], [100 * f["accuracy"] for f in folds], "o-" if chosen else ".-",
                      color="black" if chosen else None, lw=1.6 if chosen else 0.9,
                      label=f"{row['name']}: {row['mean_accuracy']:.1%}")  # fmt: skip
        axes.tick_params(axis="x", rotation=60, labelsize=7)
        axes.set_title(person, fontsize=9)
        axes.grid(axis="y", lw=0.3)
    panels[0].set_ylabel("accuracy on what was held out, %")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", fontsize=7, frameon=False)
    try:
        figure.savefig(file, dpi=130)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--png {file}: {error}") from error

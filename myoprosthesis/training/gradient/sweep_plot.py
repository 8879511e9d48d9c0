"""The learning curves of a sweep as one picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from myoprosthesis.training import checkpoint


def picture(curves: dict[int, dict[str, Any]], path: Path, title: str, seeds: int) -> None:
    """Write a PNG with two panels, error against updates and against samples; medians and the range over seeds."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    shades = matplotlib.colormaps["viridis"]
    for axes, along in zip(panels, ("updates", "samples"), strict=True):
        for i, (batch, curve) in enumerate(curves.items()):
            colour = shades(0.8 * i / max(1, len(curves) - 1))  # the yellow end is hardly seen on white
            shown = [k for k, u in enumerate(curve["updates"]) if u > 0]  # the axis is logarithmic
            x, median, low, high = ([curve[c][k] for k in shown] for c in (along, "median", "low", "high"))
            axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
            axes.plot(x, median, color=colour, lw=1.4, label=str(batch))
        axes.set(xscale="log", yscale="log", xlabel={"updates": "updates", "samples": "samples (trials)"}[along])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[0].set_ylabel("endpoint error, mm")
    band = f"line: median, band: range of {seeds} seeds" if seeds > 1 else "one seed"
    panels[1].legend(title="batch", frameon=False, fontsize=8, title_fontsize=8)
    figure.suptitle(f"{title} ({band})", fontsize=10)
    image = io.BytesIO()
    figure.savefig(image, dpi=120, format="png", metadata={"Software": None})
    checkpoint.write(path, image.getvalue())

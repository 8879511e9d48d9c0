"""How the figures look, and a figure as bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.core.extras import library
from myoprosthesis.report.session_blocks import ADAPTATION, BASELINE, GENERALISATION, WASHOUT
from myoprosthesis.report.trial_table import CATCH, CHANNEL, NORMAL

INK, MUTED, RULE = "#1b2430", "#66717e", "#dfe4e9"
ROLE = {BASELINE: "#6f7d8c", ADAPTATION: "#c4541b", WASHOUT: "#1f6bb0", GENERALISATION: "#7a4fa3"}
KIND = {NORMAL: "#3a4654", CATCH: "#d29a00", CHANNEL: "#0d8b77"}
SESSION = ("#1f6bb0", "#c4541b", "#0d8b77", "#7a4fa3", "#b0357a", "#5d6b26", "#6f7d8c", "#1b2430")
WIDTH = 8.6
"""inch, of a figure across the page."""

_RC = {
    "font.family": "DejaVu Sans", "font.size": 8.5, "axes.titlesize": 9, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.labelsize": 8.5, "axes.labelcolor": INK, "text.color": INK,
    "axes.edgecolor": "#9aa4af", "axes.linewidth": 0.8, "axes.spines.top": False, "axes.spines.right": False,
    "xtick.color": "#9aa4af", "ytick.color": "#9aa4af", "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "xtick.major.width": 0.8, "ytick.major.width": 0.8,
    "xtick.major.size": 3, "ytick.major.size": 3, "axes.axisbelow": True, "grid.color": RULE, "grid.linewidth": 0.6,
    "legend.frameon": False, "legend.fontsize": 7.5, "legend.handlelength": 1.4, "lines.solid_capstyle": "round",
    "figure.facecolor": "white", "savefig.facecolor": "white", "svg.fonttype": "path",
    "svg.hashsalt": "report", "text.parse_math": False,
}  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """The style of figures, within the context only. Raises `ConfigError` without matplotlib."""
    matplotlib = library("matplotlib", "report", "a report")
    with matplotlib.rc_context(_RC):
        yield


def figure(height: float, width: float = WIDTH) -> Any:
    """An empty figure, inch."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def png(drawn: Any) -> bytes:
    """The figure as a picture, the same bytes for the same figure."""
    out = io.BytesIO()
    drawn.savefig(out, format="png", dpi=150, metadata={"Software": None})
    return out.getvalue()


def svg(drawn: Any) -> bytes:
    """The figure as lines and letters, the same bytes for the same figure; dense artists in it are pictures."""
    out = io.BytesIO()
    drawn.savefig(out, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def direction_colour(angle: float) -> tuple[float, float, float]:
    """A colour for a direction (rad): as light and as vivid as every other, so that no target stands out."""
    lightness, chroma = 58.0, 52.0
    a, b = chroma * np.cos(angle + 0.6), chroma * np.sin(angle + 0.6)
    y = (lightness + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * np.array([0.9505, 1.0, 1.089])
    linear = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]) @ xyz
    linear = np.clip(linear, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def band(axes: Any, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: Any) -> None:
    """Shade between two bounds."""
    axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)


def plain_log(axis: Any) -> None:
    """Ticks of a logarithmic axis as people write them, at 1, 2 and 5 where there is room; call it after drawing."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())

"""The picture of `myoprosthesis motion import`: what was recorded, and what the legs make of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from myoprosthesis.motion.legs import Legs
    from myoprosthesis.motion.retarget import Retargeted

SHOWN = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle")
COLOURS = {"r": "#1f4e79", "l": "#b5532b"}
FIGURES = 10
"""Postures of the strip."""


def picture(name: str, legs: Legs, made: Retargeted) -> bytes:
    """A PNG: joints over the cycle (thin: the recording), feet on the floor, and the legs in steps of a tenth."""
    from matplotlib.figure import Figure

    from myoprosthesis.motion.posture import POSTURE

    figure = Figure(figsize=(11, 7), layout="constrained")
    grid = figure.add_gridspec(3, 4, height_ratios=[1, 1, 1.1])
    gait, recorded = made.gait, made.recorded
    for k, joint in enumerate(SHOWN):
        axes = figure.add_subplot(grid[divmod(k, 3)])
        for side, colour in COLOURS.items():
            column = POSTURE.index(f"{joint}_{side}")
            _closed(axes, np.degrees(recorded.postures[:, column]), colour, 0.7)
            _closed(axes, np.degrees(gait.postures[:, column]), colour, 1.8)
        axes.set_title(f"{joint}, deg", fontsize=8)
        _plain(axes)
    pelvis = figure.add_subplot(grid[0, 3])
    for angle, colour in (("tilt", "#333333"), ("list", "#777777"), ("rotation", "#bbbbbb")):
        _closed(pelvis, np.degrees(gait.postures[:, POSTURE.index(f"root/{angle}")]), colour, 1.4, angle)
    pelvis.set_title("pelvis, deg", fontsize=8)
    pelvis.legend(frameon=False, fontsize=7)
    _plain(pelvis)
    floor = figure.add_subplot(grid[1, 3])
    heights, _ = legs.soles(gait.postures)
    half = heights.shape[1] // 2
    for foot, (side, colour) in enumerate(COLOURS.items()):
        lowest = 1e3 * heights[:, foot * half : (foot + 1) * half].min(axis=1)
        _closed(floor, lowest, colour, 1.4, {"r": "right", "l": "left"}[side])
        shares = np.linspace(0.0, 100.0, len(lowest), endpoint=False)
        floor.plot(shares, np.where(gait.contacts[:, foot], -20.0 - 8.0 * foot, np.nan), color=colour, lw=3)
    floor.axhline(0, color="0.7", lw=0.8)
    floor.set_title("lowest point of the feet, mm", fontsize=8)
    floor.legend(frameon=False, fontsize=7)
    _plain(floor)
    strip = figure.add_subplot(grid[2, :])
    _strip(strip, legs, gait)
    figure.suptitle(
        f"{name}: {gait.speed:.2f} m/s, {gait.duration_s:.2f} s from right heel strike to the next", fontsize=10
    )
    image = io.BytesIO()
    figure.savefig(image, dpi=110, format="png", metadata={"Software": None})
    return image.getvalue()


def _closed(axes: Any, values: Any, colour: str, width: float, label: str = "") -> None:
    axes.plot(
        np.linspace(0.0, 100.0, len(values) + 1), np.append(values, values[0]), color=colour, lw=width, label=label
    )


def _plain(axes: Any) -> None:
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, 100)


def _strip(axes: Any, legs: Legs, gait: Any) -> None:
    """The legs from the side, each posture as far ahead as it came."""
    rows = np.linspace(0, len(gait.postures), FIGURES, endpoint=False).astype(int)
    places = legs.places(gait.postures[rows])
    for k, row in enumerate(rows):
        shift = gait.stride_m * row / len(gait.postures)
        pelvis = gait.postures[row, [0, 2]] + [shift, 0.0]
        for foot, colour in enumerate(COLOURS.values()):
            chain = places[k, 3 * foot : 3 * foot + 3][:, [0, 2]] + [shift, 0.0]
            line = np.vstack([pelvis, chain])
            axes.plot(line[:, 0], line[:, 1], color=colour, lw=1.6, solid_capstyle="round")
        axes.plot([pelvis[0]], [pelvis[1]], "o", color="#333333", ms=4)
    axes.axhline(0, color="0.7", lw=0.8)
    axes.set_aspect("equal")
    axes.axis("off")

"""The picture of `myoprosthesis evaluate --push`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from myoprosthesis.envs.push_limits import PushLimits

COLOUR = "#1f4e79"


def draw(name: str, limits: PushLimits) -> bytes:
    """A PNG: the largest impulse survived by the direction in which it pushes, as seen from above, ahead being up."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 5.4), layout="constrained")
    axes: Any = figure.add_subplot(projection="polar")
    axes.set_theta_zero_location("N")
    angles = np.radians([*limits.directions_deg, limits.directions_deg[0]])
    impulses = [*limits.impulse_ns, limits.impulse_ns[0]]
    axes.plot(angles, impulses, "o-", color=COLOUR, lw=1.6, ms=4)
    axes.fill(angles, impulses, color=COLOUR, alpha=0.12, lw=0)
    for angle, impulse in zip(angles[:-1], impulses[:-1], strict=True):
        axes.annotate(f"{impulse}", (angle, impulse), textcoords="offset points", xytext=(5, 5), fontsize=8)
    axes.set_xticks(np.radians([0, 90, 180, 270]), ["ahead", "left", "back", "right"])
    axes.tick_params(labelsize=8)
    direction, least = limits.worst
    figure.suptitle(
        f"{name}: pushes at the pelvis that {limits.trials} trials survive in 90 %, N·s\n"
        f"{1e3 * limits.duration_s:.0f} ms, least {least} N·s at {direction:.0f} deg", fontsize=9,
    )  # fmt: skip
    image = io.BytesIO()
    figure.savefig(image, dpi=110, format="png", metadata={"Software": None})
    return image.getvalue()

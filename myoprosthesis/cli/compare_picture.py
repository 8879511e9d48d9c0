"""The picture of `myoprosthesis decode compare`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from myoprosthesis.core.effector_spec import EffectorSpec
    from myoprosthesis.training.decoding.compared_session import ComparedSession
    from myoprosthesis.training.decoding.comparison import DecisionCourse

MEASURES = {"accuracy": "accuracy", "active_error": "active error rate", "goal_rad": "distance from the grip, rad"}
LINES = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
"""Two curves that lie on each other are both seen."""
SHOWN_S = 60.0
"""Part of the session that is drawn over time."""


def draw(
    figures: dict[str, Any],
    session: ComparedSession,
    courses: dict[tuple[str, str], DecisionCourse],
    specs: dict[str, EffectorSpec],
) -> bytes:
    """A PNG: accuracy by class, differences between decoders, and the hands' closure over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.4), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    _classes(figure.add_subplot(grid[0, 0]), figures)
    _differences(figure.add_subplot(grid[0, 1]), figures)
    _closure(figure.add_subplot(grid[1, :]), session, courses, specs)
    image = io.BytesIO()
    figure.savefig(image, dpi=110, format="png", metadata={"Software": None})
    return image.getvalue()


def _classes(axes: Any, figures: dict[str, Any]) -> None:
    by_decoder = figures["by_decoder"]
    classes = sorted({c for f in by_decoder.values() for c in f["by_class"]})
    width = 0.8 / len(by_decoder)
    for i, (name, f) in enumerate(by_decoder.items()):
        at = [k + (i - (len(by_decoder) - 1) / 2) * width for k in range(len(classes))]
        axes.bar(at, [100 * f["by_class"][c]["accuracy"] for c in classes], 0.9 * width, label=name)
    axes.set(xticks=range(len(classes)), ylabel="accuracy, %", ylim=(0, 105))
    axes.set_xticklabels(classes, rotation=20)
    axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    _plain(axes)


def _differences(axes: Any, figures: dict[str, Any]) -> None:
    shown = [d for d in figures["differences"] if d["measure"] in ("accuracy", "active_error", "goal_rad")]
    shown = [d for d in shown if d["difference"] is not None][:12]
    for k, d in enumerate(shown):
        axes.plot([d["low"], d["high"]], [k, k], color="0.3", lw=1.6)
        axes.plot([d["difference"]], [k], "o", color="#1f4e79", ms=4)
    axes.axvline(0, color="0.8", lw=0.8, zorder=0)
    axes.set(yticks=range(len(shown)), xlabel="first − second (95 %)")
    axes.set_yticklabels([_title(d) for d in shown], fontsize=7)
    axes.invert_yaxis()
    _plain(axes)


def _title(d: dict[str, Any]) -> str:
    under = f" ({d['under']})" if d["under"] else ""
    return f"{MEASURES.get(d['measure'], d['measure'])}: {d['first']} − {d['second']}{under}"


def _closure(
    axes: Any, session: ComparedSession, courses: dict[tuple[str, str], DecisionCourse], specs: dict[str, EffectorSpec]
) -> None:
    from myoprosthesis.training.decoding.trial_movements import closure

    for k, ((name, hand), course) in enumerate(courses.items()):
        shown = course.times <= SHOWN_S
        axes.plot(course.times[shown], closure(course.measured[shown], specs[hand]), lw=1.2 + 0.8 * (k == 0),
                  ls=LINES[k % len(LINES)], label=f"{name}, {hand}")  # fmt: skip
    for t in session.trials:
        if t.start / session.rate < SHOWN_S:
            if t.number % 2:
                axes.axvspan(t.start / session.rate, t.stop / session.rate, color="0.95", zorder=0)
            axes.annotate(t.label, (t.start / session.rate, 1), xycoords=("data", "axes fraction"), fontsize=6,
                          xytext=(2, -8), textcoords="offset points", color="0.4")  # fmt: skip
    axes.set(xlabel="time, s", ylabel="closure (0 open, 1 power grip)", xlim=(0, None))
    axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    _plain(axes)


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)

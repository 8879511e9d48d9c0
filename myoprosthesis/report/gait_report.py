"""The page of a walk whose joints and feet are held against people's: angles, moments, force of the ground."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.gait_likeness import BAND, Likeness, likeness
from myoprosthesis.motion.cycle_table import POINTS
from myoprosthesis.motion.people_gait import GROUND, JOINTS, NAMES, SIGNALS, PeopleGait, label
from myoprosthesis.report import figures, style
from myoprosthesis.report.gait_mechanics import MechanicsCycles
from myoprosthesis.report.report import folder_of, measured, write
from myoprosthesis.report.section import Drawing, Section, SectionTable, Text, code, number, share
from myoprosthesis.report.style import MUTED, SESSION, figure

Array = NDArray[np.float64]
DIGITS = {"deg": 1, "N m/kg": 2, "BW": 2}
GROUPS = (
    ("angles", "Angles", tuple(JOINTS), "deg"),
    ("moments", "Internal moments", tuple(f"{joint}_moment" for joint in JOINTS), "N m/kg"),
    ("ground", "Force of the ground", tuple(GROUND), "BW"),
)
"""Name, title, signals and unit of each drawing."""


def figures_of(walk: MechanicsCycles, people: PeopleGait) -> dict[str, Any]:
    """The figures of the page; raises `DataError` for fewer than three people."""
    return _figures(walk, people, likeness(walk.values, people.curves))


def _figures(walk: MechanicsCycles, people: PeopleGait, of: list[Likeness]) -> dict[str, Any]:
    return {
        "walk": walk.name, "data": people.source, "people": len(people.people), "cycles": len(walk.values),
        "cycle_s": float(walk.lengths.mean()), "speed": float(walk.speeds.mean()), "trials": walk.trials,
        "all_trials": walk.all_trials, "cycles_left_out": walk.left_out,
        "signals": {
            name: {"unit": SIGNALS[name], **asdict(one)} for name, one in zip(NAMES, of, strict=True)
        },
    }  # fmt: skip


def write_report(walk: MechanicsCycles, people: PeopleGait, out: Path) -> dict[str, Any]:
    """Write the page into `out`; the numbers of the page."""
    place = folder_of(out)
    of = likeness(walk.values, people.curves)
    with style.style():
        sections = [_overview(walk, people, of), *(_drawn(walk, people, *group) for group in GROUPS)]
        numbers = figures.tidy({**_figures(walk, people, of), "sections": measured(sections)})
        write(place, walk.name, "A walk beside people's", sections, numbers)
    return numbers


def _overview(walk: MechanicsCycles, people: PeopleGait, of: list[Likeness]) -> Section:
    text = Text(
        f"{code(walk.name)}: {len(walk.values)} cycles of the left leg, {number(float(walk.lengths.mean()))} s long, "
        f"at {number(float(walk.speeds.mean()))} m/s, out of {walk.trials} of {walk.all_trials} trials, those that "
        f"came to their end; {walk.left_out} cycles of a length beyond two standard deviations are left out. People: "
        f"{len(people.people)} cycles in {code(people.source)}. The mean cycle from touch-down to touch-down in 100 "
        "points beside the mean of people, at zero lag. Of people: one with the mean of the others, median."
    )
    rows = []
    for name, one in zip(NAMES, of, strict=True):
        digits = DIGITS[SIGNALS[name]]
        rows.append((
            f"{label(name)}, {SIGNALS[name]}", number(one.r), number(one.rmse, digits), share(one.within),
            f"{number(100.0 * one.late, 0)} %: {number(one.shifted_r)}", number(one.people_r),
            number(one.people_rmse, digits), _range(one.lowest, one.highest, digits),
            _range(one.people_lowest, one.people_highest, digits),
        ))  # fmt: skip
    header = (
        "", "r", "RMSE", f"within ± {BAND:.0f} sd", "r if later by", "people: r", "people: RMSE", "range",
        "people: range",
    )  # fmt: skip
    return Section("overview", "Overview", (text, SectionTable(header, tuple(rows))))


def _range(low: float, high: float, digits: int) -> str:
    return f"{number(low, digits)} to {number(high, digits)}"


def _drawn(
    walk: MechanicsCycles, people: PeopleGait, key: str, title: str, signals: tuple[str, ...], unit: str
) -> Section:
    """Signals over the cycle, beside the band of people."""
    fig = figure(2.4)
    grid = 100.0 * np.arange(POINTS) / POINTS
    columns: dict[str, Any] = {"cycle [%]": grid}
    for ax, name in zip(np.atleast_1d(fig.subplots(1, len(signals))), signals, strict=True):
        k = NAMES.index(name)
        there = people.curves[:, :, k][~np.isnan(people.curves[:, :, k]).any(axis=1)]
        if len(there):
            mean, sd = there.mean(axis=0), there.std(axis=0, ddof=1)
            ax.fill_between(grid, mean - BAND * sd, mean + BAND * sd, color=MUTED, alpha=0.25, lw=0)
            ax.plot(grid, mean, color=MUTED, lw=1.0, label=f"people, mean ± {BAND:.0f} sd")
            columns |= {f"{name} people [{unit}]": mean, f"{name} people sd [{unit}]": sd}
        cycles = walk.values[:, :, k]
        curve, spread = cycles.mean(axis=0), cycles.std(axis=0, ddof=1)
        ax.fill_between(grid, curve - BAND * spread, curve + BAND * spread, color=SESSION[0], alpha=0.18, lw=0)
        ax.plot(grid, curve, color=SESSION[0], lw=1.4, label=walk.name)
        columns |= {f"{name} [{unit}]": curve, f"{name} sd [{unit}]": spread}
        ax.axhline(0.0, color=MUTED, lw=0.6)
        ax.set(title=label(name), xlim=(0, 100), xlabel="cycle, %")
    first = fig.axes[0]
    first.set(ylabel={"BW": "weights of the body"}.get(unit, unit))
    first.legend(loc="best")
    caption = (
        "Mean cycle from touch-down of the left foot and twice its standard deviation over cycles; people: the same "
        f"over {len(people.people)} in the data."
    )
    return Section(key, title, (Drawing(key, fig, caption, f"{title} over the cycle beside people's", columns),))

"""The page of a walk whose muscles are held against people's EMG."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.gait_emg import EmgSimilarity, HumanCeiling, ceiling, correlations, similarity
from myoprosthesis.analysis.gait_synergies import gait_synergies
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.core.errors import DataError
from myoprosthesis.motion.people_emg import MUSCLES, POINTS, PeopleEmg
from myoprosthesis.report import figures, gait_synergy_section, style
from myoprosthesis.report.gait_cycles import GaitCycles
from myoprosthesis.report.report import folder_of, measured, write
from myoprosthesis.report.section import Drawing, Omitted, Section, SectionTable, Text, bounded, code, number
from myoprosthesis.report.style import MUTED, SESSION, figure

Array = NDArray[np.float64]
NAMES = tuple(MUSCLES)
NINE = len(NAMES)


def figures_of(walk: GaitCycles, people: PeopleEmg, seed: int = 0) -> dict[str, Any]:
    """The figures of the page: those of the excitation, as KINESIS has them, and `activation` with the same."""
    top = ceiling(people.curves, seed)
    by_kind = {
        kind: similarity(cycles[..., :NINE], people.curves, seed) for kind, cycles in _kinds(walk).items()
    }  # fmt: skip
    first = next(iter(by_kind))
    return {
        "walk": walk.name, "data": people.source, "people": len(people.people), "cycles": len(walk.activation),
        "cycle_s": float(walk.lengths.mean()), "trials": walk.trials, "all_trials": walk.all_trials,
        "cycles_left_out": walk.left_out, "of": first, **_figures(by_kind[first], people),
        "ceiling": _ceiling_figures(top),
        **{kind: _figures(s, people) for kind, s in by_kind.items()},
        "biceps_long_head": {kind: _long_head(cycles, people) for kind, cycles in _kinds(walk).items()},
    }  # fmt: skip


def write_report(walk: GaitCycles, people: PeopleEmg, out: Path, seed: int = 0) -> dict[str, Any]:
    """Write the page into `out`; the numbers of the page."""
    place = folder_of(out)
    numbers = figures_of(walk, people, seed)
    with style.style():
        sections = [_overview(walk, people, numbers), _curves(walk, people), _muscles(numbers)]
        kind, cycles = next(iter(_kinds(walk).items()))
        try:
            synergies = gait_synergies(cycles[..., :NINE].mean(axis=0), people.curves, seed)
            sections.append(gait_synergy_section.section(synergies, kind))
            numbers = {**numbers, "synergies": gait_synergy_section.figures_of(synergies)}
        except DataError as error:
            sections.append(Section("synergies", "Synergies", (Omitted(str(error)),)))
        numbers = figures.tidy({**numbers, "sections": measured(sections)})
        write(place, walk.name, "Muscles beside people's EMG", sections, numbers)
    return numbers


def _kinds(walk: GaitCycles) -> dict[str, Array]:
    excited = {} if walk.excitation is None else {"excitation": walk.excitation}
    return {**excited, "activation": walk.activation}


def _figures(s: EmgSimilarity, people: PeopleEmg) -> dict[str, Any]:
    shuffled = {"muscles": s.shuffled_muscles, "phase": s.shuffled_phase}
    return {
        "r_mean_by_person": dict(zip(people.people, s.by_person.tolist(), strict=True)),
        "r_median": s.median.value,
        "r_median_interval": [s.median.low, s.median.high],
        "r_median_interval_of_cycles": [s.by_cycles.low, s.by_cycles.high],
        "r_by_muscle": dict(zip(NAMES, s.by_muscle.tolist(), strict=True)),
        "shuffled": {
            name: {"median": float(np.median(r)), "p95": float(np.quantile(r, 0.95))} for name, r in shuffled.items()
        },
    }


def _ceiling_figures(top: HumanCeiling) -> dict[str, Any]:
    return {
        "median": top.median.value, "interval": [top.median.low, top.median.high], "pairs": top.pairs,
        "by_muscle": dict(zip(NAMES, top.by_muscle.tolist(), strict=True)), "against_others": top.against_others,
    }  # fmt: skip


def _long_head(cycles: Array, people: PeopleEmg) -> float:
    """r of the long head of the biceps with the electrode on both heads, mean over people."""
    place = NAMES.index("BF")
    r = correlations(cycles[..., NINE:].mean(axis=0), people.curves[..., place : place + 1])
    return float(np.nanmean(r))


def _overview(walk: GaitCycles, people: PeopleEmg, numbers: dict[str, Any]) -> Section:
    text = Text(
        f"{code(walk.name)}: {len(walk.activation)} cycles of the left leg, "
        f"{number(float(walk.lengths.mean()))} s long, out of {walk.trials} of {walk.all_trials} trials, those that "
        f"came to their end; {walk.left_out} cycles of a length beyond two standard deviations are left out. "
        f"People: {len(people.people)} in {code(people.source)}. "
        "Pearson r of the mean cycle, from touch-down to touch-down in 100 points at zero lag, with each person's "
        "envelope (KINESIS, arXiv 2503.14637). In brackets: 95 % of a bootstrap over people."
    )
    top = numbers["ceiling"]
    rows = []
    for kind in _kinds(walk):
        own = numbers[kind]
        rows += [
            (f"{kind}: r, mean of nine muscles, median over people", _of(own["r_median"], own["r_median_interval"])),
            (f"{kind}: the same, 95 % of a bootstrap over cycles", _range(own["r_median_interval_of_cycles"])),
            (f"{kind}, muscles exchanged: median / 95 %", _shuffle(own["shuffled"]["muscles"])),
            (f"{kind}, cycle begun anywhere: median / 95 %", _shuffle(own["shuffled"]["phase"])),
        ]
    rows += [
        (f"people among each other, median of {top['pairs']} pairs", _of(top["median"], top["interval"])),
        ("a person with the mean of the others, median", number(top["against_others"])),
        *((f"long head of the biceps, {kind}", number(r)) for kind, r in numbers["biceps_long_head"].items()),
    ]
    return Section("overview", "Overview", (text, SectionTable(("", "r"), tuple(rows))))


def _curves(walk: GaitCycles, people: PeopleEmg) -> Section:
    """Nine muscles over the cycle, beside the band of people."""
    fig = figure(6.4)
    grid = 100.0 * np.arange(POINTS) / POINTS
    columns: dict[str, Any] = {"cycle [%]": grid}
    with np.errstate(invalid="ignore"):
        scaled = people.curves / np.nanmax(people.curves, axis=1, keepdims=True)
    for k, (ax, muscle) in enumerate(zip(fig.subplots(3, 3, sharex=True).flat, NAMES, strict=True)):
        own = scaled[:, :, k][~np.isnan(scaled[:, :, k]).any(axis=1)]
        if len(own):
            mean, sd = own.mean(axis=0), own.std(axis=0)
            ax.fill_between(grid, mean - sd, mean + sd, color=MUTED, alpha=0.25, lw=0)
            ax.plot(grid, mean, color=MUTED, lw=1.0, label="people, mean ± sd")
            columns |= {f"{muscle} people": mean, f"{muscle} people sd": sd}
        for colour, (kind, cycles) in zip(SESSION, _kinds(walk).items(), strict=False):
            curve = cycles[:, :, k].mean(axis=0)
            curve = curve / max(float(curve.max()), 1e-12)
            ax.plot(grid, curve, color=colour, lw=1.4, label=kind)
            columns[f"{muscle} {kind}"] = curve
        ax.set(title=muscle, ylim=(-0.05, 1.15), xlim=(0, 100))
        if k == 0:
            ax.legend(loc="upper right")
        if k >= 6:
            ax.set(xlabel="cycle, %")
    names = "; ".join(f"{muscle}: {name}" for muscle, (name, _) in MUSCLES.items())
    caption = (
        "Each muscle over the cycle from touch-down of the left foot, of its own largest value; people: mean and "
        f"standard deviation over {len(people.people)}. {escape(names)}."
    )
    drawing = Drawing("curves", fig, caption, "Nine muscles over the cycle beside people's EMG", columns)
    return Section("curves", "Muscles over the cycle", (drawing,))


def _muscles(numbers: dict[str, Any]) -> Section:
    """r by muscle, beside that of people among each other."""
    fig = figure(2.8)
    ax = fig.subplots()
    kinds = [kind for kind in ("excitation", "activation") if kind in numbers]
    place, width = np.arange(NINE), 0.8 / len(kinds)
    columns: dict[str, Any] = {"muscle": list(NAMES)}
    for j, kind in enumerate(kinds):
        r = [numbers[kind]["r_by_muscle"][m] for m in NAMES]
        ax.bar(place + (j + 0.5) * width - 0.4, r, width, color=SESSION[j], label=kind)
        columns[kind] = r
    top = [numbers["ceiling"]["by_muscle"][m] for m in NAMES]
    ax.plot(place, top, "_", color=MUTED, ms=22, mew=2, label="people among each other")
    columns["people among each other"] = top
    ax.axhline(0.0, color=MUTED, lw=0.6)
    ax.set(xticks=place, xticklabels=NAMES, ylabel="r", ylim=(-1.02, 1.02))
    ax.legend(loc="lower right", ncols=3)
    caption = "Pearson r of each muscle, mean over people; of people among each other, the median over pairs."
    by_person = {
        "person": list(numbers["r_mean_by_person"]),
        **{f"r of {kind}": list(numbers[kind]["r_mean_by_person"].values()) for kind in kinds},
    }
    drawing = Drawing("muscles", fig, caption, "r by muscle beside that of people", columns, {"people": by_person})
    return Section("muscles", "By muscle", (drawing,))


def _of(value: float, interval: list[float]) -> str:
    return bounded(Interval(value, *interval))


def _range(interval: list[float]) -> str:
    return " to ".join(number(x) for x in interval)


def _shuffle(figures: dict[str, float]) -> str:
    return f"{number(figures['median'])} / {number(figures['p95'])}"

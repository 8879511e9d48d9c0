"""The state of the policy's network along axes that all conditions share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis import hidden as states
from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.intervals import Band
from myoprosthesis.core.errors import DataError
from myoprosthesis.report.accumulators import EACH, PHASES, MovementAccumulators
from myoprosthesis.report.citations import cite
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, number, share
from myoprosthesis.report.style import MUTED, ROLE, band, direction_colour, figure
from myoprosthesis.report.trial_table import Place, place_columns

Array = NDArray[np.float64]
Key = tuple[int, str, int]
MOST = 8
"""Conditions that are drawn."""


def section(s: ReportSession) -> Section:
    """Trajectories on shared axes, early and late in each block; how far apart conditions are over time."""
    title = "State of the network"
    g = s.recorded
    if g is None or not g.units:
        why = "policy/hidden was not recorded" if g is not None else "there is no recording that can be read"
        return Section("hidden", title, (Omitted(f"No states of the network: {why}."),))
    means = {k: m.value for k, m in g.hidden.items() if m.n and m.total.shape[1] == g.units}
    conditions = [(b.index, p) for b in s.blocks for p in PHASES if any(k[:2] == (b.index, p) for k in means)]
    conditions, others = _of_one_network(s, conditions)
    if len(conditions) > MOST:
        others += f" Of {len(conditions)} conditions the first {MOST}."
    conditions = conditions[:MOST]
    means = {k: v for k, v in means.items() if k[:2] in conditions}
    try:
        axes = states.shared_axes(np.array(list(means.values())), min(6, g.units))
    except DataError as error:
        return Section("hidden", title, (Omitted(f"No axes of the network's states: {error}."),))
    name = {(b.index, p): f"{b.name}, {p}" for b in s.blocks for p in PHASES}
    role = {b.index: b.role for b in s.blocks}
    places = s.table.places
    onto = {k: axes.project(v) for k, v in means.items()}
    n = sum(m.n for k, m in g.hidden.items() if k in means)
    plane = Drawing(
        "hidden_states", draw(onto, conditions, name, places, axes.variance),
        f"States of the network ({g.units} units) on the first two principal axes of all conditions together "
        f"({cite('axes')}); they hold {share(float(axes.variance[:2].sum()))} of the variance, the first "
        f"{len(axes.variance)} hold {share(float(axes.variance.sum()))}. One line per target: the mean of the first or "
        f"the last {EACH} normal trials of a block (n = {n} trials); dot: {-g.times[0]:g} s before the go signal, "
        f"triangle: the end. Colour: direction of the target, as in the trajectories.{others}",
        f"Trajectories of {len(onto)} mean movements in the plane of two principal axes",
        _columns(g.times, onto, places),
    )  # fmt: skip
    return Section("hidden", title, (plane, *_distances(s, g, onto, means, conditions, name, role)))


def _of_one_network(s: ReportSession, conditions: Sequence[tuple[int, str]]) -> tuple[list[tuple[int, str]], str]:
    """The conditions of the first one's policy, and a sentence on the others: units of two networks share no axes."""
    policy = _networks(s)
    first = policy[conditions[0][0]] if conditions else ""
    names = {b.index: b.name for b in s.blocks}
    others = dict.fromkeys(index for index, _ in conditions if policy[index] != first)
    words = ", ".join(f"{names[index]} ({policy[index]})" for index in others)
    remark = f" Left out, since its units are those of another network than {escape(first)}: {escape(words)}."
    return [c for c in conditions if policy[c[0]] == first], remark if others else ""


def _networks(s: ReportSession) -> dict[int, str]:
    """The network of each block, by its index.

    With a learner it is the one that the block began from, which goes on learning under other names: it is swapped
    where a block names a policy.
    """
    names = {b.index: ", ".join(dict.fromkeys(b.normal.policy.tolist())) for b in s.blocks}
    policies = [block.get("policy") if isinstance(block, Mapping) else None for block in s.settings.get("blocks") or ()]
    if not s.settings.get("learner") or len(policies) <= max(names, default=-1):
        return names
    begun = str(s.settings.get("policy") or "the first policy")
    return {k: next((str(p) for p in reversed(policies[: k + 1]) if p), begun) for k in names}


def _columns(times: Array, onto: Mapping[Key, Array], places: Mapping[int, Place]) -> dict[str, Any]:
    keys = list(onto)
    shown = min(3, onto[keys[0]].shape[1])
    return {
        "block": [k[0] for k in keys for _ in times], "phase": [k[1] for k in keys for _ in times],
        **place_columns([places[k[2]] for k in keys for _ in times]), "time_s": np.tile(times, len(keys)),
        **{f"axis_{i + 1}": np.concatenate([onto[k][:, i] for k in keys]) for i in range(shown)},
    }  # fmt: skip


def draw(
    onto: Mapping[Key, Array], conditions: Sequence[tuple[int, str]], name: Mapping[tuple[int, str], str],
    places: Mapping[int, Place], variance: Array,
) -> Any:  # fmt: skip
    """One panel per condition, one line (n_samples, n_axes) per target, coloured by its direction."""
    columns = min(3, len(conditions))
    rows = -(-len(conditions) // columns)
    planes = [z if z.shape[1] > 1 else np.column_stack([z, 0 * z]) for z in onto.values()]
    points = np.concatenate(planes)[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, np.array([-0.55, 0.55]) * float((high - low).max())
    width = 8.6 if columns > 2 else 2.6 * columns
    fig = figure(width / columns * rows + 0.2, width)
    axes = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax in axes.flat[len(conditions) :]:
        ax.set_visible(False)
    for ax, condition in zip(axes.flat, conditions, strict=False):
        for key, z in zip(onto, planes, strict=True):
            if key[:2] != condition:
                continue
            tint = direction_colour(places[key[2]].angle)
            ax.plot(z[:, 0], z[:, 1], color=tint, lw=1.1)
            ax.plot(z[0, 0], z[0, 1], "o", ms=2.8, color=MUTED, zorder=3)
            ax.plot(z[-1, 0], z[-1, 1], "^", ms=4, color=tint, zorder=3)
        ax.set_title(name[condition])
        ax.set(aspect="equal", xlim=middle[0] + reach, ylim=middle[1] + reach)
        ax.set_xticks([]), ax.set_yticks([])
    for ax in axes[-1]:
        ax.set_xlabel(f"axis 1, {100 * variance[0]:.0f} %")
    for ax in axes[:, 0]:
        ax.set_ylabel(f"axis 2, {100 * variance[1]:.0f} %" if len(variance) > 1 else "")
    return fig


def _distances(
    s: ReportSession, g: MovementAccumulators, onto: Mapping[Key, Array], means: Mapping[Key, Array],
    conditions: Sequence[tuple[int, str]], name: Mapping[tuple[int, str], str], role: Mapping[int, str],
) -> list[Part]:  # fmt: skip
    """Of each condition from the first late one at the same target; and between targets, for scale."""
    times = g.times
    reference = next((c for c in conditions if c[1] == "late"), conditions[0])
    lines: list[tuple[str, str, bool, Band, int]] = []
    for condition in conditions:
        targets = [k[2] for k in means if k[:2] == condition and at(reference, k[2]) in means]
        if condition == reference or not targets:
            continue
        apart = np.array([states.distance(means[at(condition, t)], means[at(reference, t)]) for t in targets])
        lines.append((name[condition], role[condition[0]], condition[1] == "early", _band(apart, s.seed), len(targets)))
    own = np.array([v for k, v in means.items() if k[:2] == reference])
    between = states.spread(own) if len(own) > 1 else None
    if not lines and between is None:
        return [Omitted("No distances between conditions: there is only one.")]
    fig = figure(2.9)
    ax = fig.subplots()
    columns: dict[str, Any] = {"time_s": times}
    for title, kind, early, distance, _ in lines:
        band(ax, times, distance.low, distance.high, ROLE[kind])
        ax.plot(times, distance.value, color=ROLE[kind], lw=1.5, ls=(0, (4, 2)) if early else "-", label=title)
        columns |= {f"{title}": distance.value, f"{title} low": distance.low, f"{title} high": distance.high}
    remark = ""
    if between is not None:
        ax.plot(times, between, color=MUTED, lw=1, ls=":", label=f"between targets, {name[reference]}")
        columns["between targets"] = between
        top = int(between.argmax())
        remark = (f" Between targets of {escape(name[reference])} the distance is {number(between[0])} at first, "
                f"{number(between[top])} at its largest, {times[top]:.2f} s after go, and {number(between[-1])} at the "
                f"end, {share(between[-1] / between[top] if between[top] else None)} of that.")  # fmt: skip
    ax.axvline(0, color="#c6cdd4", lw=0.7, zorder=0)
    ax.set(xlabel="time from go, s", ylabel="distance of states", ylim=(0, None))
    ax.margins(x=0.01)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    n = max([line[4] for line in lines], default=0)
    caption = (
        f"Distance between the mean state of a condition and that of {escape(name[reference])} at the same target, in "
        f"the space of all units: mean over up to {n} targets, shaded: 95 % bootstrap interval over targets. Dotted: "
        "mean distance between two targets. Conditions that start together and converge near the target have both ends "
        f"low.{remark}"
    )  # fmt: skip
    return [Drawing("hidden_distance", fig, caption, "Distance between conditions over time", columns)]


def at(condition: tuple[int, str], target: int) -> Key:
    """The key of a condition at a target."""
    return (*condition, target)


def _band(x: Array, seed: int) -> Band:
    if len(x) < 2:
        return Band(x[0], x[0], x[0])
    return intervals.band(x, np.mean, seed, resamples=500, method="percentile")

"""What a report keeps of the movements: it sees each once, so an hour of them takes no more memory than a minute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.adaptation import FieldForce, lateral_component
from myoprosthesis.core.errors import DataError
from myoprosthesis.core.log_histogram import LogHistogram
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.perturbations.planner import Planner
from myoprosthesis.report import imposed_kinds
from myoprosthesis.report.recorded_movement import Array, RecordedMovement, at
from myoprosthesis.report.session_blocks import ReportBlock
from myoprosthesis.report.trial_table import CATCH, CHANNEL, NORMAL

Small = NDArray[np.float32]

POINTS = 101
"""Points that are kept of a profile over time."""
PHASES = ("early", "late")
EACH = 2
"""Trials at each target that are early or late."""
SHOWN = 48
"""Most movements drawn in one panel."""


@dataclass(eq=False)
class Mean:
    """The mean of arrays of one shape, kept as a sum."""

    n: int = 0
    total: Array = field(default_factory=lambda: np.zeros(0))

    def add(self, x: Array) -> None:
        """One more; of a shape that does not fit, nothing."""
        if self.n and x.shape != self.total.shape:
            return
        self.total = self.total + x if self.n else np.array(x, float)
        self.n += 1

    @property
    def value(self) -> Array:
        """The mean of what was added."""
        return self.total / max(1, self.n)


def durations() -> LogHistogram:
    """An empty histogram of durations (s) in bins 6 % wide."""
    return LogHistogram(1e-5, 1e2, 280)


@dataclass(frozen=True, eq=False)
class Profile:
    """Force on the channel's wall over time in one channel trial, positive against the field."""

    trial: int
    force: Small
    """(POINTS,) N."""
    ideal: Small
    """(POINTS,) N, which would cancel the field, in its window, at the speed of this movement."""
    slope: float
    """Of the regression through zero of the first on the second, from go on; NaN in a session without a field."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Which trials are kept for what."""

    paths: Mapping[int, tuple[int, str]]
    """Block and panel of each trial that is drawn: `early`, `late`, `catch`, `channel`."""
    phase: Mapping[int, tuple[int, str]]
    """Block and phase of each normal trial that counts as early or late."""
    block: Mapping[int, int]
    kind: Mapping[int, str]
    place: Mapping[int, int]
    gain: Mapping[int, float]
    """N·s/m."""
    slope: Mapping[int, float]
    """Of each channel trial, on the whole of its field; NaN where the table has none."""
    field: float
    """N·s/m, the session's first field, against which blocks without one are measured; 0 without any."""
    imposed: Mapping[int, Planner]
    """What acts in the normal trials of each block: in those without a field, of the first one that has one."""


@dataclass(eq=False)
class MovementAccumulators:
    """Down-sampled paths, profiles and means."""

    times: Array
    """(POINTS,) s from the go signal, of all profiles."""
    muscles: tuple[str, ...] = ()
    paths: dict[int, Small] = field(default_factory=dict)
    """(POINTS, 2) m, by trial."""
    lines: dict[int, tuple[Array, Array]] = field(default_factory=dict)
    """Start and target of these, m."""
    profiles: list[Profile] = field(default_factory=list)
    activity: dict[tuple[int, int], Mean] = field(default_factory=dict)
    """(POINTS, n_muscles) mean activation by block and place of the target, normal trials."""
    active: dict[tuple[int, int], Mean] = field(default_factory=dict)
    """(n_muscles,) the mean of the same over the samples from the go signal on."""
    hidden: dict[tuple[int, str, int], Mean] = field(default_factory=dict)
    """(POINTS, n_units) mean state of the network by block, phase and target."""
    ticks: LogHistogram = field(default_factory=durations)
    """Wall time between states of one trial."""
    answers: LogHistogram = field(default_factory=durations)
    """Wall time from a state to the command that answers it, both as they were received."""
    timing: list[tuple[int, float, float, float, float, int, int]] = field(default_factory=list)
    """Trial, wall time of its first and last state (s), median and largest tick (s), samples, samples expected."""

    ledgers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The last timing that each node reported, by its name."""

    @property
    def units(self) -> int:
        """Size of the network's state; 0 when it was not recorded."""
        return next((m.total.shape[1] for m in self.hidden.values() if m.n), 0)


def select(blocks: Sequence[ReportBlock], each: int = EACH) -> Selection:
    """The trials of which paths and phases are kept.

    Early and late are the first and the last `each` normal trials at each target in a block, at most a third of them.
    """
    paths: dict[int, tuple[int, str]] = {}
    phase: dict[int, tuple[int, str]] = {}
    for b in blocks:
        normal = b.normal
        for place in dict.fromkeys(normal.place.tolist()):
            own = normal.trial[normal.place == place].tolist()
            n = min(each, max(1, len(own) // 3))
            for name, some in (("early", own[:n]), ("late", own[n:][-n:])):
                phase |= dict.fromkeys(some, (b.index, name))
        for name in PHASES:
            paths |= dict.fromkeys([t for t, p in phase.items() if p == (b.index, name)][:SHOWN], (b.index, name))
        for kind in (CATCH, CHANNEL):
            paths |= dict.fromkeys(b.table.of(kind).trial.tolist()[-SHOWN:], (b.index, kind))
    every = [(t, b) for b in blocks for t in b.table.trial.tolist()]
    columns = {
        c: dict(zip([t for t, _ in every], _column(blocks, c), strict=True))
        for c in ("kind", "place", "gain", "channel_slope")
    }
    first = next((b for b in blocks if b.gain), None)
    acting = _acting(blocks, first)
    block = {t: b.index for t, b in every}
    return Selection(
        paths,
        phase,
        block,
        columns["kind"],
        columns["place"],
        columns["gain"],
        columns["channel_slope"],
        first.gain if first is not None else 0.0,
        acting,
    )


def gather(
    movements: Iterable[RecordedMovement], chosen: Selection, duration_s: float, lead_s: float = 0.1
) -> MovementAccumulators:
    """Take in the movements, one at a time. Profiles go from `lead_s` before the go signal to `duration_s` after."""
    out = MovementAccumulators(np.linspace(-lead_s, duration_s, POINTS))
    for m in movements:
        if m.plan.trial in chosen.block and len(m) >= 2:
            _add(out, m, chosen)
    return out


def _add(out: MovementAccumulators, m: RecordedMovement, chosen: Selection) -> None:
    block, kind, place = chosen.block[m.plan.trial], chosen.kind[m.plan.trial], chosen.place[m.plan.trial]
    if m.plan.trial in chosen.paths:
        out.paths[m.plan.trial] = at(np.linspace(m.time[0], m.time[-1], POINTS), m.time, m.position).astype(np.float32)
        out.lines[m.plan.trial] = (m.start, m.target)
    if kind == CHANNEL:
        gain, slope = chosen.gain[m.plan.trial] or chosen.field, chosen.slope[m.plan.trial]
        acts = chosen.imposed[block].plan(m.plan) if block in chosen.imposed else None
        fields = acts.at("endpoint") if acts is not None and not acts.at("joint") else ()
        out.profiles.append(_profile(out.times, m, fields, gain, slope))
    if kind == NORMAL and m.activation.shape[1]:
        out.activity.setdefault((block, place), Mean()).add(at(out.times, m.time, m.activation))
        if (m.time >= 0).any():
            out.active.setdefault((block, place), Mean()).add(m.activation[m.time >= 0].mean(axis=0))
    if m.plan.trial in chosen.phase and m.hidden.shape[1]:
        key = (*chosen.phase[m.plan.trial], place)
        out.hidden.setdefault(key, Mean()).add(at(out.times, m.hidden_time, m.hidden))
    ticks = np.diff(m.wall)
    out.ticks.extend(ticks[ticks >= 0])
    out.timing.append((m.plan.trial, float(m.wall[0]), float(m.wall[-1]), float(np.median(ticks)), float(ticks.max()),
                       len(m), m.expected))  # fmt: skip
    if len(m.command_time):
        row = np.searchsorted(m.time, m.command_time - 1e-7)
        here = row < len(m.time)
        row, sent = row[here], m.command_wall[here]
        same = np.abs(m.time[row] - m.command_time[here]) < 1e-6
        duration = sent[same] - m.wall[row[same]]
        out.answers.extend(duration[duration >= 0])


def _acting(blocks: Sequence[ReportBlock], first: ReportBlock | None) -> dict[int, Planner]:
    """What is imposed in each block; in those without a law at endpoint or joints that of the `first` with a field."""
    planners = {b.index: imposed_kinds.planner(b.imposed) for b in blocks}
    out = {i: p for i, p in planners.items() if any(e.site in ("endpoint", "joint") for e in p.entries())}
    other = out.get(first.index) if first is not None else None
    return {b.index: p for b in blocks if (p := out.get(b.index, other)) is not None}


def _profile(
    times: Array, m: RecordedMovement, fields: Sequence[PerturbationEntry], gain: float, slope: float
) -> Profile:
    """Of the channel's load on the hand, minus its lateral component is what the hand exerts on the wall.

    The `slope` of the table counts; where it is NaN, that on these `fields`. `gain` says which side is against them.
    """
    against = -(np.sign(gain) or 1.0)
    moving = m.time >= 0
    try:
        force = -lateral_component(m.load, m.start, m.target)
        channel = FieldForce.of(m.time_ns, m.position, m.velocity, m.start, m.target, fields)
        ideal = channel.ideal
    except DataError:
        force = ideal = np.zeros(len(m))
    else:
        with suppress(DataError):
            if fields and moving.any() and not np.isfinite(slope):
                slope = channel.index(force, moving)
    both = at(times, m.time, against * np.column_stack([force, ideal])).astype(np.float32)
    return Profile(m.plan.trial, both[:, 0], both[:, 1], slope)


def _column(blocks: Sequence[ReportBlock], name: str) -> list[float]:
    return [x for b in blocks for x in getattr(b.table, name).tolist()]

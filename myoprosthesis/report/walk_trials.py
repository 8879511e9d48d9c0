"""Trials of a walk that was recorded or is played, and cycles from one touch-down of the left foot to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.gait_emg import cycle, typical
from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, DataError
from myoprosthesis.core.extras import library
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.recording.bag import Bag

Array = NDArray[np.float64]
Columns = Sequence[tuple[str, str]]
"""Pairs of a channel of the state and its field."""
SIDE = "l"
CONTACTS = (f"{SIDE}_foot", f"{SIDE}_toes")
HEIGHT = "root/z"
FALLEN = 0.6
"""A pelvis below this part of its height at the start has fallen, whatever the task allows."""
TOUCH_N = 20.0
"""A foot with more than this on it is on the floor."""
BRIEF_S = 0.28
"""A foot is on the floor, or off it, when it is so for the larger part of this time about that moment: shorter is a
bounce of a foot that stands, or a touch of one that swings."""
SETTLED_S = 2.0
"""From the start of a trial, whose muscles begin at rest, until its walk is its own."""
FEWEST = 5
"""Cycles."""


@dataclass(frozen=True, eq=False)
class WalkTrial:
    """One trial: times `time_s` (n,) since its start, `load` (n,) N on the left foot, `states` (n, n_columns).

    `excitation` (n, n_muscles) is None where no muscles are asked for, or they are commanded by length."""

    trial: int
    completed: bool
    time_s: Array
    load: Array
    states: Array
    excitation: Array | None = None


@dataclass(frozen=True, eq=False)
class WalkCycles:
    """Cycles out of trials that no fall has spoiled, of `lengths` (n_cycles,) s."""

    name: str
    spans: tuple[tuple[WalkTrial, float, float], ...]
    """A trial, and from when to when in it, s."""
    lengths: Array
    trials: int
    """That came to their end, of all that were there."""
    all_trials: int
    left_out: int
    """Cycles of these whose length is not typical."""

    def curves(self, values: Callable[[WalkTrial], Array]) -> Array:
        """(n_cycles, 100, n) of what `values` gives for a trial, (n_samples, n)."""
        of = {id(trial): values(trial) for trial, _, _ in self.spans}
        return np.array([cycle(trial.time_s, of[id(trial)], begin, end) for trial, begin, end in self.spans])


def touch_downs(time_s: Array, load: Array) -> NDArray[np.intp]:
    """Samples at which a foot comes onto the floor, bounces and touches of less than half of `BRIEF_S` left out."""
    if len(load) < 2:
        return np.zeros(0, int)
    half = round(0.5 * BRIEF_S / float(np.median(np.diff(time_s))))
    on = np.pad(load > TOUCH_N, half, "edge")
    stands = np.lib.stride_tricks.sliding_window_view(on, 2 * half + 1).sum(axis=1) > half
    return 1 + np.flatnonzero(stands[1:] & ~stands[:-1])


def stood(height: Array) -> bool:
    """Whether the pelvis, at heights (n,) m, never came down."""
    return bool(height.min() > FALLEN * height[0])


def cycles(name: str, trials: Sequence[WalkTrial]) -> WalkCycles:
    """The cycles of those trials that came to their end; raises `DataError` for fewer than `FEWEST`."""
    whole = [trial for trial in trials if trial.completed]
    spans = []
    for trial in whole:
        begins = touch_downs(trial.time_s, trial.load)
        begins = begins[trial.time_s[begins] >= SETTLED_S] if len(begins) else begins
        spans += [(trial, trial.time_s[a], trial.time_s[b]) for a, b in zip(begins, begins[1:], strict=False)]
    lengths = np.array([end - begin for _, begin, end in spans])
    kept = typical(lengths) if len(lengths) else np.zeros(0, bool)
    if kept.sum() < FEWEST:
        raise DataError(
            f"{name} has {int(kept.sum())} cycles of the left foot in {len(whole)} trials that came to their end, of "
            f"{len(trials)}: {FEWEST} at least are compared, and none of a trial with a fall; a longer walk "
            "(--option trial_s=30) or one that does not fall is needed"
        )
    used = tuple(span for span, keep in zip(spans, kept, strict=True) if keep)
    return WalkCycles(name, used, lengths[kept], len(whole), len(trials), int((~kept).sum()))


def recorded(path: Path, columns: Columns, muscles: Sequence[str] = ()) -> list[WalkTrial]:
    """The trials in a recording, with these columns of the state and the excitations of these muscles.

    Raises `RecordingError` or `DataError` where it has none."""
    bag = Bag(path)
    root = bag.topic("state").name[: -len("state")]
    state = _series(bag, f"{root}state")
    applied = _series(bag, f"{root}applied" if bag.has(f"{root}applied") else f"{root}command")
    for name in (HEIGHT, *CONTACTS, *(name for name, _ in columns)):
        if name not in state.names:
            raise DataError(f"{path} has no {name} in its states: it is of a walk with myolegs (up walk --record)")
    excites = bool(muscles) and all(
        EffectorSpec.from_json(text).command.unit == "1" for _, text in bag.texts(f"{root}effector/spec")
    )
    trials = []
    ended = [s.values for _, s in bag.statuses(f"{root}trial/events") if s.message in ("end", "lost")]
    starts = {
        s.values["trial"]: int(s.values["time_ns"])
        for _, s in bag.statuses(f"{root}trial/events") if s.message == "start"
    }  # fmt: skip
    for values in ended:
        begin, end = starts.get(values["trial"], -1), int(values["time_ns"])
        during = (state.stamp_ns >= begin) & (state.stamp_ns < end)
        if begin < 0 or not during.any():
            continue
        stamps, height = state.stamp_ns[during], state.of(HEIGHT, "position")[during]
        excited = [np.interp(stamps, applied.stamp_ns, applied.of(m, "effort")) for m in muscles] if excites else []
        trials.append(
            WalkTrial(
                int(values["trial"]), bool(values.get("completed")) and stood(height), (stamps - begin) / NS,
                sum((state.of(c, "effort")[during] for c in CONTACTS), np.zeros(len(stamps))),
                np.stack([state.of(*column)[during] for column in columns], 1),
                np.stack(excited, 1) if excites else None,
            )
        )  # fmt: skip
    return trials


@dataclass(frozen=True, eq=False)
class _Series:
    """A topic of a recording in whole."""

    names: tuple[str, ...]
    stamp_ns: NDArray[np.int64]
    fields: Mapping[str, Array]

    def of(self, name: str, field: str) -> Array:
        return self.fields[field][:, self.names.index(name)]


def _series(bag: Bag, topic: str) -> _Series:
    tables = list(bag.tables(topic))
    names = tables[-1].names if tables else ()
    if not tables or any(table.names != names for table in tables):
        raise DataError(f"{bag.path} has no states of one body on {topic}")
    stamps = np.concatenate([table.stamp_ns for table in tables])
    order = np.argsort(stamps, kind="stable")
    parts = {f: np.concatenate([getattr(t, f) for t in tables])[order] for f in ("position", "velocity", "effort")}
    return _Series(names, stamps[order], parts)


def played(
    policy: OnnxPolicy, name: str, trials: int, options: Mapping[str, Any], seed: int, threads: int,
    progress: Callable[[float], object], columns: Columns, muscles: Sequence[str] = (),
) -> list[WalkTrial]:  # fmt: skip
    """Trials of a policy in the environment, which are those of a stack in lockstep, as `recorded` has them."""
    library("gymnasium", "train", "playing many trials at once")
    from myoprosthesis.envs.played_series import PlayedSeries
    from myoprosthesis.envs.played_trials import played as play
    from myoprosthesis.envs.played_trials import task_of

    if task_of(policy.contract) != "walk":
        raise ConfigError(f"policy {name!r} does not walk: it is one of effector {policy.contract.effector!r}")
    contacts = [(contact, "effort") for contact in CONTACTS]
    height = (HEIGHT, "position")
    series = PlayedSeries([*contacts, height, *columns])
    results = play(
        policy, range(trials), "walk", {**policy.contract.task_options, **options, "seed": seed}, threads, progress,
        series,
    )  # fmt: skip
    options_of = registry.options("effectors", policy.contract.effector)
    names = registry.factory("effectors", policy.contract.effector)(options_of()).spec.command.names
    where = [names.index(muscle) for muscle in muscles]
    excites = bool(muscles) and policy.contract.action.unit == "1"
    dt = policy.contract.dt
    return [
        WalkTrial(
            k, bool(result.figures["completed"]) and stood(high[:, 0]), np.arange(len(load), dtype=float) * dt,
            load.sum(axis=1), states, commands[:, where] if excites else None,
        )
        for k, (result, load, high, states, commands) in enumerate(zip(
            results, series.states(*contacts), series.states(height), series.states(*columns), series.commands(),
            strict=True,
        ))
    ]  # fmt: skip

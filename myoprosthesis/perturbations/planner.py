"""A preset: which perturbations, in which trials."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.options import build, option
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.text import short
from myoprosthesis.core.trial_plan import TrialPlan

ENDLESS_NS = 10_000 * NS
"""The end of the trial for which `Planner.entries` are: later than any window ends that an option says."""
_TRIAL = TrialPlan(0, 0, ENDLESS_NS, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), None)
_CATCH = 0x434154
"""Keeps these random numbers apart from those of a task with the same seed."""


@dataclass(frozen=True)
class PerturbationBlock:
    """Trials `first` to `last` (inclusive; −1: for ever) with some kinds: mappings with `kind` and its options."""

    kinds: tuple[dict[str, Any], ...] = option((), "the perturbations, which add")
    first: int = option(0, "first trial", "", 0)
    last: int = option(-1, "last trial, −1: no end", "", -1)

    def __post_init__(self) -> None:
        if 0 <= self.last < self.first:
            raise ConfigError(f"it ends with trial {self.last}, before its first, {self.first}")

    def holds(self, trial: int) -> bool:
        """True for the trials of this block; without trials (−1) it is as in the first."""
        trial = max(0, trial)
        return self.first <= trial and (self.last < 0 or trial <= self.last)


@dataclass(frozen=True)
class Preset:
    """What a file in config/perturbations/ says."""

    name: str = option("", "name for people")
    about: str = option("", "one sentence for people")
    kinds: tuple[dict[str, Any], ...] = option((), "the perturbations of every trial, which add")
    blocks: tuple[dict[str, Any], ...] = option((), "or blocks of trials, each with first, last and kinds")
    catch_rate: float = option(0.0, "share of trials without any of it", "1", 0.0, 1.0)
    seed: int = option(0, "seed of the catch trials", "", 0)

    def __post_init__(self) -> None:
        if self.kinds and self.blocks:
            raise ConfigError("kinds and blocks exclude each other: put the kinds into the blocks")


class Planner:
    """Plans the perturbations of each trial; the same preset, seed and trial always give the same plan."""

    def __init__(self, preset: Preset, overrides: Mapping[str, Any] | None = None) -> None:
        """Planner of the perturbations of `preset`.

        `overrides` replace options of those kinds that have them; one that none has is refused. `gain` is a magnitude:
        each kind keeps the direction, which is the sign, of its own gain.
        """
        self.preset = preset
        overrides = dict(overrides or {})
        refuse_sign(preset.name, overrides)
        unused, known = dict(overrides), set[str]()
        self._changes: dict[str, Any] = {}
        blocks = [build(PerturbationBlock, b, "block") for b in preset.blocks] or [
            PerturbationBlock(kinds=preset.kinds)
        ]
        _refuse_overlaps(blocks)
        self._blocks = [(b, [self._kind(k, overrides, unused, known) for k in b.kinds]) for b in blocks]
        if unused:
            options = f"; it has {', '.join(sorted(known))}" if known else ", nor any other"
            raise ConfigError(f"perturbation {preset.name!r} has no option {', '.join(sorted(unused))}{options}")

    def _kind(
        self, entry: Mapping[str, Any], overrides: Mapping[str, Any], unused: dict[str, Any], known: set[str]
    ) -> tuple[Any, Any]:
        data = dict(entry)
        kind = data.pop("kind", None)
        if kind is None:
            raise ConfigError(f"a perturbation needs its kind: one of {', '.join(registry.names('perturbations'))}")
        make, options = registry.factory("perturbations", kind), registry.options("perturbations", kind)
        own = {f.name for f in fields(options)}
        known |= own
        label = f"perturbation {kind}"
        _once_each(data, label)
        before: Any = build(options, data, label)
        for key in own & set(overrides):
            data[key] = overrides[key]
            unused.pop(key, None)
        _once_each(data, label)
        built: Any = build(options, data, label)
        if "gain" in own & set(overrides):
            built = build(options, {**data, "gain": math.copysign(built.gain, before.gain)}, label)
        for key in own & set(overrides):
            if getattr(built, key) != getattr(before, key):
                self._changes[key] = overrides[key]
        make(built, _TRIAL)  # so that what cannot be planned is refused now and not in the middle of a session
        return make, built

    @property
    def _different(self) -> list[list[tuple[Any, Any]]]:
        """The kinds of the blocks that have some, each once: trials of different ones have different names."""
        out: list[list[tuple[Any, Any]]] = []
        for _, kinds in self._blocks:
            if kinds and kinds not in out:
                out.append(kinds)
        return out

    @property
    def name(self) -> str:
        """The name of the preset with every option that is not as the preset has it: `curl_cw (gain 5)`."""
        return _with(self.preset.name, *(f"{k} {short(self._changes[k])}" for k in sorted(self._changes)))

    @property
    def gains(self) -> tuple[tuple[str, float], ...]:
        """The kinds that have a gain, each with the one with which it acts, sign included."""
        every = [kind for _, kinds in self._blocks for kind in kinds]
        return tuple((make.__name__, float(options.gain)) for make, options in every if hasattr(options, "gain"))

    def opposes(self, other: Planner) -> bool:
        """Whether the other plans the same kinds with every gain in the opposite direction, of whatever size."""
        alike = self.preset.catch_rate == other.preset.catch_rate
        return alike and bool(self.gains) and self._directions(-1.0) == other._directions(1.0)

    def _directions(self, turn: float) -> list[Any]:
        """The blocks with the sign of every gain, times `turn`, in place of the gain."""

        def direction(options: Any) -> Any:
            if not hasattr(options, "gain"):
                return options
            return replace(options, gain=math.copysign(1.0, turn * options.gain))

        return [(b.first, b.last, [(make, direction(options)) for make, options in kinds]) for b, kinds in self._blocks]

    def entries(self, trial: int | None = None) -> tuple[PerturbationEntry, ...]:
        """Every entry that the plan of any trial (or of one, by number) may hold, as they are in the first trial."""
        blocks = [kinds for block, kinds in self._blocks if trial is None or block.holds(trial)]
        return tuple(entry for kinds in blocks for make, options in kinds for entry in make(options, _TRIAL))

    def check_within(self, trial_s: float) -> None:
        """Refuse what begins only when a trial of this length, s, is over; raises `ConfigError`."""
        for _, kinds in self._blocks:
            for make, options in kinds:
                if getattr(options, "start_s", 0.0) >= trial_s:
                    raise ConfigError(
                        f"perturbation {make.__name__} begins {options.start_s:g} s after the trial's start (start_s), "
                        f"and a trial ends after {trial_s:g} s: it would never act"
                    )

    def check_alone(self) -> None:
        """Refuse what is laid out by the places of a trial, for where there are none; raises `ConfigError`."""
        here = replace(_TRIAL, trial=-1)
        there = replace(here, start=(1.0, 2.0, 3.0), target=(4.0, 6.0, 8.0))
        if self.plan(here).to_json() != self.plan(there).to_json():
            raise ConfigError(
                f"perturbation {self.name!r} is laid out by where a trial begins or ends, and there are no trials "
                "here: a task makes them (--task)"
            )

    def is_catch(self, trial: int) -> bool:
        """True in the trials that are left unperturbed by chance."""
        rng = np.random.default_rng((self.preset.seed, max(0, trial), _CATCH))
        return trial >= 0 and bool(rng.random() < self.preset.catch_rate)

    def plan(self, trial: TrialPlan) -> PerturbationPlan:
        """Everything that is imposed during `trial`."""
        chosen = [kind for block, kinds in self._blocks if block.holds(trial.trial) for kind in kinds]
        name = self.name
        if chosen and self.is_catch(trial.trial):
            chosen, name = [], _with(self.preset.name, "catch")
        elif self.preset.blocks and not chosen:
            name = _with(self.preset.name, "none")
        elif len(self._different) > 1:
            name = _with(name, f"block {1 + self._different.index(chosen)}")
        entries = tuple(entry for make, options in chosen for entry in make(options, trial))
        late = [e for e in entries if e.from_ns >= trial.until_ns]
        if late:
            entries = tuple(e for e in entries if e.from_ns < trial.until_ns)
            name = _with(name, "not before the trial's end" if not entries else "in part after the trial's end")
        return PerturbationPlan(name, trial.until_ns, trial.trial, entries, trial.from_ns)


def _with(name: str, *notes: str) -> str:
    """A name with notes in brackets behind it."""
    return f"{name} ({', '.join(notes)})" if notes else name


def refuse_sign(name: str, overrides: Mapping[str, Any], mirror: str = "") -> None:
    """Refuse a gain below 0; `mirror` is the preset that acts in the opposite direction, where there is one."""
    gain = overrides.get("gain")
    if isinstance(gain, (int, float)) and gain < 0:
        where = f"that of {mirror!r}" if mirror else "a preset of its own: a YAML file with the sign in its kinds"
        raise ConfigError(
            f"a gain is a magnitude in the direction of {name!r} itself, so that it cannot be {gain:g}: give "
            f"{-gain:g}, or, for the opposite direction, {where}"
        )


def _refuse_overlaps(blocks: Sequence[PerturbationBlock]) -> None:
    """Blocks that share a trial would both be imposed in it."""
    ordered = sorted(blocks, key=lambda b: b.first)
    for one, other in itertools.pairwise(ordered):
        if one.last < 0 or other.first <= one.last:
            until = "has no end" if one.last < 0 else f"ends with trial {one.last}"
            raise ConfigError(
                f"a block begins with trial {other.first}, and the one that begins with trial {one.first} {until}: "
                "kinds that add are those of one block"
            )


def _once_each(data: Mapping[str, Any], label: str) -> None:
    """A name that is given twice was meant to be another."""
    for key, names in data.items():
        for name in names if isinstance(names, (list, tuple)) else ():
            if isinstance(name, str) and names.count(name) > 1:
                raise ConfigError(f"{label}: {key} has {name!r} twice: leave one out")

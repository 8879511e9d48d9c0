"""A preset: which perturbations, in which trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build, option
from myoprosthesis.core.plan import PerturbationPlan, TrialPlan

_TRIAL = TrialPlan(0, 0, 1, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), None)
_CATCH = 0x434154
"""Keeps these random numbers apart from those of a task with the same seed."""


@dataclass(frozen=True)
class Block:
    """Trials `first` to `last` (inclusive; −1: for ever) with some kinds: mappings with `kind` and its options."""

    kinds: tuple[dict, ...] = option((), "the perturbations, which add")
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
    kinds: tuple[dict, ...] = option((), "the perturbations of every trial, which add")
    blocks: tuple[dict, ...] = option((), "or blocks of trials, each with first, last and kinds")
    catch_rate: float = option(0.0, "share of trials without any of it", "1", 0.0, 1.0)
    seed: int = option(0, "seed of the catch trials", "", 0)

    def __post_init__(self) -> None:
        if self.kinds and self.blocks:
            raise ConfigError("kinds and blocks exclude each other: put the kinds into the blocks")


class Planner:
    """Plans the perturbations of each trial; the same preset, seed and trial always give the same plan."""

    def __init__(self, preset: Preset, overrides: Mapping[str, Any] | None = None) -> None:
        """`overrides` replace options of those kinds that have them; one that none has is refused."""
        self.preset = preset
        unused = dict(overrides or {})
        blocks = [build(Block, b, "block") for b in preset.blocks] or [Block(kinds=preset.kinds)]
        self._blocks = [(b, [self._kind(k, overrides or {}, unused) for k in b.kinds]) for b in blocks]
        if unused:
            raise ConfigError(f"perturbation {preset.name!r} has no option {', '.join(sorted(unused))}")

    @staticmethod
    def _kind(given: Mapping[str, Any], overrides: Mapping[str, Any], unused: dict[str, Any]) -> tuple[Any, Any]:
        data = dict(given)
        kind = data.pop("kind", None)
        if kind is None:
            raise ConfigError(f"a perturbation needs its kind: one of {', '.join(registry.names('perturbations'))}")
        make, options = registry.factory("perturbations", kind), registry.options("perturbations", kind)
        own = {f.name for f in fields(options)}
        for key in own & set(overrides):
            data[key] = overrides[key]
            unused.pop(key, None)
        built: Any = build(options, data, f"perturbation {kind}")
        make(built, _TRIAL)  # so that what cannot be planned is refused now and not in the middle of a session
        return make, built

    def is_catch(self, trial: int) -> bool:
        """True in the trials that are left unperturbed by chance."""
        rng = np.random.default_rng((self.preset.seed, max(0, trial), _CATCH))
        return trial >= 0 and bool(rng.random() < self.preset.catch_rate)

    def plan(self, trial: TrialPlan) -> PerturbationPlan:
        """Everything that is imposed during `trial`."""
        chosen = [kind for block, kinds in self._blocks if block.holds(trial.trial) for kind in kinds]
        name = self.preset.name
        if chosen and self.is_catch(trial.trial):
            chosen, name = [], f"{name} (catch)"
        entries = tuple(entry for make, options in chosen for entry in make(options, trial))
        return PerturbationPlan(name, trial.until_ns, trial.trial, entries, trial.from_ns)

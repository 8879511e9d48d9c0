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


@dataclass(frozen=True)
class Block:
    """Trials `first` to `last` (inclusive; −1: for ever) with some kinds: mappings with `kind` and its options."""

    kinds: tuple[dict, ...] = option((), "the perturbations, which add")
    first: int = option(0, "first trial", "", 0)
    last: int = option(-1, "last trial, −1: no end", "", -1)


@dataclass(frozen=True)
class Preset:
    """What a file in config/perturbations/ says."""

    name: str = option("", "name for people")
    about: str = option("", "one sentence for people")
    kinds: tuple[dict, ...] = option((), "the perturbations of every trial, which add")
    blocks: tuple[dict, ...] = option((), "or blocks of trials, each with first, last and kinds")
    catch_rate: float = option(0.0, "share of trials without any of it", "1", 0.0, 1.0)
    seed: int = option(0, "seed of the catch trials", "", 0)


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
        return make, build(options, data, f"perturbation {kind}")

    def is_catch(self, trial: int) -> bool:
        """True in the trials that are left unperturbed by chance."""
        return bool(np.random.default_rng((self.preset.seed, trial)).random() < self.preset.catch_rate)

    def plan(self, trial: TrialPlan) -> PerturbationPlan:
        """Everything that is imposed during `trial`."""
        entries: list[Any] = []
        if not self.is_catch(trial.trial):
            for block, kinds in self._blocks:
                if block.first <= trial.trial and (block.last < 0 or trial.trial <= block.last):
                    for make, options in kinds:
                        entries.extend(make(options, trial))
        name = self.preset.name if entries or not self.preset.catch_rate else f"{self.preset.name} (catch)"
        return PerturbationPlan(name, trial.until_ns, trial.trial, tuple(entries))

"""Weakness and fatigue of muscles."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming


@dataclass(frozen=True)
class WeaknessOptions(PerturbationTiming):
    """Options of muscle weakness."""

    muscles: tuple[str, ...] = option((), "names of the muscles; empty: all")
    strength: float = option(0.5, "fraction of active force that is left", "1", 0.0, 1.0)


def weakness(options: WeaknessOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Active force scaled down."""
    values = {"muscles": list(options.muscles), "strength": options.strength}
    return (options.entry(trial, "muscle", "strength", values),)


@dataclass(frozen=True)
class FatigueOptions(PerturbationTiming):
    """Options of muscle fatigue."""

    muscles: tuple[str, ...] = option((), "names of the muscles; empty: all")
    F: float = option(0.00912, "rate of fatigue at full activation", "1/s", 0.0, 10.0)
    R: float = option(0.00094, "rate of recovery", "1/s", 0.0, 10.0)
    speed: float = option(1.0, "times as fast as life", "1", 1e-3, 1e4)


def fatigue(options: FatigueOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Active force that falls with use and recovers with rest; the elbow's rates after Frey-Law et al. 2012."""
    values = {"F": options.F * options.speed, "R": options.R * options.speed, "muscles": list(options.muscles)}
    return (options.entry(trial, "muscle", "fatigue", values),)

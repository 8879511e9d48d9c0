"""Perturbations of what a policy observes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming


@dataclass(frozen=True)
class SuddenTiming(PerturbationTiming):
    """Times of what is there or not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ramp_s:
            raise ConfigError(f"it is there or not, and does not rise: ramp_s is {self.ramp_s:g} s, leave it out")


@dataclass(frozen=True)
class RotationOptions(PerturbationTiming):
    """Options of a visuomotor rotation."""

    degrees: float = option(
        30.0, "of the seen endpoint about the start, counter-clockwise positive", "deg", -180.0, 180.0
    )


def rotation(options: RotationOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """The seen endpoint turned about the start of the movement."""
    values = {"angle_rad": math.radians(options.degrees), "centre": list(trial.start[:2])}
    return (options.entry(trial, "observation", "rotation", values),)


@dataclass(frozen=True)
class DelayOptions(SuddenTiming):
    """Options of an added feedback delay."""

    terms: tuple[str, ...] = option(("vision",), "observation terms")
    delay_s: float = option(0.05, "delay on top of the policy's own", "s", 0.0, 0.5)


def delay(options: DelayOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Feedback later than usual."""
    return (options.entry(trial, "observation", "delay", dict.fromkeys(options.terms, options.delay_s)),)


@dataclass(frozen=True)
class NoiseOptions(PerturbationTiming):
    """Options of feedback noise."""

    terms: tuple[str, ...] = option(("vision",), "observation terms")
    sd: float = option(0.002, "standard deviation, in the unit of the term", "", 0.0, 1e3)


def noise(options: NoiseOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Gaussian noise on feedback."""
    return (options.entry(trial, "observation", "noise", dict.fromkeys(options.terms, options.sd)),)


@dataclass(frozen=True)
class WithholdOptions(SuddenTiming):
    """Options of withheld feedback."""

    terms: tuple[str, ...] = option(("vision",), "observation terms")


def withhold(options: WithholdOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Feedback that stays as it was at the beginning of the trial."""
    return (options.entry(trial, "observation", "withhold", {"terms": list(options.terms)}),)

"""The kinds of perturbation: each a frozen dataclass of options and a function that plans it for one trial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan


@dataclass(frozen=True)
class PerturbationTiming:
    """When within a trial: common to all kinds."""

    start_s: float = option(0.0, "begin after the trial's start", "s", 0.0, 3600.0)
    duration_s: float = option(0.0, "length; 0: to the end of the trial", "s", 0.0, 3600.0)
    ramp_s: float = option(0.0, "linear rise from the beginning", "s", 0.0, 3600.0)

    def entry(self, trial: TrialPlan, site: str, kind: str, values: dict[str, Any]) -> PerturbationEntry:
        """An entry at these times of `trial`."""
        begin = trial.from_ns + ns(self.start_s)
        end = min(trial.until_ns, begin + ns(self.duration_s)) if self.duration_s else trial.until_ns
        return PerturbationEntry(site, kind, values, begin, end, self.ramp_s)

    def law(self, trial: TrialPlan, law: ForceField) -> tuple[PerturbationEntry, ...]:
        """A law at the endpoint."""
        return (self.entry(trial, "endpoint", "law", law.to_dict()),)


@dataclass(frozen=True)
class NullOptions(PerturbationTiming):
    """No options of its own."""


@dataclass(frozen=True)
class ConstantOptions(PerturbationTiming):
    """Options of a constant force."""

    force: tuple[float, ...] = option((0.0, 0.0, 0.0), "force", "N", -1e3, 1e3)


@dataclass(frozen=True)
class SpringOptions(PerturbationTiming):
    """Options of a spring."""

    stiffness: float = option(100.0, "stiffness; negative pushes away", "N/m", -2e3, 2e3)
    centre: str = option("start", "its rest point", choices=("start", "target"))


@dataclass(frozen=True)
class ViscousOptions(PerturbationTiming):
    """Options of a viscous field."""

    gain: float = option(10.0, "resistance; negative assists", "N·s/m", -100.0, 100.0)


@dataclass(frozen=True)
class CurlOptions(PerturbationTiming):
    """Options of a curl field."""

    gain: float = option(
        10.0, "b in F = b·[v_y, −v_x]: positive pushes to the right of the motion (CW)", "N·s/m", -100.0, 100.0
    )


@dataclass(frozen=True)
class ChannelOptions(PerturbationTiming):
    """Options of a force channel (error clamp)."""

    stiffness: float = option(2000.0, "K against leaving the line start → target", "N/m", 0.0, 1e4)
    damping: float = option(50.0, "B against leaving the line", "N·s/m", 0.0, 500.0)


@dataclass(frozen=True)
class PulseOptions(PerturbationTiming):
    """Options of a pulse: a constant force for a short while."""

    force: tuple[float, ...] = option((5.0, 0.0, 0.0), "force", "N", -1e3, 1e3)
    start_s: float = option(0.4, "begin after the trial's start", "s", 0.0, 3600.0)
    duration_s: float = option(0.05, "length", "s", 1e-3, 3600.0)


@dataclass(frozen=True)
class JointLoadOptions(PerturbationTiming):
    """Options of a load on joints: torque = torque + stiffness·q + damping·q̇, the same for each named joint."""

    joints: tuple[str, ...] = option((), "names of the joints")
    torque: float = option(0.0, "constant torque", "N·m", -500.0, 500.0)
    stiffness: float = option(0.0, "torque per angle", "N·m/rad", -1e4, 1e4)
    damping: float = option(0.0, "torque per speed; negative resists", "N·m·s/rad", -1e3, 1e3)


@dataclass(frozen=True)
class WeaknessOptions(PerturbationTiming):
    """Options of muscle weakness."""

    muscles: tuple[str, ...] = option((), "names of the muscles; empty: all")
    strength: float = option(0.5, "fraction of active force that is left", "1", 0.0, 1.0)


@dataclass(frozen=True)
class FatigueOptions(PerturbationTiming):
    """Options of muscle fatigue."""

    F: float = option(0.00912, "rate of fatigue at full activation", "1/s", 0.0, 10.0)
    R: float = option(0.00094, "rate of recovery", "1/s", 0.0, 10.0)
    speed: float = option(1.0, "times as fast as life", "1", 1e-3, 1e4)


@dataclass(frozen=True)
class RotationOptions(PerturbationTiming):
    """Options of a visuomotor rotation."""

    degrees: float = option(
        30.0, "of the seen endpoint about the start, counter-clockwise positive", "deg", -180.0, 180.0
    )


@dataclass(frozen=True)
class DelayOptions(PerturbationTiming):
    """Options of an added feedback delay."""

    terms: tuple[str, ...] = option(("vision",), "observation terms")
    delay_s: float = option(0.05, "delay on top of the policy's own", "s", 0.0, 0.5)


@dataclass(frozen=True)
class NoiseOptions(PerturbationTiming):
    """Options of feedback noise."""

    terms: tuple[str, ...] = option(("vision",), "observation terms")
    sd: float = option(0.002, "standard deviation, in the unit of the term", "", 0.0, 1e3)


@dataclass(frozen=True)
class WithholdOptions(PerturbationTiming):
    """Options of withheld feedback."""

    terms: tuple[str, ...] = option(("vision",), "observation terms")


def null(options: NullOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Nothing."""
    return ()


def constant(options: ConstantOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = f0."""
    return options.law(trial, ForceField.of(f0=options.force))


def spring(options: SpringOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = −k (x − x0)."""
    centre = trial.start if options.centre == "start" else trial.target
    return options.law(trial, ForceField.of(K=-options.stiffness * np.eye(3), x0=centre))


def viscous(options: ViscousOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = −b v."""
    return options.law(trial, ForceField.of(B=-options.gain * np.eye(3)))


def curl(options: CurlOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = b·[v_y, −v_x] (Shadmehr & Mussa-Ivaldi 1994, doi 10.1523/JNEUROSCI.14-05-03208.1994)."""
    return options.law(trial, ForceField.of(B=[[0.0, options.gain], [-options.gain, 0.0]]))


def channel(options: ChannelOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = −(B ė⊥ + K e⊥) off the line start → target (Scheidt et al. 2000, doi 10.1152/jn.2000.84.2.853).

    Nothing in a trial without a movement, which has no line: holding, and catch trials of the task."""
    line = np.zeros(3)
    line[: len(trial.start)] = np.subtract(trial.target, trial.start)
    length = float(np.linalg.norm(line))
    if length == 0:
        return ()
    across = np.eye(3) - np.outer(line, line) / length**2
    return options.law(trial, ForceField.of(K=-options.stiffness * across, B=-options.damping * across, x0=trial.start))


def pulse(options: PulseOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = f0 for a short while."""
    return options.law(trial, ForceField.of(f0=options.force))


def joint_load(options: JointLoadOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """A torque on named joints."""
    n = len(options.joints)
    if not n:
        raise ConfigError(
            "a joint load needs joints: --set perturbation.joints='[shoulder, elbow]' or a preset that names them"
        )
    law = ForceField(np.full(n, options.torque), options.stiffness * np.eye(n), options.damping * np.eye(n))
    return (options.entry(trial, "joint", "law", {**law.to_dict(), "joints": list(options.joints)}),)


def weakness(options: WeaknessOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Active force scaled down."""
    values = {"muscles": list(options.muscles), "strength": options.strength}
    return (options.entry(trial, "muscle", "strength", values),)


def fatigue(options: FatigueOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Active force that falls with use and recovers with rest; the elbow's rates after Frey-Law et al. 2012."""
    rates = {"F": options.F * options.speed, "R": options.R * options.speed}
    return (options.entry(trial, "muscle", "fatigue", rates),)


def rotation(options: RotationOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """The seen endpoint turned about the start of the movement."""
    values = {"angle_rad": math.radians(options.degrees), "centre": list(trial.start[:2])}
    return (options.entry(trial, "observation", "rotation", values),)


def delay(options: DelayOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Feedback later than usual."""
    return (options.entry(trial, "observation", "delay", dict.fromkeys(options.terms, options.delay_s)),)


def noise(options: NoiseOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Gaussian noise on feedback."""
    return (options.entry(trial, "observation", "noise", dict.fromkeys(options.terms, options.sd)),)


def withhold(options: WithholdOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Feedback that stays as it was at the beginning of the trial."""
    return (options.entry(trial, "observation", "withhold", {"terms": list(options.terms)}),)

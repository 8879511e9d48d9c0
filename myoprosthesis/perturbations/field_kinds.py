"""Force fields at the endpoint, and loads on joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming


@dataclass(frozen=True)
class NullOptions(PerturbationTiming):
    """No options of its own."""


def _check_force(force: tuple[float, ...]) -> None:
    if len(force) not in (2, 3):
        raise ConfigError(f"force: {list(force)} has {len(force)} values; x and y are needed, or x, y and z")


def null(options: NullOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Nothing."""
    return ()


@dataclass(frozen=True)
class ConstantOptions(PerturbationTiming):
    """Options of a constant force."""

    force: tuple[float, ...] = option((0.0, 0.0, 0.0), "force, x, y and z (0 where it is left out)", "N", -1e3, 1e3)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_force(self.force)


def constant(options: ConstantOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = f0."""
    return options.law(trial, ForceField.of(f0=options.force))


@dataclass(frozen=True)
class SpringOptions(PerturbationTiming):
    """Options of a spring."""

    stiffness: float = option(100.0, "stiffness; negative pushes away", "N/m", -2e3, 2e3)
    centre: str = option("start", "its rest point", choices=("start", "target"))


def spring(options: SpringOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = −k (x − x0)."""
    centre = trial.start if options.centre == "start" else trial.target
    return options.law(trial, ForceField.of(K=-options.stiffness * np.eye(3), x0=centre))


@dataclass(frozen=True)
class ViscousOptions(PerturbationTiming):
    """Options of a viscous field."""

    gain: float = option(10.0, "resistance; negative assists", "N·s/m", -100.0, 100.0)


def viscous(options: ViscousOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = −b v."""
    return options.law(trial, ForceField.of(B=-options.gain * np.eye(3)))


@dataclass(frozen=True)
class CurlOptions(PerturbationTiming):
    """Options of a curl field."""

    gain: float = option(
        10.0, "b in F = b·[v_y, −v_x]: positive pushes to the right of the motion (CW)", "N·s/m", -100.0, 100.0
    )


def curl(options: CurlOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = b·[v_y, −v_x] (Shadmehr & Mussa-Ivaldi 1994, doi 10.1523/JNEUROSCI.14-05-03208.1994)."""
    return options.law(trial, ForceField.of(B=[[0.0, options.gain], [-options.gain, 0.0]]))


@dataclass(frozen=True)
class ChannelOptions(PerturbationTiming):
    """Options of a force channel (error clamp)."""

    stiffness: float = option(2000.0, "K against leaving the line start → target", "N/m", 0.0, 1e4)
    damping: float = option(50.0, "B against leaving the line", "N·s/m", 0.0, 500.0)


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


@dataclass(frozen=True)
class PulseOptions(PerturbationTiming):
    """Options of a pulse: a constant force for a short while."""

    force: tuple[float, ...] = option((5.0, 0.0, 0.0), "force, x, y and z (0 where it is left out)", "N", -1e3, 1e3)
    start_s: float = option(0.4, "begin after the trial's start", "s", 0.0, 3600.0)
    duration_s: float = option(0.05, "length", "s", 1e-3, 3600.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_force(self.force)


def pulse(options: PulseOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """F = f0 for a short while."""
    return options.law(trial, ForceField.of(f0=options.force))


@dataclass(frozen=True)
class JointLoadOptions(PerturbationTiming):
    """Options of a load on joints: torque = torque + stiffness·q + damping·q̇, the same for each named joint."""

    joints: tuple[str, ...] = option((), "names of the joints")
    torque: float = option(0.0, "constant torque", "N·m", -500.0, 500.0)
    stiffness: float = option(0.0, "torque per angle", "N·m/rad", -1e4, 1e4)
    damping: float = option(0.0, "torque per speed; negative resists", "N·m·s/rad", -1e3, 1e3)


def joint_load(options: JointLoadOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """A torque on named joints."""
    n = len(options.joints)
    if not n:
        raise ConfigError(
            "a joint load needs joints: --set perturbation.joints='[shoulder, elbow]' or a preset that names them"
        )
    law = ForceField(np.full(n, options.torque), options.stiffness * np.eye(n), options.damping * np.eye(n))
    return (options.entry(trial, "joint", "law", {**law.to_dict(), "joints": list(options.joints)}),)

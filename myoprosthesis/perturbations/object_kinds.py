"""Perturbations of the objects of a scene, such as a ball in a hand: a push, another mass."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming


@dataclass(frozen=True)
class ObjectPushOptions(PerturbationTiming):
    """Options of a push of objects."""

    objects: tuple[str, ...] = option((), "names of the objects; empty: all")
    force: tuple[float, float, float] = option((0.2, 0.0, 0.0), "force at the centre of mass, x, y, z", "N", -1e3, 1e3)
    start_s: float = option(2.0, "begin after the trial's start", "s", 0.0, 3600.0)
    duration_s: float = option(0.05, "length", "s", 1e-3, 3600.0)


def object_push(options: ObjectPushOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """A constant force on objects for a short while."""
    values = {"objects": list(options.objects), "force": list(options.force)}
    return (options.entry(trial, "object", "force", values),)


@dataclass(frozen=True)
class ObjectMassOptions(PerturbationTiming):
    """Options of heavier or lighter objects."""

    objects: tuple[str, ...] = option((), "names of the objects; empty: all")
    factor: float = option(2.0, "mass, in times that of the object in this trial", "1", 0.01, 100.0)


def object_mass(options: ObjectMassOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Objects of another mass, of the same size: their inertia grows with it."""
    values = {"objects": list(options.objects), "factor": options.factor}
    return (options.entry(trial, "object", "mass", values),)

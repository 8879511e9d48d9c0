"""Perturbations of a body that stands free, such as legs: a push at the pelvis, a load on a foot."""

from __future__ import annotations

import math
from dataclasses import dataclass

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming

HEADING = "command/heading"


@dataclass(frozen=True)
class BodyPushOptions(PerturbationTiming):
    """Options of a push."""

    bodies: tuple[str, ...] = option(("pelvis",), "parts of the body that are pushed, each with the whole force")
    newton: float = option(100.0, "force at the centre of mass", "N", 0.0, 5e3)
    direction_deg: float = option(
        90.0,
        "direction of the force, counter-clockwise from the heading that the trial asks for when the push begins (0: "
        "from behind, 90: to the left), or from the x axis where it asks for none",
        "deg",
        -360.0,
        360.0,
    )
    start_s: float = option(2.0, "begin after the trial's start", "s", 0.0, 3600.0)
    duration_s: float = option(0.2, "length", "s", 1e-3, 3600.0)


def body_push(options: BodyPushOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """A constant horizontal force on parts of a floating body for a short while."""
    heading = trial.goal(trial.from_ns + ns(options.start_s)).get(HEADING, 0.0)
    angle = heading + math.radians(options.direction_deg)
    force = [options.newton * math.cos(angle), options.newton * math.sin(angle), 0.0]
    return (options.entry(trial, "body", "force", {"bodies": list(options.bodies), "force": force}),)


@dataclass(frozen=True)
class BodyLoadOptions(PerturbationTiming):
    """Options of a load that parts of a body carry."""

    bodies: tuple[str, ...] = option(("calcn_r",), "parts of the body that carry it, each the whole load")
    kg: float = option(1.0, "load at the centre of mass", "kg", 0.0, 100.0)


def body_load(options: BodyLoadOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """A mass on parts of a floating body, such as a weight at an ankle: its weight and its inertia."""
    return (options.entry(trial, "body", "load", {"bodies": list(options.bodies), "kg": options.kg}),)

"""Reaching: where from, where to, and when to go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from myoprosthesis.core.options import option
from myoprosthesis.core.plan import TrialPlan, ns


class Task(Protocol):
    """A task plans its trials; it has no clock of its own."""

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """Trial number `trial`, beginning at `from_ns`; the same numbers give the same trial."""
        ...


@dataclass(frozen=True)
class ReachOptions:
    """Options common to reaching tasks."""

    home: tuple[float, ...] = option((), "start of the movements; empty: the effector's start", "m", -10.0, 10.0)
    distance: float = option(0.1, "from start to target", "m", 0.0, 2.0)
    trial_s: float = option(1.0, "length of a trial", "s", 0.05, 3600.0)
    go_s: float = option(0.2, "go signal after the trial's start", "s", 0.0, 3600.0)
    catch_rate: float = option(0.0, "share of trials in which the go signal never comes", "1", 0.0, 1.0)
    radius: float = option(0.01, "a trial is a success when the endpoint ends this near", "m", 1e-4, 1.0)
    between: str = option("reset", "how the next trial gets to its start", choices=("reset", "return"))
    seed: int = option(0, "seed of the order of targets", "", 0)


@dataclass(frozen=True)
class CentreOutOptions(ReachOptions):
    """Options of centre-out reaching."""

    targets: int = option(8, "targets on the circle", "", 1, 360)
    first_angle: float = option(0.0, "angle of the first target", "deg", -360.0, 360.0)
    shuffle: bool = option(True, "each round of targets in its own random order")


class CentreOut:
    """From the centre to targets on a circle, every target once a round."""

    def __init__(self, options: CentreOutOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`. With `between: return` every second trial goes back and is not scored."""
        o = self.options
        back = o.between == "return" and trial % 2 == 1
        movement = trial // 2 if o.between == "return" else trial
        turn, place = divmod(movement, o.targets)
        order = np.arange(o.targets)
        if o.shuffle:
            order = np.random.default_rng((o.seed, turn)).permutation(o.targets)
        angle = np.deg2rad(o.first_angle) + 2 * np.pi * int(order[place]) / o.targets
        plan = _movement(o, trial, from_ns, angle, o.distance, f"target {int(order[place])}")
        if back:
            return replace(plan, start=plan.target, target=plan.start, reset=False, scored=False, label="return")
        return replace(plan, reset=o.between == "reset" or trial == 0)


@dataclass(frozen=True)
class RandomReachOptions(ReachOptions):
    """Options of random reaching."""

    nearest: float = option(0.03, "shortest distance; `distance` is the longest", "m", 0.0, 2.0)


class RandomReach:
    """From the start to a random point within reach."""

    def __init__(self, options: RandomReachOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        o = self.options
        rng = np.random.default_rng((o.seed, trial))
        return _movement(o, trial, from_ns, rng.uniform(0, 2 * np.pi), rng.uniform(o.nearest, o.distance), "random")


class Hold:
    """Stay at the start."""

    def __init__(self, options: ReachOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        return _movement(self.options, trial, from_ns, 0.0, 0.0, "hold")


def _movement(o: ReachOptions, trial: int, from_ns: int, angle: float, distance: float, label: str) -> TrialPlan:
    home = tuple(o.home) + (0.0,) * (3 - len(o.home))
    target = (home[0] + distance * float(np.cos(angle)), home[1] + distance * float(np.sin(angle)), home[2])
    caught = np.random.default_rng((o.seed, 1, trial)).random() < o.catch_rate
    return TrialPlan(
        trial, from_ns, from_ns + ns(o.trial_s), home, home if caught else target,
        None if caught else from_ns + ns(o.go_s), o.between == "reset" or trial == 0, label=label,
    )

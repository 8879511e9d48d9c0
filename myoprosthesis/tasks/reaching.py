"""Reaching: where from, where to, and when to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TrialPlan

_CATCH = 0x676F
"""Keeps these random numbers apart from those of the targets."""


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

    def __post_init__(self) -> None:
        if len(self.home) > 3:
            raise ConfigError(f"home has {len(self.home)} coordinates; there are three")
        if self.go_s >= self.trial_s:
            raise ConfigError(f"the go signal at {self.go_s} s comes after the trial's {self.trial_s} s")


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
        """See `Task.plan`."""
        return _plan(self.options, trial, from_ns, self.goal)

    def goal(self, movement: int) -> tuple[float, float, str]:
        o = self.options
        turn, place = divmod(movement, o.targets)
        order = np.arange(o.targets)
        if o.shuffle:
            order = np.random.default_rng((o.seed, turn)).permutation(o.targets)
        target = int(order[place])
        return np.deg2rad(o.first_angle) + 2 * np.pi * target / o.targets, o.distance, f"target {target}"


@dataclass(frozen=True)
class RandomReachOptions(ReachOptions):
    """Options of random reaching."""

    nearest: float = option(0.03, "shortest distance; `distance` is the longest", "m", 0.0, 2.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nearest > self.distance:
            raise ConfigError(f"nearest, {self.nearest} m, is above distance, {self.distance} m")


class RandomReach:
    """From the start to a random point within reach."""

    def __init__(self, options: RandomReachOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        return _plan(self.options, trial, from_ns, self.goal)

    def goal(self, movement: int) -> tuple[float, float, str]:
        o = self.options
        rng = np.random.default_rng((o.seed, movement))
        return rng.uniform(0, 2 * np.pi), rng.uniform(o.nearest, o.distance), "random"


class Hold:
    """Stay at the start."""

    def __init__(self, options: ReachOptions) -> None:
        self.options = options

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        return _plan(self.options, trial, from_ns, lambda movement: (0.0, 0.0, "hold"))


def _plan(o: ReachOptions, trial: int, from_ns: int, goal: Callable[[int], tuple[float, float, str]]) -> TrialPlan:
    """The trial that reaches the `goal` (angle in rad, distance in m, label) of its movement.

    With `between: return` every second trial goes back, is not scored and never a catch trial.
    """
    movement, back = divmod(trial, 2) if o.between == "return" else (trial, 0)
    angle, distance, label = goal(movement)
    home = tuple(o.home) + (0.0,) * (3 - len(o.home))
    caught = np.random.default_rng((o.seed, movement, _CATCH)).random() < o.catch_rate
    reach = np.zeros(3) if caught else distance * np.array([np.cos(angle), np.sin(angle), 0.0])
    target = tuple(float(x) for x in home + reach)
    times = (trial, from_ns, from_ns + ns(o.trial_s))
    go_ns = from_ns + ns(o.go_s)
    if back:
        return TrialPlan(*times, target, home, go_ns, reset=False, scored=False, label="return")
    reset = o.between == "reset" or trial == 0
    return TrialPlan(*times, home, target, None if caught else go_ns, reset=reset, label=label)

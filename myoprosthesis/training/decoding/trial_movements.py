"""Movements of a hand in each trial."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.decoder_controller import DecoderController
from myoprosthesis.decoders.posture_control import HOLD, OPEN, PostureControlOptions
from myoprosthesis.training.decoding.compared_session import ComparedSession
from myoprosthesis.training.decoding.comparison import DecisionCourse

Array = NDArray[np.float64]


CLOSED = "power"
"""Pose with a closure of 1; that of `OPEN` is 0."""


ARRIVED = 0.25
"""Last share of a trial, in which the hand should have arrived."""


@dataclass(frozen=True)
class TrialMovement:
    """Movement of a hand in one trial under one decoder."""

    decoder: str
    hand: str
    trial: int
    repetition: str
    label: str
    tracking_rad: float
    """RMS over joints and time of measured minus commanded."""
    closure: float
    """Mean over the last quarter of the trial of `closure`."""
    goal_rad: float
    """RMS over joints and the last quarter of measured minus the requested grip; NaN for rest and hold."""


def trial_movements(
    controller: DecoderController,
    course: DecisionCourse,
    session: ComparedSession,
    spec: EffectorSpec,
    hand: str,
    options: PostureControlOptions,
) -> list[TrialMovement]:
    """Movements by trial."""
    closures = closure(course.measured, spec)
    rows = []
    for t in session.trials:
        inside = np.flatnonzero((course.times > t.start / session.rate) & (course.times <= t.stop / session.rate))
        if not inside.size:
            continue
        late = inside[-max(1, round(ARRIVED * inside.size)) :]
        moved = options.meaning(t.label)
        goal = None if moved == HOLD or t.label == controller.rest else np.array(spec.poses[moved])
        rows.append(TrialMovement(
            controller.name, hand, t.number, t.repetition, t.label,
            _rms(course.measured[inside] - course.command[inside]), float(closures[late].mean()),
            math.nan if goal is None else _rms(course.measured[late] - goal),
        ))  # fmt: skip
    return rows


def closure_difference(
    a: DecisionCourse, b: DecisionCourse, a_spec: EffectorSpec, b_spec: EffectorSpec, session: ComparedSession
) -> Array:
    """(n_trials,) RMS over a trial's time of the difference in closure between two hands under one decoder.

    Hands differ in joints and ranges; closure is common to them. It is interpolated at the times of `a`; NaN for a
    trial without a tick.
    """
    other = np.interp(a.times, b.times, closure(b.measured, b_spec))
    difference = closure(a.measured, a_spec) - other
    out = []
    for t in session.trials:
        inside = (a.times > t.start / session.rate) & (a.times <= t.stop / session.rate)
        out.append(_rms(difference[inside]) if inside.any() else math.nan)
    return np.array(out)


def closure(posture: Array, spec: EffectorSpec) -> Array:
    """Closure (n,) of postures (n, n_joints): 0 at the open hand, 1 at the power grip, along the line between them."""
    missing = [p for p in (OPEN, CLOSED) if p not in spec.poses]
    if missing:
        raise ConfigError(
            f"effector {spec.name!r} has no pose {missing[0]!r}, and so no closure: it has "
            f"{', '.join(spec.poses) or 'none'}"
        )
    start = np.array(spec.poses[OPEN])
    path = np.array(spec.poses[CLOSED]) - start
    return np.asarray((posture - start) @ path / (path @ path))


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x))))

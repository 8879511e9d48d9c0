"""The row of the table for a finished trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.analysis.adaptation import FieldForce
from myoprosthesis.core.errors import DataError
from myoprosthesis.core.kinematics import lateral
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.sessions.folder import COLUMNS
from myoprosthesis.sessions.session import Session
from myoprosthesis.sessions.session_trials import CATCH, CHANNEL, SessionTrial, imposed_in, largest_curl
from myoprosthesis.tasks.reaching import judge


@dataclass(frozen=True)
class PlayedTrial:
    """The policy of a trial, the learner's estimate before it and its loss after it."""

    name: str
    sha256: str
    estimate_gain: float | None = None
    loss: float | None = None


def row(
    session: Session, trial: SessionTrial, record: TrialRecord, played: PlayedTrial, lost: str = ""
) -> dict[str, Any]:
    """The row of trials.csv.

    `record` has the states of the endpoint; the task judges it. A trial that is `lost`, for the reason in this
    argument, has no figures.
    """
    block, plan = session.blocks[trial.block], record.plan
    acts = imposed_in(block, plan)
    fields = acts.at("endpoint")
    planned = {
        "trial": trial.number, "block": trial.block, "block_name": block.name, "kind": trial.kind,
        "target": trial.target, "label": plan.label, "start_x": plan.start[0], "start_y": plan.start[1],
        "target_x": plan.target[0], "target_y": plan.target[1],
        "go_s": None if plan.go_ns is None else (plan.go_ns - plan.from_ns) / NS,
        "perturbation": trial.perturbation, "gain": 0.0 if trial.kind == CATCH else largest_curl(fields, plan),
        "policy": played.name, "policy_sha256": played.sha256, "estimate_gain": played.estimate_gain,
        "loss": played.loss, "samples": len(record.time_ns), "lost": lost,
    }  # fmt: skip
    if lost:
        return {c: planned.get(c) for c in COLUMNS}
    time_ns, position, velocity = record.time_ns, record.position, record.velocity
    fastest = int(np.linalg.norm(velocity, axis=1).argmax())
    slope = force = None
    if trial.kind == CHANNEL:
        # on the wall, that is minus what the wall exerts, which points to the right of the motion where it is positive
        wall = -lateral(record.load, np.zeros(3), np.subtract(plan.target, plan.start))
        force = float(wall[fastest])
        moving = time_ns >= (plan.go_ns if plan.go_ns is not None else plan.until_ns)
        if fields and not acts.at("joint") and moving.sum() > 2:  # of a load there no wall tells the share
            slope = _slope(wall, record, moving, fields)
    result = judge(record, session.reaching.radius)
    figures = {
        **result.figures,
        "success": result.success,
        "lateral_at_peak_speed_mm": float(lateral(position, plan.start, plan.target)[fastest]) * 1e3,
        "channel_slope": slope,
        "channel_force_N": force,
    }
    return {c: {**planned, **figures}[c] for c in COLUMNS}


def _slope(
    wall: NDArray[np.float64], record: TrialRecord, moving: NDArray[np.bool_], fields: Sequence[PerturbationEntry]
) -> float | None:
    """The adaptation index, each field in its own window; None where there is no lateral force to be cancelled."""
    plan = record.plan
    field = FieldForce.of(record.time_ns, record.position, record.velocity, plan.start, plan.target, fields)
    try:
        return field.index(wall, moving)
    except DataError:
        return None

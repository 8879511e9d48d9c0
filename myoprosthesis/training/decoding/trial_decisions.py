"""Decisions of a decoder in each trial."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from myoprosthesis.decoders.decoder_controller import DecoderController
from myoprosthesis.training.decoding.compared_session import ComparedSession
from myoprosthesis.training.decoding.comparison import DecisionCourse


@dataclass(frozen=True)
class TrialDecisions:
    """Decisions of a decoder in one trial, as shares of the windows that lie wholly in it."""

    decoder: str
    trial: int
    repetition: str
    label: str
    windows: int
    accuracy: float
    """The requested class has the highest score, without rejection."""
    active_error: float
    """Another class than the requested one and rest was chosen, after rejection and debounce."""
    rejection: float
    chosen: float
    """The requested class was chosen, after rejection and debounce."""
    onset_s: float
    """Signal time from the start of the trial to the first window that chooses it; NaN: none did."""


def trial_decisions(
    controller: DecoderController, course: DecisionCourse, session: ComparedSession, margin_s: float = 0.0
) -> list[TrialDecisions]:
    """Decisions by trial; a trial shorter than a window is left out."""
    names, rest = list(controller.names), controller.rest
    rows = []
    for t in session.trials:
        first = t.start + round(margin_s * session.rate)
        in_trial = [d for d in course.decisions if d.sample - controller.window >= first and d.sample <= t.stop]
        if not in_trial:
            continue
        n = len(in_trial)
        correct = [d for d in in_trial if d.choice == t.label]
        wrong = sum(d.choice not in (t.label, rest, "") for d in in_trial)
        rows.append(TrialDecisions(
            controller.name, t.number, t.repetition, t.label, n,
            sum(names[int(d.scores.argmax())] == t.label and bool(np.isfinite(d.scores).all()) for d in in_trial) / n,
            wrong / n, sum(d.rejected for d in in_trial) / n, len(correct) / n,
            (correct[0].sample - t.start) / session.rate if correct else math.nan,
        ))  # fmt: skip
    return rows

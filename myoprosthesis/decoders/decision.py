"""Decisions of a decoder: thresholds, majority vote and rejection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import isfinite
from statistics import median

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.decoders.amplitude import Amplitude
from myoprosthesis.decoders.options import CLASSIFICATION, MULTILABEL, DecoderOptions
from myoprosthesis.decoders.temperature import sharpened

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decision:
    """Decision at the end of one window.

    Attributes:
        sample: Number of samples since the start at the end of the window.
        scores: Scores (of classes, with the decoder's temperature) or values, shape (n_names,) in the order of the
            decoder's names.
        choice: Class after rejection and debounce; empty before the first one, and for multilabel and regression.
        confidence: Best score, 0 to 1.
        rejected: True if the confidence is too low or the novelty too high.
        speed: 0 to 1, grows with the amplitude of the chosen class.
        novelty: Distance from the features of the fit.
        drifting: True if the median novelty is too high.
    """

    sample: int
    scores: Array
    choice: str
    confidence: float
    rejected: bool
    speed: float
    novelty: float
    drifting: bool


class DecisionPostprocessor:
    """Makes decisions from scores: rejection, debounce, speed and drift."""

    def __init__(
        self, settings: DecoderOptions, names: tuple[str, ...], dt: float, amplitude: Amplitude | None
    ) -> None:
        """`dt`: period of the decisions, s; `amplitude`: what scales the speed; None: nothing does."""
        self.settings, self.names = settings, names
        self._amplitude = amplitude
        self._recent_novelty: deque[float] = deque(maxlen=max(1, round(settings.drift_s / dt)))
        self.reset()

    def reset(self) -> None:
        """Start without a chosen class and without a past novelty."""
        self._recent_novelty.clear()
        self._choice, self._candidate, self._count = self.settings.rest, "", 0

    def decide(self, sample: int, features: Array, action: Array) -> Decision:
        """The decision of one window from its features (n_features,) and the graph's action (n_names + 1,).

        An action that is not finite is rejected and does not count for drift.
        """
        s, scores, novelty = self.settings, action[:-1], float(action[-1])
        finite = bool(np.isfinite(action).all())
        if finite:
            self._recent_novelty.append(novelty)
        full = len(self._recent_novelty) == self._recent_novelty.maxlen
        drifting = bool(s.drift_beyond and full and median(self._recent_novelty) > s.drift_beyond)
        too_novel = not finite or bool(s.reject_beyond and novelty > s.reject_beyond)
        if s.task != CLASSIFICATION:
            confidence = float(np.abs(scores - 0.5).min() + 0.5) if s.task == MULTILABEL else 1.0
            return Decision(sample, scores, "", confidence, too_novel, 1.0, novelty, drifting)
        scores = sharpened(scores, s.temperature) if finite else scores
        best = int(scores.argmax())
        confidence = float(scores[best])
        rejected = too_novel or confidence < s.reject_below
        if not rejected:
            self._count = self._count + 1 if self.names[best] == self._candidate else 1
            self._candidate = self.names[best]
            if self._count >= s.debounce:
                self._choice = self._candidate
        else:
            self._candidate, self._count = "", 0
        choice = s.rest if rejected else self._choice
        return Decision(sample, scores, choice, confidence, rejected, self._speed(choice, features), novelty, drifting)

    def _speed(self, choice: str, features: Array) -> float:
        if not choice or choice == self.settings.rest:
            return 0.0
        if choice not in self.settings.amplitude or self._amplitude is None:
            return 1.0
        low, high = self.settings.amplitude[choice]
        share = (float(self._amplitude(features[None])[0]) - low) / (high - low)
        return min(max(share, 0.0), 1.0) if isfinite(share) else 0.0  # a clipped infinity would be full speed

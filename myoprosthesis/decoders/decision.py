"""Decisions of a decoder: thresholds, majority vote and rejection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import bounded
from myoprosthesis.decoders.options import DecoderOptions

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decision:
    """What is decided at the end of one window.

    `scores` (or values) in the order of the decoder's `names`; `choice` is the class after rejection and debounce,
    empty where nothing can be said (and for switches and values); `speed` 0..1 grows with the amplitude of the class
    chosen; `novelty` is the distance from what was fitted, `drifting` whether its median is too large.
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
    """Makes decisions of scores: rejection, debounce, speed and drift."""

    def __init__(
        self, settings: DecoderOptions, names: tuple[str, ...], dt: float, mav_columns: NDArray[np.intp]
    ) -> None:
        """`mav_columns` are the places of the mean absolute values among the features."""
        self.settings, self.names = settings, names
        self._loudness = mav_columns
        self._past: deque[float] = deque(maxlen=max(1, round(settings.drift_s / dt)))
        self.reset()

    def reset(self) -> None:
        """Nothing is chosen yet, nothing known about drift."""
        self._past.clear()
        self._choice, self._candidate, self._count = self.settings.rest, "", 0

    def decide(self, sample: int, features: Array, action: Array) -> Decision:
        """The decision of one window from its features (n_features,) and the graph's action (n_names + 1,); an action
        that is not finite is rejected, and says nothing about drift."""
        s, scores, novelty = self.settings, action[:-1], float(action[-1])
        finite = bool(np.isfinite(action).all())
        if finite:
            self._past.append(novelty)
        full = len(self._past) == self._past.maxlen
        drifting = bool(s.drift_beyond and full and float(np.median(self._past)) > s.drift_beyond)
        far = not finite or bool(s.reject_beyond and novelty > s.reject_beyond)
        if s.task != "classes":
            confidence = float(np.abs(scores - 0.5).min() + 0.5) if s.task == "switches" else 1.0
            return Decision(sample, scores, "", confidence, far, 1.0, novelty, drifting)
        best = int(scores.argmax())
        confidence = float(scores[best])
        rejected = far or confidence < s.reject_below
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
        if choice not in self.settings.amplitude:
            return 1.0
        low, high = self.settings.amplitude[choice]
        mav_columns = (features[self._loudness].mean() - low) / (high - low)
        return float(np.nan_to_num(bounded(mav_columns, 0.0, 1.0), nan=0.0))

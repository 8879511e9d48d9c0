"""A decoder at work: conditioned EMG in, decisions out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import bounded
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.options import build, option
from myoprosthesis.decoders.features import FeatureStream
from myoprosthesis.decoders.network import NOVELTY

Array = NDArray[np.float64]
TASKS = ("classes", "switches", "values")


@dataclass(frozen=True)
class Decoding:
    """How features are cut from conditioned EMG, and what is made of the scores; part of a decoder's contract."""

    task: str = option("classes", "classes: one of several; switches: several, on or off; values", choices=TASKS)
    window_s: float = option(0.2, "window of the features", "s", 1e-3, 10.0)
    dead_zone: float = option(0.0, "smallest step that counts as a crossing or a turn, in the unit", low=0.0)
    rest: str = option("", "the class that is no movement; empty: none is")
    reject_below: float = option(0.0, "a best score below this is rejected", "", 0.0, 1.0)
    reject_beyond: float = option(0.0, "a distance from what was fitted beyond this is rejected; 0: never", low=0.0)
    debounce: int = option(1, "a new class counts after so many decisions in a row", low=1, high=100)
    drift_beyond: float = option(0.0, "a median distance beyond this is drift; 0: never", low=0.0)
    drift_s: float = option(2.0, "so long a past has the median", "s", 0.1, 600.0)
    amplitude: dict[str, tuple[float, float]] = option({}, "mean absolute value at speed 0 and 1 by class, in the unit")


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


class Model(Protocol):
    """What runs a decoder's graph: any policy."""

    contract: Contract

    def step(self, observation: NDArray[np.float32]) -> Array:
        """Action for an observation."""
        ...

    def reset(self) -> None:
        """Recurrent state as at the start."""
        ...


class Decider:
    """Makes decisions of scores: rejection, debounce, speed and drift."""

    def __init__(self, settings: Decoding, names: tuple[str, ...], dt: float, loudness: NDArray[np.intp]) -> None:
        """`loudness` are the places of the mean absolute values among the features."""
        self.settings, self.names = settings, names
        self._loudness = loudness
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
        loudness = (features[self._loudness].mean() - low) / (high - low)
        return float(np.nan_to_num(bounded(loudness, 0.0, 1.0), nan=0.0))


class Decoder:
    """Conditioned EMG in, decisions out, for any way to cut the stream."""

    def __init__(self, model: Model) -> None:
        contract = self.contract = model.contract
        if not contract.conditioning or contract.action.names[-1] != NOVELTY:
            raise ContractError(f"policy {contract.name!r} is no decoder: fit one with myoprosthesis decode fit")
        try:
            settings = build(Decoding, contract.decoding, f"decoder {contract.name!r}")
            features = tuple(t.name for t in contract.observation)
            rate = float(contract.conditioning["rate"])
            self.features = FeatureStream(
                features, contract.emg_channels, rate, settings.window_s, contract.dt, settings.dead_zone
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ContractError(f"decoder {contract.name!r} has a contract that cannot be used: {error}") from error
        if self.features.names != contract.state_channels():
            raise ContractError(f"decoder {contract.name!r} wants features in an order that this version does not make")
        self.names = contract.action.names[:-1]
        loud = np.array([k for k, n in enumerate(self.features.names) if n.endswith("/mav")], np.intp)
        if settings.amplitude and not loud.size:
            raise ContractError(f"decoder {contract.name!r} scales speed by amplitude, but sees no feature mav")
        self._model, self._decider = model, Decider(settings, self.names, contract.dt, loud)

    @property
    def settings(self) -> Decoding:
        """How decisions are made."""
        return self._decider.settings

    def reset(self) -> None:
        """Forget the past, the recurrent state of the model included."""
        self._model.reset()
        self.features.reset()
        self._decider.reset()

    def feed(self, filtered: Array) -> list[Decision]:
        """The decisions that the next samples bring, (n, n_channels) in the order of `contract.emg_channels`."""
        ends, rows = self.features.feed(filtered)
        return [
            self._decider.decide(int(end), row, self._act(_single(row)))
            for end, row in zip(ends, rows, strict=True)
        ]

    def _act(self, row: NDArray[np.float32]) -> Array:
        """What the model says; features that are not finite get no answer. The model never sees them: ONNX clips NaN
        to a bound, and a memory would keep it."""
        return self._model.step(row) if np.isfinite(row).all() else np.full(len(self.names) + 1, np.nan)


def _single(row: Array) -> NDArray[np.float32]:
    """Features as the model takes them; infinite where single precision ends."""
    with np.errstate(over="ignore"):
        return row.astype(np.float32)

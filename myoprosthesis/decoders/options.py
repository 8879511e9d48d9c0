"""Options of a decoder: task, window and how decisions are made from scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from myoprosthesis.core.errors import unknown
from myoprosthesis.core.options import option
from myoprosthesis.decoders.band_placement import BandPlacement

CLASSIFICATION, MULTILABEL, REGRESSION = "classification", "multilabel", "regression"
TASKS = (CLASSIFICATION, MULTILABEL, REGRESSION)
JUDGED_AFTER_S = 0.5
"""Decisions so soon after a change of prompt are not judged: a person needs time, and a window looks back."""
OLD_TASKS = {"classes": CLASSIFICATION, "switches": MULTILABEL, "values": REGRESSION}
"""Words of contracts, files and model kinds before 0.2, which are still read."""


def task_of(word: str) -> str:
    """The task that `word`, new or old, stands for; raises `ConfigError`."""
    task = OLD_TASKS.get(word, word)
    if task not in TASKS:
        raise unknown("task", word, TASKS)
    return task


def word_of(task: str, words: Iterable[str]) -> str:
    """The word, new or old, by which a model kind names `task` among its own `words`; empty: it does not have it."""
    return next((word for word in words if OLD_TASKS.get(word, word) == task), "")


@dataclass(frozen=True)
class DecoderOptions:
    """Window of the features and rules of the decisions; part of a decoder's contract."""

    task: str = option(
        CLASSIFICATION, "classification: one of several classes; multilabel: several, on or off; regression: values"
    )
    window_s: float = option(0.2, "window of the features", "s", 1e-3, 10.0)
    dead_zone: float = option(0.0, "smallest step that counts as a crossing or a turn, in the unit", low=0.0)
    rest: str = option("", "the class that is no movement; empty: none is")
    temperature: float = option(
        1.0, "of the scores of classes, by which a confidence is the share that is right: scores to the power 1/T", "",
        0.01, 100.0,
    )  # fmt: skip
    reject_below: float = option(0.0, "a best score below this is rejected", "", 0.0, 1.0)
    reject_beyond: float = option(0.0, "a distance from the fit beyond this is rejected; 0: never", low=0.0)
    debounce: int = option(1, "decisions in a row after which a new class counts", low=1, high=100)
    drift_beyond: float = option(0.0, "a median distance beyond this is drift; 0: never", low=0.0)
    drift_s: float = option(2.0, "window of that median", "s", 0.1, 600.0)
    amplitude: dict[str, tuple[float, float]] = option({}, "mean absolute value at speed 0 and 1 by class, in the unit")
    class_shares: dict[str, float] = option({}, "share of each class in the windows of the fit; empty: not known")
    repetition_spread: dict[str, float] = option(
        {}, "square distance of class means of repetitions, by the number of windows of each; empty: not known"
    )
    band_turn: float = option(0.0, "the band is turned by this many electrodes, which is undone before the features")
    band_reversed: bool = option(False, "the band is worn the other way round, which is undone before the turn")

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", task_of(self.task))

    @property
    def placement(self) -> BandPlacement:
        """How the band sits compared with the fit."""
        return BandPlacement(self.band_turn, self.band_reversed)

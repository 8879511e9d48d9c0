"""A training run: stages, progress, checkpoints and reviews around an algorithm; interruptible after any update."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import yaml

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.training import checkpoint

CHECKPOINT, HISTORY, SETTINGS = "checkpoint.pt", "loss.csv", "training.yaml"


class TrainingStage(Protocol):
    """When a stage of a curriculum is left; what is trained in it belongs to the algorithm."""

    @property
    def name(self) -> str:
        """Name of the stage."""
        ...

    @property
    def batches(self) -> int:
        """Most updates in this stage, all visits together."""
        ...

    @property
    def least_batches(self) -> int:
        """Fewest updates of a visit."""
        ...


S_contra = TypeVar("S_contra", bound=TrainingStage, contravariant=True)


class Algorithm(Protocol[S_contra]):
    """What changes a policy. It draws all random numbers from its own state, so that a run can be resumed."""

    def update(self, stage: S_contra, share: float) -> dict[str, float]:
        """Change the policy once.

        Args:
            stage: The stage of the curriculum.
            share: Part of the stage's updates that are done, from 0 to 1.

        Returns:
            The loss and its terms, by name.

        Raises:
            ConfigError: The update is not finite.
        """
        ...

    def evaluate(self, stage: S_contra) -> dict[str, float]:
        """Measure the policy without changing anything.

        Returns:
            Figures by name; `score` decides when a stage is left and which policy is the best.
        """
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data; a run is resumed with the same settings only."""
        ...

    def weights(self) -> dict[str, Any]:
        """A copy of the policy's weights."""
        ...

    def load_weights(self, weights: dict[str, Any]) -> None:
        """Put weights from `weights` in place of the policy's."""
        ...

    def state(self) -> dict[str, Any]:
        """Weights, optimiser and random numbers: tensors and plain data, from which the next update is the same."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned; further keys are ignored."""
        ...


A = TypeVar("A", bound=Algorithm[Any])


@dataclass
class Progress:
    """Where a run is; saved with the weights."""

    stage: int = 0
    batch: int = 0
    """Updates in this visit of the stage."""
    total: int = 0
    spent: dict[str, int] = field(default_factory=dict)
    """Updates in each stage by name, all visits together."""
    history: list[dict[str, Any]] = field(default_factory=list)
    highest: int = 0
    """The highest stage that was evaluated."""
    best: float = math.inf
    """Best score of an evaluation in that stage; infinite before the first one."""
    since_best: int = 0
    """Evaluations in that stage since that one."""
    unreached: str = ""
    """The stage in which the run ended because its updates were spent before its score was reached."""


class StageRule(Protocol):
    """Which stage follows an evaluation."""

    def next_stage(self, progress: Progress, stages: Sequence[Any], score: float) -> int:
        """Index of the stage to go on with; that of the present one to stay, `len(stages)` to end the run."""
        ...


@dataclass(frozen=True)
class LeaveBelow:
    """Forwards only: a stage is left below its score `leave_below_mm` (0: never) or when its updates are spent."""

    patience: int = 0
    """The last stage ends after this many evaluations without a better score; 0: never."""

    def next_stage(self, progress: Progress, stages: Sequence[Any], score: float) -> int:
        """See `StageRule.next_stage`."""
        p, stage = progress, stages[progress.stage]
        enough = p.batch >= stage.least_batches
        reached = enough and stage.leave_below_mm > 0 and score < stage.leave_below_mm
        stale = enough and p.stage == len(stages) - 1 and 0 < self.patience <= p.since_best
        return p.stage + (reached or stale or p.spent[stage.name] >= stage.batches)


class Trainer(Generic[A]):
    """Trains an algorithm through its stages; what it does is the same whether or not it is interrupted."""

    def __init__(
        self,
        algorithm: A,
        stages: Sequence[TrainingStage],
        folder: Path,
        evaluate_every: int = 50,
        rule: StageRule = LeaveBelow(),
        higher_is_better: bool = False,
        save_every_s: float = 0.0,
        history: str = HISTORY,
    ) -> None:
        """Prepare a run; nothing is written yet.

        Args:
            algorithm: What changes the policy.
            stages: The stages of the curriculum, in order.
            folder: Where checkpoint, history and settings are written.
            evaluate_every: Updates between two evaluations.
            rule: When a stage is left, and for which.
            higher_is_better: Of two scores; else the lower one is.
            save_every_s: A review writes a checkpoint once the last one is this old, and whenever a stage is left.
            history: Name of the file of the history.
        """
        self.algorithm, self.stages, self.folder = algorithm, tuple(stages), folder
        self.evaluate_every, self.rule, self.save_every_s, self._history = evaluate_every, rule, save_every_s, history
        self._sign = -1.0 if higher_is_better else 1.0
        self._saved = time.monotonic()
        self.progress = Progress(best=self._sign * math.inf)
        self.best_weights = algorithm.weights()

    def digest(self) -> str:
        """SHA-256 of the algorithm's settings."""
        return hashlib.sha256(yaml.safe_dump(self.algorithm.settings(), sort_keys=True).encode()).hexdigest()

    @property
    def stage(self) -> TrainingStage:
        """The stage being trained; the last one when the run is over."""
        return self.stages[min(self.progress.stage, len(self.stages) - 1)]

    @property
    def done(self) -> bool:
        """True when the last stage has been left."""
        return self.progress.stage >= len(self.stages)

    def start_from(self, weights: dict[str, Any]) -> None:
        """Begin with these weights; raises `ConfigError` when they are of another kind of policy."""
        self.algorithm.load_weights(weights)
        self.best_weights = self.algorithm.weights()

    def update(self) -> dict[str, float]:
        """One update; returns the loss and its terms."""
        metrics = self.algorithm.update(self.stage, self.progress.batch / self.stage.batches)
        p = self.progress
        p.spent[self.stage.name] = p.spent.get(self.stage.name, 0) + 1
        p.batch += 1
        p.total += 1
        return metrics

    def evaluate(self) -> dict[str, float]:
        """The figures of the algorithm's evaluation in this stage."""
        return self.algorithm.evaluate(self.stage)

    def review(self, metrics: dict[str, float], seconds: float) -> dict[str, Any]:
        """Evaluate, write the history and the checkpoint, and go to the next stage when this one is to be left.

        Args:
            metrics: Means of the loss and its terms since the last review.
            seconds: Wall time of the run so far.

        Returns:
            The new row of the history.
        """
        p, stage = self.progress, self.stage
        figures = self.evaluate()
        row = {
            "batch": p.total,
            "stage": stage.name,
            "seconds": round(seconds, 1),
            **{k: float(f"{v:.6g}") for k, v in {**metrics, **figures}.items()},
        }
        p.history.append(row)
        self._compare(figures["score"])
        following = self.rule.next_stage(p, self.stages, figures["score"])
        left = following != p.stage
        if left:
            p.stage, p.batch = following, 0
        if left or time.monotonic() - self._saved >= self.save_every_s:
            self.save()
        return row

    def _compare(self, score: float) -> None:
        """Keep the weights if their score is the best of the highest stage."""
        p = self.progress
        if p.stage < p.highest:
            return
        if p.stage > p.highest:
            p.highest, p.best, p.since_best = p.stage, self._sign * math.inf, 0
        p.since_best += 1
        if self._sign * score < self._sign * p.best:
            p.best, p.since_best, self.best_weights = score, 0, self.algorithm.weights()

    def train(self, report: Callable[[Trainer[A], dict[str, float], dict[str, Any] | None], bool]) -> bool:
        """Train to the end.

        Args:
            report: Called after each update with this trainer, the mean of the loss terms since the last review, and
                after a review its row, else None; returns False to stop.

        Returns:
            True when the last stage has been left, False when it was stopped.
        """
        before, count = time.monotonic(), 0
        means: dict[str, float] = {}
        already = self.progress.history[-1]["seconds"] if self.progress.history else 0.0
        while not self.done:
            metrics, row = self.update(), None
            count += 1
            means = {k: means.get(k, 0.0) + (v - means.get(k, 0.0)) / count for k, v in metrics.items()}
            spent = self.progress.spent[self.stage.name]
            if self.progress.batch % self.evaluate_every == 0 or spent >= self.stage.batches:
                row = self.review(means, already + time.monotonic() - before)
            go_on = report(self, means, row)
            if row is not None:
                means, count = {}, 0
            if not go_on:
                self.save()
                return False
        return True

    def save(self) -> None:
        """Write checkpoint, history and settings to the folder, each whole or not at all."""
        state = {
            **self.algorithm.state(),
            "digest": self.digest(),
            "best": self.best_weights,
            "progress": dict(vars(self.progress)),
        }
        checkpoint.save(self.folder / CHECKPOINT, state)
        checkpoint.write(self.folder / self._history, table(self.progress.history))
        checkpoint.write(self.folder / SETTINGS, yaml.safe_dump(self.algorithm.settings(), sort_keys=False))
        self._saved = time.monotonic()

    def resume(self) -> None:
        """Continue the run in the folder exactly where it was left; raises `ConfigError` when the settings differ."""
        state = checkpoint.load(self.folder / CHECKPOINT)
        if state["digest"] != self.digest():
            raise ConfigError(
                f"the run in {self.folder} was made with other settings (see its {SETTINGS}); "
                "resume with those, or start again in another folder"
            )
        self.algorithm.load_state(state)
        self.best_weights = state["best"]
        self.progress = Progress(**state["progress"])
        if not self.progress.spent:  # a run of a release that did not count the updates of all visits
            self.progress.spent, self.progress.highest = {self.stage.name: self.progress.batch}, self.progress.stage

    def load_best(self) -> A:
        """The algorithm with the weights of the best evaluation of the highest stage; before one, the current ones."""
        if math.isfinite(self.progress.best):
            self.algorithm.load_weights(self.best_weights)
        return self.algorithm


def table(history: list[dict[str, Any]]) -> str:
    """The history as CSV, with the columns of all rows."""
    columns = list(dict.fromkeys(key for row in history for key in row))
    return csv_text(columns, *([row.get(key) for key in columns] for row in history)) if history else ""

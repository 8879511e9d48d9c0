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
        """Most updates in this stage."""
        ...

    @property
    def least_batches(self) -> int:
        """Fewest updates in this stage."""
        ...

    @property
    def leave_below_mm(self) -> float:
        """The stage is left once the score of an evaluation is below this; 0: never."""
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
            Figures by name; `score`, lower is better, decides when a stage is left and which policy is the best.
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
    """Updates in this stage."""
    total: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: float = math.inf
    """Lowest score of an evaluation in the last stage."""
    since_best: int = 0
    """Evaluations in the last stage since that one."""


class Trainer(Generic[A]):
    """Trains an algorithm through its stages; what it does is the same whether or not it is interrupted."""

    def __init__(
        self,
        algorithm: A,
        stages: Sequence[TrainingStage],
        folder: Path,
        evaluate_every: int = 50,
        patience: int = 0,
    ) -> None:
        """Prepare a run; nothing is written yet.

        Args:
            algorithm: What changes the policy.
            stages: The stages of the curriculum, in order.
            folder: Where checkpoint, history and settings are written.
            evaluate_every: Updates between two evaluations.
            patience: The last stage ends after this many evaluations without a better score; 0: never.
        """
        self.algorithm, self.stages, self.folder = algorithm, tuple(stages), folder
        self.evaluate_every, self.patience = evaluate_every, patience
        self.progress = Progress()
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
        self.progress.batch += 1
        self.progress.total += 1
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
        p, stage, last = self.progress, self.stage, self.progress.stage == len(self.stages) - 1
        figures = self.evaluate()
        row = {
            "batch": p.total,
            "stage": stage.name,
            "seconds": round(seconds, 1),
            **{k: float(f"{v:.6g}") for k, v in {**metrics, **figures}.items()},
        }
        p.history.append(row)
        if last:
            p.since_best += 1
            if figures["score"] < p.best:
                p.best, p.since_best, self.best_weights = figures["score"], 0, self.algorithm.weights()
        enough = p.batch >= stage.least_batches
        reached = enough and stage.leave_below_mm > 0 and figures["score"] < stage.leave_below_mm
        stale = enough and last and 0 < self.patience <= p.since_best
        if reached or stale or p.batch >= stage.batches:
            p.stage, p.batch = p.stage + 1, 0
        self.save()
        return row

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
            if self.progress.batch % self.evaluate_every == 0 or self.progress.batch >= self.stage.batches:
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
        checkpoint.write(self.folder / HISTORY, table(self.progress.history))
        checkpoint.write(self.folder / SETTINGS, yaml.safe_dump(self.algorithm.settings(), sort_keys=False))

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

    def load_best(self) -> A:
        """The algorithm with the weights of the best evaluation of the last stage; before that, the current ones."""
        if self.progress.best < math.inf:
            self.algorithm.load_weights(self.best_weights)
        return self.algorithm


def table(history: list[dict[str, Any]]) -> str:
    """The history as CSV."""
    return csv_text(history[0], *([row.get(key) for key in history[0]] for row in history)) if history else ""

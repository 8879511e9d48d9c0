"""A training run: from a curriculum and a seed to a policy, interruptible at any batch."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.kinematics import endpoint_error, lateral_deviation
from myoprosthesis.training import checkpoint
from myoprosthesis.training.gradient import loss, reach_observation, trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.rollout import Rollout
from myoprosthesis.training.gradient.torch_twin import Twin

CHECKPOINT, HISTORY, SETTINGS = "checkpoint.pt", "loss.csv", "training.yaml"


@dataclass
class Progress:
    """Where a run is; saved with the weights."""

    stage: int = 0
    batch: int = 0
    """Batches done in this stage."""
    total: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: float = math.inf
    """Lowest score of an evaluation in the last stage, mm; see `Run.evaluate`."""
    since_best: int = 0


class ReachTrainer:
    """One run; `batch()` does one update, `evaluate()` the eight-target test on the twin."""

    def __init__(
        self,
        twin: Twin,
        effector: str,
        curriculum: Curriculum,
        stages: tuple[Stage, ...],
        seed: int,
        folder: Path,
        compiled: bool = False,
        origin: str = "",
    ) -> None:
        """`origin` names the policy whose weights are loaded by `adopt`, for the record."""
        self.twin = twin.float()
        self.effector, self.curriculum, self.stages = effector, curriculum, stages
        self.seed, self.folder, self.origin = seed, folder, origin
        self.generator = torch.Generator().manual_seed(seed)
        mean, scale = reach_observation.normaliser(twin)
        self.policy = ReachPolicy(mean, scale, curriculum.hidden, len(twin.muscles.names), self.generator)
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=stages[0].learning_rate[0])
        self.rollout = Rollout(self.twin, self.policy, curriculum, compiled)
        self.progress = Progress()
        self.best_weights = self._weights()

    def settings(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data."""
        whole = {**self.curriculum.to_dict(), "stages": [s["name"] for s in self.curriculum.to_dict()["stages"]]}
        used = {s.name for s in self.stages}
        whole["stages"] = [s for s in self.curriculum.to_dict()["stages"] if s["name"] in used]
        return {"effector": self.effector, "seed": self.seed, "from": self.origin, "curriculum": whole}

    def digest(self) -> str:
        """SHA-256 of `settings`."""
        return hashlib.sha256(yaml.safe_dump(self.settings(), sort_keys=True).encode()).hexdigest()

    @property
    def stage(self) -> Stage:
        """The stage being trained; the last one when the run is over."""
        return self.stages[min(self.progress.stage, len(self.stages) - 1)]

    @property
    def done(self) -> bool:
        """True when the last stage has been left."""
        return self.progress.stage >= len(self.stages)

    def adopt(self, weights: dict[str, torch.Tensor]) -> None:
        """Start from the weights of another policy of the same shape."""
        mine = self.policy.state_dict()
        for name, value in mine.items():
            if name not in weights or weights[name].shape != value.shape:
                there = tuple(weights[name].shape) if name in weights else "nothing"
                raise ConfigError(
                    f"policy {self.origin!r} has {there} for {name!r}, this run needs "
                    f"{tuple(value.shape)}: it was trained with another effector or size of network"
                )
            if name in ("mean", "scale") and not torch.allclose(weights[name], value, rtol=1e-5):
                raise ConfigError(f"policy {self.origin!r} has another normaliser: it was trained on another effector")
        self.policy.load_state_dict(weights)
        self.best_weights = self._weights()

    def batch(self) -> dict[str, float]:
        """One update; returns the loss and its terms."""
        stage, size = self.stage, self.curriculum.batch
        drawn = trial_sampler.draw(self.twin, self.curriculum, stage, size, self.generator)
        noise = reach_observation.noise(self.twin, stage, drawn.steps, size, self.generator)
        for group in self.optimizer.param_groups:
            group["lr"] = _cosine(*stage.learning_rate, self.progress.batch / stage.batches)
        parts = loss.terms(drawn, self.rollout(drawn, noise), self.curriculum.dt)
        cost = loss.total(parts, stage.weights)
        self.optimizer.zero_grad()
        cost.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.curriculum.clip)
        if not torch.isfinite(norm):
            raise ConfigError(
                f"the gradient is not finite in stage {stage.name!r}, batch {self.progress.batch}: lower "
                "its learning_rate or its field and start anew; the last checkpoint is from before"
            )
        self.optimizer.step()
        self.progress.batch += 1
        self.progress.total += 1
        return {"loss": cost.item(), **{name: value.item() for name, value in parts.items()}}

    def evaluate(self) -> dict[str, float]:
        """Eight targets from home at the stage's longest distance in its strongest field, without noise, on the twin.

        Median endpoint error over the last 100 ms and mean lateral deviation, mm; `score` is the sum of the
        two magnitudes, by which the best policy of the last stage is chosen.
        """
        stage, size = self.stage, self.curriculum.batch
        gain = self.curriculum.field * stage.field[1]
        test = trial_sampler.centre_out(self.twin, self.curriculum, size, stage.distance[1], gain)
        # With gradients, though none are taken: the graph that is already compiled serves.
        path = self.rollout(test).position.detach().numpy().astype(float)
        error, aside = [], []
        for i in range(min(8, size)):
            start, target = test.start[:, i].numpy(), test.target[:, i].numpy()
            error.append(1e3 * endpoint_error(path[:, :, i], target, self.curriculum.dt))
            aside.append(1e3 * lateral_deviation(path[:, :, i], start, target))
        result = {
            "error_mm": float(np.median(error)),
            "lateral_mm": float(np.mean(aside)),
            "bend_mm": float(np.mean(np.abs(aside))),
        }
        return {**result, "score": result["error_mm"] + result["bend_mm"]}

    def review(self, costs: dict[str, float], seconds: float) -> dict[str, Any]:
        """Evaluate, write the history and the checkpoint, and move on to the next stage when it is time."""
        p, stage, last = self.progress, self.stage, self.progress.stage == len(self.stages) - 1
        found = self.evaluate()
        row = {
            "batch": p.total,
            "stage": stage.name,
            "seconds": round(seconds, 1),
            **{k: float(f"{v:.6g}") for k, v in {**costs, **found}.items()},
        }
        p.history.append(row)
        if last:
            p.since_best += 1
            if found["score"] < p.best:
                p.best, p.since_best, self.best_weights = found["score"], 0, self._weights()
        enough = p.batch >= stage.least_batches
        reached = enough and stage.leave_below_mm > 0 and found["score"] < stage.leave_below_mm
        stale = enough and last and 0 < self.curriculum.patience <= p.since_best
        if reached or stale or p.batch >= stage.batches:
            p.stage, p.batch = p.stage + 1, 0
        self.save()
        return row

    def train(self, report: Callable[[ReachTrainer, dict[str, float], dict[str, Any] | None], bool]) -> bool:
        """Train to the end; True when done. `report(run, costs, row)` is called after each batch with the
        running mean of the loss terms and, after an evaluation, its row; it returns False to stop."""
        before, counted = time.monotonic(), 0
        costs: dict[str, float] = {}
        already = self.progress.history[-1]["seconds"] if self.progress.history else 0.0
        while not self.done:
            new, row = self.batch(), None
            counted += 1
            costs = {k: costs.get(k, 0.0) + (v - costs.get(k, 0.0)) / counted for k, v in new.items()}
            if self.progress.batch % self.curriculum.evaluate_every == 0 or self.progress.batch >= self.stage.batches:
                row = self.review(costs, already + time.monotonic() - before)
            go_on = report(self, costs, row)
            if row is not None:
                costs, counted = {}, 0
            if not go_on:
                self.save()
                return False
        return True

    def save(self) -> None:
        """Write checkpoint, history and settings to the run's folder."""
        p = self.progress
        checkpoint.save(
            self.folder / CHECKPOINT,
            {
                "digest": self.digest(),
                "policy": self.policy.state_dict(),
                "best": self.best_weights,
                "optimizer": self.optimizer.state_dict(),
                "generator": self.generator.get_state(),
                "progress": {**vars(p)},
            },
        )
        checkpoint.write_text(self.folder / HISTORY, table(p.history))
        checkpoint.write_text(self.folder / SETTINGS, yaml.safe_dump(self.settings(), sort_keys=False))

    def resume(self) -> None:
        """Take up the run in the folder exactly where it was left; refuses when the settings differ."""
        state = checkpoint.load(self.folder / CHECKPOINT)
        if state["digest"] != self.digest():
            raise ConfigError(
                f"the run in {self.folder} was made with other settings (see its {SETTINGS}); "
                "resume with those, or start anew in another folder"
            )
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.best_weights = state["best"]
        self.progress = Progress(**state["progress"])

    def best_policy(self) -> ReachPolicy:
        """The policy with the best evaluation of the last stage; the current one before that."""
        if self.progress.best < math.inf:
            self.policy.load_state_dict(self.best_weights)
        return self.policy

    def _weights(self) -> dict[str, torch.Tensor]:
        return {k: v.detach().clone() for k, v in self.policy.state_dict().items()}


def table(history: list[dict[str, Any]]) -> str:
    """The history as CSV."""
    out = io.StringIO()
    if history:
        writer = csv.DictWriter(out, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    return out.getvalue()


def _cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

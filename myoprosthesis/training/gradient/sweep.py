"""The same training at several batch sizes and seeds: a grid of runs, each kept, and what they have in common.

A cell is one batch size and one seed. Every cell makes at least `updates` updates, or sees at least
`samples` trials; with both, both comparisons end where they are to. A cell is evaluated, and its checkpoint written, at
fixed updates; an interrupted cell continues from there and ends with the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.training.gradient.curriculum import Curriculum
from myoprosthesis.training.gradient.reach_gradient import ReachGradient
from myoprosthesis.training.trainer import CHECKPOINT, Trainer

COLUMNS = ("batch", "seed", "updates", "samples", "loss", "error_mm", "lateral_mm", "bend_mm", "score")
EARLY = (1, 2, 5, 10)
"""Evaluations before the first regular one, and again where only few updates are made."""
Row = dict[str, float]
Report = Callable[[int, int, int, "Row | None"], bool]
"""Called with batch size, seed, updates made and the row of an evaluation; False stops."""


@dataclass(frozen=True)
class SweepOptions:
    """Which cells, and how long."""

    batches: tuple[int, ...] = option((8, 16, 32, 64, 128, 256, 512, 1024), "trials in a batch", "", 1, 65536)
    seeds: int = option(3, "seeds 0 … n − 1", "", 1, 1000)
    updates: int = option(0, "updates of every cell; 0: as the samples say", "", 0, 10_000_000)
    samples: int = option(0, "trials that every cell sees; 0: as the updates say", "", 0, 1_000_000_000)

    def __post_init__(self) -> None:
        if not self.batches or len(set(self.batches)) < len(self.batches):
            raise ConfigError(f"batches: different sizes are needed, got {', '.join(map(str, self.batches)) or 'none'}")
        if not (self.updates or self.samples):
            raise ConfigError("the length is missing: give updates, samples or both")

    @property
    def common_updates(self) -> int:
        """Updates at which all cells are compared."""
        return self.updates or min(self.length(b) for b in self.batches)

    @property
    def common_samples(self) -> int:
        """Samples at which all cells are compared."""
        return self.samples or min(b * self.length(b) for b in self.batches)

    def length(self, batch: int) -> int:
        """Updates that a cell of this batch size makes."""
        return max(self.updates, math.ceil(self.samples / batch))

    def evaluations(self, batch: int, every: int) -> list[int]:
        """Updates after which such a cell is evaluated: some early ones, each `every`-th, those of the comparisons."""
        end = self.length(batch)
        wanted = {0, *EARLY, *range(every, end, every), end, self.common_updates, self.common_samples // batch}
        return sorted(u for u in wanted if u <= end)

    def cells(self) -> Iterator[tuple[int, int]]:
        """Batch sizes and seeds; sizes outside, so that what was compiled for one serves all of its seeds."""
        for batch in sorted(self.batches):
            for seed in range(self.seeds):
                yield batch, seed


def check(curriculum: Curriculum) -> None:
    """Refuses a curriculum that gives no comparison: several stages, or a learning rate that changes."""
    stages = curriculum.select()
    if len(stages) != 1:
        names = ", ".join(s.name for s in stages)
        raise ConfigError(f"a sweep trains one stage, curriculum {curriculum.name!r} has {len(stages)}: {names}")
    first, last = stages[0].learning_rate
    if first != last:
        raise ConfigError(
            f"learning_rate of stage {stages[0].name!r} goes from {first:g} to {last:g}, so that a short course is not "
            f"the beginning of a long one and nothing can be compared: give [{first:g}, {first:g}]"
        )


def sweep(
    make: Callable[[int, int, Path], Trainer[ReachGradient]], options: SweepOptions, folder: Path, report: Report
) -> list[Row] | None:
    """Train every cell to its end, each in its folder below `folder`; rows of all evaluations, None when stopped.

    `make(batch, seed, folder)` gives a new run. `report(batch, seed, updates, row)` is called at the beginning of a
    cell and after each update, with a row after an evaluation; it returns False to stop.
    """
    rows: list[Row] = []
    for batch, seed in options.cells():
        run = make(batch, seed, folder / f"batch_{batch:05d}_seed_{seed}")
        if not _cell(run, batch, seed, options, report):
            return None
        wanted = set(options.evaluations(batch, run.evaluate_every))
        rows += [{"batch": batch, "seed": seed, **row} for row in run.progress.history if row["updates"] in wanted]
    return rows


def _cell(run: Trainer[ReachGradient], batch: int, seed: int, options: SweepOptions, report: Report) -> bool:
    if (run.folder / CHECKPOINT).exists():
        run.resume()
    if not report(batch, seed, run.progress.total, None):
        return False
    done = {row["updates"] for row in run.progress.history}
    ends = options.evaluations(batch, run.evaluate_every)
    if done and not {e for e in ends if e <= run.progress.total} <= done:
        raise ConfigError(
            f"the cell in {run.folder} was evaluated elsewhere than at {', '.join(map(str, ends[:6]))} …: "
            "the lengths differ; start again in another folder"
        )
    for end in ends:
        if end in done:
            continue
        losses = []
        while run.progress.total < end:
            losses.append(run.update()["loss"])
            if run.progress.total < end and not report(batch, seed, run.progress.total, None):
                return False
        figures = run.evaluate()
        row: Row = {"updates": end, "samples": end * batch, "loss": float(np.mean(losses)) if losses else math.nan}
        row.update(figures)
        run.progress.history.append(row)
        run.save()
        if not report(batch, seed, end, row):
            return False
    return True


def table(rows: list[Row]) -> str:
    """The rows as CSV; an empty cell where nothing was measured."""
    lines = [",".join(COLUMNS)]
    for row in rows:
        lines.append(",".join("" if math.isnan(row[c]) else f"{row[c]:.9g}" for c in COLUMNS))
    return "\n".join(lines) + "\n"


def curves(rows: list[Row], measure: str = "error_mm") -> dict[int, dict[str, Any]]:
    """By batch size: `updates`, `samples`, and the `median`, `low` and `high` of a measure over seeds."""
    by_batch = {}
    for batch in sorted({int(r["batch"]) for r in rows}):
        mine = [r for r in rows if r["batch"] == batch]
        at = sorted({int(r["updates"]) for r in mine})
        values = [[r[measure] for r in mine if r["updates"] == u] for u in at]
        by_batch[batch] = {
            "updates": at, "samples": [u * batch for u in at], "median": [float(np.median(v)) for v in values],
            "low": [float(min(v)) for v in values], "high": [float(max(v)) for v in values],
        }  # fmt: skip
    return by_batch


def comparisons(rows: list[Row], options: SweepOptions, measure: str = "error_mm") -> dict[str, Any]:
    """What each batch size has reached after equally many updates and after (nearly) equally many samples.

    `low` and `high` are the lowest and highest of the seeds. With samples that are no multiple of a batch size, that
    size is taken at its last update within them.
    """

    def at(batch: int, updates: int) -> dict[str, Any]:
        values = [r[measure] for r in rows if r["batch"] == batch and r["updates"] == updates]
        return {
            "batch": batch, "updates": updates, "samples": batch * updates, "seeds": values,
            "median": float(np.median(values)), "low": float(min(values)), "high": float(max(values)),
        }  # fmt: skip

    batches = sorted(options.batches)
    return {
        "measure": measure,
        "equal_updates": [at(b, options.common_updates) for b in batches],
        "equal_samples": [at(b, options.common_samples // b) for b in batches],
    }

"""`myoprosthesis evaluate`: how well a policy does a task with a score, over trials that it was not trained on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.extras import library

NOISE = "noise"


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(JsonArgument):
    """Options of `evaluate`."""

    policy: str = argument(help="a name, or the path of a policy.onnx", positional=True)
    episodes: int = argument(100, "trials", low=1)
    noise: float | None = argument(None, "of the start, where the task has one; by default the task's", low=0.0)
    seed: int = argument(1000, "of what the trials draw; those of training are drawn otherwise", low=0)
    task: str = argument("", "the task; by default that of the policy's effector")
    option: tuple[str, ...] = argument((), "an option of the task; may be repeated", repeat=True, metavar="NAME=VALUE")
    threads: int = argument(0, "for the simulations; 0: one for each processor", low=0)
    quiet: bool = argument(False, "no progress bar")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "evaluate", run, ScoreOptions, help="the score of a policy, over many trials at once",
        description="Plays trials of a task with a score, all at once and without ROS; a stack in lockstep plays the "
        "same ones state for state.",
    )  # fmt: skip


def run(options: ScoreOptions) -> int:
    """Play, judge, and print the means."""
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.files import yaml_text
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    check_writable(options.json)
    library("gymnasium", "train", "playing many trials at once")
    from myoprosthesis.envs.played_trials import played

    task_options = {**yaml_text.assigned(options.option, "--option"), "seed": options.seed}
    if options.noise is not None:
        task_options[NOISE] = options.noise
    path = store.find(options.policy)
    with Progress(console=Console(stderr=True), disable=options.quiet or not sys.stderr.isatty()) as bar:
        doing = bar.add_task("playing", total=1.0)
        results = played(
            OnnxPolicy(path), range(options.episodes), options.task, task_options, options.threads,
            lambda share: bar.update(doing, completed=share),
        )  # fmt: skip
    rows = [result.figures for result in results]
    figures: dict[str, Any] = {}
    spread: dict[str, dict[str, float]] = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows if row[name] is not None], float)
        figures[name] = float(np.mean(values)) if values.size else None
        if values.size:
            spread[name] = {"median": float(np.median(values)), "p95": float(np.percentile(values, 95))}
    scores = np.array([row["score"] for row in rows], float)
    figures |= {
        "score_sd": float(scores.std()), "episodes": len(rows), "noise": task_options.get(NOISE, 0.0),
        "seed": options.seed, "success": float(np.mean([result.success is True for result in results])),
    }  # fmt: skip
    table = FigureTable(
        "figure", "mean", "median", "p95", title=f"{Path(options.policy).stem or options.policy}, {len(rows)} trials"
    )
    for name, value in figures.items():
        shown = (value, *spread.get(name, {"median": None, "p95": None}).values())
        table.add_row(name, *("–" if x is None else f"{x:.4g}" for x in shown))
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    write_json(options.json, {**figures, "over_trials": spread})
    return 0

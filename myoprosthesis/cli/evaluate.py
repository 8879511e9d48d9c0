"""`myoprosthesis evaluate`: how well a policy does a task with a score, over trials that it was not trained on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library

if TYPE_CHECKING:
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

NOISE, PUSHES = "noise", "push_ns_by_direction"
PUSHED = 20
"""Trials in which each push is tried."""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(JsonArgument):
    """Options of `evaluate`."""

    policy: str = argument(help="a name, or the path of a policy.onnx", positional=True)
    episodes: int = argument(100, "trials", low=1)
    noise: float | None = argument(None, "of the start, where the task has one; by default the task's", low=0.0)
    seed: int = argument(1000, "of what the trials draw; those of training are drawn otherwise", low=0)
    task: str = argument("", "the task; by default that of the policy's effector")
    option: tuple[str, ...] = argument((), "an option of the task; may be repeated", repeat=True, metavar="NAME=VALUE")
    perturbation: str = argument("null", "what is imposed in each trial: a preset, a kind, or the path of a YAML file")
    motion: str = argument(
        "", "the movement to follow: a clip, or a file that `motion import` takes; at its own speed", metavar="FILE"
    )
    push: bool = argument(False, "also find the largest push at the pelvis that is survived in 90 %, by direction")
    picture: str = argument("", "draw these pushes into a PNG", metavar="FILE")
    ros: bool = argument(False, "play them one after the other in a stack in lockstep, instead of all at once")
    record: bool = argument(
        False, "write the figures, and the skill that --option asks for, into the policy's contract and card"
    )
    threads: int = argument(0, "for the simulations; 0: one for each processor", low=0)
    quiet: bool = argument(False, "no progress bar")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "evaluate", run, ScoreOptions, help="the score of a policy, over many trials at once",
        description="Plays trials of a task with a score, all at once and without ROS; with --ros a stack in lockstep "
        "plays the same ones state for state.",
    )  # fmt: skip


def run(options: ScoreOptions) -> int:
    """Play, judge, and print the means."""
    from rich.console import Console
    from rich.progress import Progress

    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.files import yaml_text
    from myoprosthesis.motion.followed import followed
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    _check(options)
    asked = yaml_text.assigned(options.option, "--option")
    task_options = {**asked, "seed": options.seed}
    if options.noise is not None:
        task_options[NOISE] = options.noise
    policy = OnnxPolicy(store.find(options.policy))
    quiet = options.quiet or not sys.stderr.isatty()
    with ExitStack() as made, Progress(console=Console(stderr=True), disable=quiet) as bar:
        motion = made.enter_context(followed(options.motion)) if options.motion else None
        if motion:
            task_options = {"speed": (motion.speed, motion.speed), **task_options, "clips": (motion.name,)}
        doing = bar.add_task("playing", total=1.0)
        figures = score(
            policy, options.episodes, task_options, options.task, options.perturbation, options.ros, options.threads,
            lambda share: bar.update(doing, completed=share),
        )  # fmt: skip
        if motion:
            figures |= {"motion": options.motion, "motion_sha256": motion.sha256}
        if options.push:
            pushing = bar.add_task("pushing", total=1.0)
            figures |= _pushed(policy, options, task_options, lambda share: bar.update(pushing, completed=share))
    title, spread = f"{Path(options.policy).stem or options.policy}, {options.episodes} trials", figures["over_trials"]
    table = FigureTable("figure", "mean", "median", "p95", title=title)
    for name, value in figures.items():
        if name not in ("over_trials", PUSHES):
            shown = (value, *spread.get(name, {"median": None, "p95": None}).values())
            table.add_row(name, *("–" if x is None else x if isinstance(x, str) else f"{x:.4g}" for x in shown))
    table_console().print(table)
    write_json(options.json, figures)
    if options.record:
        from myoprosthesis.core import registry
        from myoprosthesis.envs.played_trials import task_of
        from myoprosthesis.policies import score_record

        task = registry.factory("tasks", options.task or task_of(policy.contract))
        skill = {name: value for name, value in asked.items() if name in getattr(task, "skills", ())}
        kept = {name: value for name, value in figures.items() if name not in ("over_trials", PUSHES)}
        contract = score_record.record(policy.path, kept, asked, skill)
        made_for = ", ".join(f"{name} {value}" for name, value in contract.task_options.items())
        print(f"recorded in {policy.path}" + (f", a policy for {made_for}" if made_for else ""))
    return 0


def _check(options: ScoreOptions) -> None:
    """Refuse what does not go together before anything is played."""
    check_writable(options.json)
    check_writable(options.picture, "--picture")
    if options.picture and not options.push:
        raise ConfigError("--picture draws the pushes of --push: give both")
    if options.push and options.perturbation != "null":
        raise ConfigError("--push pushes by itself: without --perturbation")
    if options.motion and options.record:
        raise ConfigError("--record writes the score of a policy's own movements into its contract: without --motion")


def _pushed(
    policy: OnnxPolicy, options: ScoreOptions, task_options: Mapping[str, Any], progress: Callable[[float], object]
) -> dict[str, Any]:
    """The largest push, the direction in which it is, and all of them; drawn where a picture is wanted."""
    from myoprosthesis.envs.push_limits import push_limits

    limits = push_limits(policy, range(PUSHED), options.task, task_options, threads=options.threads, progress=progress)
    if options.picture:
        from myoprosthesis.cli.push_picture import draw
        from myoprosthesis.files.atomic import write_atomic

        write_atomic(Path(options.picture).expanduser(), draw(Path(options.policy).stem, limits))
    direction, impulse = limits.worst
    by_direction = {f"{d:g}": ns for d, ns in zip(limits.directions_deg, limits.impulse_ns, strict=True)}
    return {"largest_push_ns": impulse, "worst_push_deg": direction, PUSHES: by_direction}


def score(
    policy: OnnxPolicy,
    episodes: int,
    task_options: Mapping[str, Any],
    task: str = "",
    perturbation: str = "null",
    ros: bool = False,
    threads: int = 0,
    progress: Callable[[float], object] = lambda share: None,
) -> dict[str, Any]:
    """Means of a task's figures over the trials 0 to `episodes` − 1, and under which options they were played."""
    library("gymnasium", "train", "playing many trials at once")
    from myoprosthesis.envs.played_trials import played, task_of

    name = task or task_of(policy.contract)
    if ros:
        from myoprosthesis.stack.stack_trials import played_in_stack
        from myoprosthesis.stack.trial_outcome import COLUMNS

        table = played_in_stack(policy, name, episodes, task_options, perturbation, progress)
        rows = [{k: v for k, v in row.items() if k == "success" or k not in COLUMNS} for row in table]
    else:
        results = played(policy, range(episodes), name, task_options, threads, progress, perturbation=perturbation)
        rows = [{**result.figures, "success": result.success} for result in results]
    return {
        **means(rows), "episodes": episodes, "noise": float(task_options.get(NOISE, 0.0)),
        "seed": int(task_options.get("seed", 0)), "perturbation": perturbation,
    }  # fmt: skip


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of the figures, each of the trials that have it; `over_trials` says how they spread."""
    import numpy as np

    figures: dict[str, Any] = {}
    spread: dict[str, dict[str, float]] = {}
    for name in sorted({name for row in rows for name in row} - {"success"}):
        values = np.array([row[name] for row in rows if row.get(name) is not None], float)
        figures[name] = float(np.mean(values)) if values.size else None
        if values.size:
            spread[name] = {"median": float(np.median(values)), "p95": float(np.percentile(values, 95))}
    scores = np.array([row.get("score", row["success"] is True) for row in rows], float)
    success = float(np.mean([row["success"] is True for row in rows]))
    return {
        "score": float(scores.mean()),
        **figures,
        "score_sd": float(scores.std()),
        "success": success,
        "over_trials": spread,
    }

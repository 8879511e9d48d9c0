"""`myoprosthesis train sweep`: the same training at several batch sizes, in one figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.interruptible import interruptible
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.training.gradient.curriculum import Curriculum
    from myoprosthesis.training.gradient.reach_gradient import ReachGradient
    from myoprosthesis.training.gradient.sweep import Report, Row, SweepOptions
    from myoprosthesis.training.trainer import Trainer

SETTINGS = "sweep.yaml"


@dataclass(frozen=True, kw_only=True)
class TrainArguments:
    """Options that every training has."""

    effector: str = argument("arm26", "body that has a differentiable twin")
    compile: str = argument(
        "auto",
        "compile the loop: auto does where there is a C++ compiler; the first batch takes half a minute then, and "
        "later runs find it in a cache",
        choices=("auto", "on", "off"),
    )
    quiet: bool = argument(False, "no progress bar")


@dataclass(frozen=True, kw_only=True)
class SweepCommandOptions(TrainArguments, JsonArgument):
    """Options of `train sweep`."""

    batches: tuple[int, ...] = argument(
        (8, 16, 32, 64, 128, 256, 512, 1024), "trials in a batch", nargs="+", metavar="N"
    )
    seeds: int = argument(3, "number of seeds of each", metavar="N")
    updates: int = argument(0, "updates of each; this, --samples or both", metavar="N")
    samples: int = argument(0, "trials that each sees at least", metavar="N")
    curriculum: Path | None = argument(None, "YAML with one stage; by default batch_sweep", metavar="FILE")
    out: Path = argument(help="where cells and results go", metavar="FOLDER")


def add(commands: Commands) -> None:
    """Add the command beside those of `train`."""
    commands.add(
        "sweep", run, SweepCommandOptions, help="the same training at several batch sizes",
        description="Trains the same policy at several batch sizes, with several seeds each, and compares them after "
        "equally many updates and after equally many samples. What is finished is kept: the same command goes on "
        "where it was interrupted (Ctrl-C stops after the update in progress).",
    )  # fmt: skip


def run(command: SweepCommandOptions) -> int:
    """Train all cells, then write sweep.csv, sweep.json and sweep.png; 130 when interrupted."""
    import sys

    check_writable(command.json)
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs torch: pip install 'myoprosthesis[train]'") from error
    from myoprosthesis.core.options import build
    from myoprosthesis.core.share import root
    from myoprosthesis.training.gradient import curriculum as curricula
    from myoprosthesis.training.gradient import sweep
    from myoprosthesis.training.gradient.rollout import wants_compilation

    torch.set_num_threads(1)  # the tensors are small: more threads only wait for each other
    values = {
        "batches": command.batches,
        "seeds": command.seeds,
        "updates": command.updates,
        "samples": command.samples,
    }
    options = build(sweep.SweepOptions, values, "sweep")
    plan = curricula.load(command.curriculum or root() / "config" / "curricula" / "batch_sweep.yaml")
    sweep.check(plan)
    make = _maker(plan, command.effector, wants_compilation(command.compile))
    _check_folder(command.out, plan, command.effector)
    with interruptible() as interrupted:
        rows = sweep.sweep(make, options, command.out / "cells", _reporter(options, command.quiet, interrupted))
    if rows is None:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    figures = _write(command.out, rows, options, plan, command.effector)
    _show(figures)
    write_json(command.json, figures)
    return 0


def _check_folder(out: Path, plan: Curriculum, effector: str) -> None:
    """Refuse a folder with cells of another training; the batch sizes, seeds and lengths may be others."""
    import yaml

    from myoprosthesis.training import checkpoint

    data = plan.to_dict()
    data.pop("batch")
    text = yaml.safe_dump({"effector": effector, "curriculum": data}, sort_keys=False)
    file = out / SETTINGS
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise ConfigError(
            f"the sweep in {out} was made with another curriculum or effector (see {SETTINGS} there): "
            "choose another folder"
        )
    checkpoint.write(file, text)


def _maker(plan: Curriculum, effector: str, compiled: bool) -> Callable[[int, int, Path], Trainer[ReachGradient]]:
    from myoprosthesis.training.gradient.reach_gradient import reach_trainer
    from myoprosthesis.training.gradient.torch_twin import differentiable_body

    differentiable_body(effector, plan.dt)  # refuses early what has no twin

    def make(batch: int, seed: int, folder: Path) -> Trainer[ReachGradient]:
        if compiled:
            from torch import _dynamo

            _dynamo.reset()  # one graph for each cell; it refuses the ninth of one function
        own = replace(plan, batch=batch)
        twin = differentiable_body(effector, plan.dt)[1]
        return reach_trainer(twin, effector, own, own.select(), seed, folder, compiled)

    return make


def _reporter(options: SweepOptions, quiet: bool, interrupted: list[bool]) -> Report:
    """A progress bar over the updates of all cells."""
    from tqdm import tqdm

    bar = tqdm(total=sum(options.length(b) for b, _ in options.cells()), unit="update", disable=quiet)
    before = 0
    cell: tuple[int, int] | None = None

    def report(batch: int, seed: int, updates: int, row: Row | None) -> bool:
        nonlocal before, cell
        if (batch, seed) != cell:
            cell, before = (batch, seed), 0
            bar.set_description(f"batch {batch}, seed {seed}")
        bar.update(min(updates, options.length(batch)) - before)
        before = min(updates, options.length(batch))
        if row is not None:
            bar.set_postfix(error=f"{row['error_mm']:.1f} mm")
        return not interrupted[0]

    return report


def _write(out: Path, rows: list[Row], options: SweepOptions, plan: Curriculum, effector: str) -> dict[str, Any]:
    from myoprosthesis.training import checkpoint
    from myoprosthesis.training.gradient import sweep, sweep_plot

    curves = sweep.curves(rows)
    figures = {
        "effector": effector, "curriculum": plan.name, "stage": plan.select()[0].name, "options": asdict(options),
        **sweep.comparisons(rows, options), "curves": curves,
    }  # fmt: skip
    checkpoint.write(out / "sweep.csv", sweep.table(rows))
    write_json(str(out / "sweep.json"), figures)
    sweep_plot.picture(curves, out / "sweep.png", f"{effector}, {plan.select()[0].name}", options.seeds)
    print(f"{len(rows)} evaluations in {out}/sweep.csv, figures in sweep.json, curves in sweep.png")
    return figures


def _show(figures: dict[str, Any]) -> None:
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console

    for key in ("equal_updates", "equal_samples"):
        table = FigureTable(title=f"endpoint error after {key.replace('_', ' ')}, mm (median, range of seeds)")
        for column in ("batch", "updates", "samples", "error", "lowest", "highest"):
            table.add_column(column, justify="right")
        for r in figures[key]:
            table.add_row(*(str(r[c]) for c in ("batch", "updates", "samples")),
                          *(f"{r[c]:.1f}" for c in ("median", "low", "high")))  # fmt: skip
        table_console().print(table)

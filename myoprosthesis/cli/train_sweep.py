"""`myoprosthesis train sweep`: the same training at several batch sizes, in one figure."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.training.gradient.curriculum import Curriculum
    from myoprosthesis.training.gradient.reach_gradient import ReachGradient
    from myoprosthesis.training.gradient.sweep import Report, Row, SweepOptions
    from myoprosthesis.training.trainer import Trainer

SETTINGS = "sweep.yaml"


def add(tasks: Any) -> None:
    """Register the command beside the tasks of `train`."""
    parser = tasks.add_parser(
        "sweep", help="the same training at several batch sizes",
        description="Trains the same policy at several batch sizes, with several seeds each, and compares them after "
        "equally many updates and after equally many samples. What is finished is kept: the same command goes on "
        "where it was interrupted (Ctrl-C stops after the update in progress).",
    )  # fmt: skip
    parser.add_argument(
        "--batches",
        type=int,
        nargs="+",
        default=[8, 16, 32, 64, 128, 256, 512, 1024],
        metavar="N",
        help="trials in a batch (default: 8 16 … 1024)",
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="so many seeds of each (default: 3)")
    parser.add_argument("--updates", type=int, default=0, metavar="N", help="updates of each; this, --samples or both")
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="trials that each sees at least")
    parser.add_argument("--curriculum", type=Path, help="YAML with one stage (default: batch_sweep)")
    parser.add_argument("--effector", default="arm26", help="body that has a differentiable twin (default: arm26)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where cells and results go")
    parser.add_argument(
        "--compile",
        default="auto",
        choices=("auto", "on", "off"),
        help="compile the loop, half a minute for each batch size (default: auto)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_json(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Train all cells, then write sweep.csv, sweep.json and sweep.png; 130 when interrupted."""
    import sys

    check_writable(args.json)
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs torch: pip install 'myoprosthesis[train]'") from error
    from myoprosthesis.cli.train import interruptible
    from myoprosthesis.core.options import build
    from myoprosthesis.core.share import root
    from myoprosthesis.training.gradient import curriculum as curricula
    from myoprosthesis.training.gradient import sweep
    from myoprosthesis.training.gradient.rollout import wants_compilation

    torch.set_num_threads(1)  # the tensors are small: more threads only wait for each other
    given = {"batches": args.batches, "seeds": args.seeds, "updates": args.updates, "samples": args.samples}
    options = build(sweep.SweepOptions, given, "sweep")
    plan = curricula.load(args.curriculum or root() / "config" / "curricula" / "batch_sweep.yaml")
    sweep.check(plan)
    make = _maker(plan, args.effector, wants_compilation(args.compile))
    _claim(args.out, plan, args.effector)
    with interruptible() as interrupted:
        rows = sweep.sweep(make, options, args.out / "cells", _reporter(options, args.quiet, interrupted))
    if rows is None:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    figures = _write(args.out, rows, options, plan, args.effector)
    _show(figures)
    write_json(args.json, figures)
    return 0


def _claim(out: Path, plan: Curriculum, effector: str) -> None:
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
    checkpoint.write_text(file, text)


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
    checkpoint.write_text(out / "sweep.csv", sweep.table(rows))
    write_json(str(out / "sweep.json"), figures)
    sweep_plot.picture(curves, out / "sweep.png", f"{effector}, {plan.select()[0].name}", options.seeds)
    print(f"{len(rows)} evaluations in {out}/sweep.csv, figures in sweep.json, curves in sweep.png")
    return figures


def _show(figures: dict[str, Any]) -> None:
    from rich.console import Console

    from myoprosthesis.cli.table import FigureTable

    for key in ("equal_updates", "equal_samples"):
        table = FigureTable(title=f"endpoint error after {key.replace('_', ' ')}, mm (median, range of seeds)")
        for column in ("batch", "updates", "samples", "error", "lowest", "highest"):
            table.add_column(column, justify="right")
        for r in figures[key]:
            table.add_row(*(str(r[c]) for c in ("batch", "updates", "samples")),
                          *(f"{r[c]:.1f}" for c in ("median", "low", "high")))  # fmt: skip
        Console().print(table)

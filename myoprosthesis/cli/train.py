"""`myoprosthesis train`: train a policy through the differentiable twin of a body, and write it with its card."""

from __future__ import annotations

import argparse
import hashlib
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli import train_sweep
from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.ending import allow
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.training.gradient.reach_gradient import ReachGradient
    from myoprosthesis.training.trainer import Trainer


def add(subparsers: Any) -> None:
    """Register the command with argparse."""
    train = subparsers.add_parser(
        "train",
        help="train a policy by gradient, with a curriculum",
        description="Trains a policy by gradient, or the same one at several batch sizes.",
    )
    tasks = train.add_subparsers(title="what to train", dest="task", metavar="WHAT", required=True)
    train_sweep.add(tasks)
    parser = tasks.add_parser(
        "reach",
        help="a policy that reaches",
        description="Trains a recurrent policy by back-propagation through the body's differentiable twin. Ctrl-C "
        "stops after the batch in progress; --resume goes on from there.",
    )
    parser.add_argument("--curriculum", type=Path, help="YAML with the stages (default: reach_curl)")
    parser.add_argument("--effector", default="arm26", help="body that has a differentiable twin (default: arm26)")
    parser.add_argument(
        "--field",
        type=float,
        help="curl field, N·s/m, above 0 clockwise; 0 leaves out field stages (default: the curriculum's)",
    )
    parser.add_argument(
        "--from", dest="origin", type=Path, metavar="POLICY", help="folder of a policy whose weights to start from"
    )
    parser.add_argument("--stage", default="", help="first stage (default: the curriculum's first)")
    parser.add_argument("--out", type=Path, help="folder of the finished policy (default: policies/<name>)")
    parser.add_argument("--overwrite", action="store_true", help="replace a policy that is in that folder already")
    parser.add_argument("--run", type=Path, help="folder of checkpoint and history (default: runs/<name of out>)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and trials (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in its folder, bit for bit")
    parser.add_argument(
        "--compile",
        default="auto",
        choices=("auto", "on", "off"),
        help="compile the loop: auto does where there is a C++ compiler; the first batch takes half "
        "a minute then, and later runs find it in a cache (default: auto)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_json(parser)
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Train, export, measure on the MuJoCo body, and write the card; 130 when interrupted."""
    check_writable(args.json)
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs torch: pip install 'myoprosthesis[train]'") from error
    from myoprosthesis.core.share import root
    from myoprosthesis.training.gradient import curriculum as curricula
    from myoprosthesis.training.gradient.rollout import wants_compilation

    torch.set_num_threads(1)  # the tensors are small: more threads only wait for each other
    path = args.curriculum or root() / "config" / "curricula" / "reach_curl.yaml"
    plan = curricula.load(path)
    if args.field is not None:
        plan = replace(plan, field=args.field)
    out = args.out or Path("policies") / _name(args.effector, plan.field)
    if (out / "policy.onnx").exists() and not args.overwrite:
        raise ConfigError(f"there is a policy in {out} already: choose another folder (--out), or give --overwrite")
    training = _start(args, plan, args.run or Path("runs") / out.name, wants_compilation(args.compile))
    with interruptible() as interrupted:
        finished = training.train(_reporter(args.quiet, interrupted))
    if not finished:
        print(f"stopped at batch {training.progress.total}; go on with --resume", file=sys.stderr)
        return 130
    scores = _publish(training, out, again(args, out))
    for field, row in scores.items():
        print(
            f"{field:>5}: endpoint error {row['endpoint_error_mm']:5.1f} mm, "
            f"lateral deviation {row['lateral_deviation_mm']:+6.1f} mm, peak speed {row['peak_speed']:.2f} m/s"
        )
    print(f"policy in {out}, run in {training.folder}")
    write_json(args.json, {"policy": out.name, "batches": training.progress.total, "fields": scores})
    return 0


def _start(args: argparse.Namespace, plan: Any, folder: Path, compiled: bool) -> Trainer[ReachGradient]:
    from myoprosthesis.training.gradient import export
    from myoprosthesis.training.gradient.reach_gradient import reach_trainer
    from myoprosthesis.training.gradient.torch_twin import differentiable_body
    from myoprosthesis.training.trainer import CHECKPOINT

    if not args.resume and (folder / CHECKPOINT).exists():
        raise ConfigError(
            f"there is a run in {folder} already: go on with it (--resume), choose another folder (--run), or delete it"
        )
    _, twin = differentiable_body(args.effector, plan.dt)
    origin = ""
    if args.origin:
        start = args.origin / "policy.onnx"
        weights = export.weights(start)
        origin = f"{args.origin.name}, sha256 {hashlib.sha256(start.read_bytes()).hexdigest()[:16]}"
    stages = plan.select(args.stage)
    training = reach_trainer(twin, args.effector, plan, stages, args.seed, folder, compiled, origin)
    if args.origin:
        training.start_from(weights)
    if args.resume:
        training.resume()
    return training


def _publish(training: Trainer[ReachGradient], out: Path, command: str) -> dict[str, dict[str, float]]:
    """Write policy.onnx, card.md, training.yaml and loss.png to `out`; returns the scores on the MuJoCo body."""
    import yaml

    from myoprosthesis.core.contract import Contract
    from myoprosthesis.core.fingerprint import fingerprint
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training import checkpoint
    from myoprosthesis.training.gradient import evaluation, export, plot, reach_observation
    from myoprosthesis.training.gradient.torch_twin import differentiable_body
    from myoprosthesis.training.model_card import card

    algorithm = training.load_best()
    plan, policy = algorithm.curriculum, algorithm.policy
    body, _ = differentiable_body(algorithm.effector, plan.dt)
    contract = Contract(
        name=out.name,
        effector=body.spec.name,
        observation=reach_observation.terms(algorithm.twin, plan),
        action=body.spec.command,
        dt=plan.dt,
        hidden=(("hidden", (1, plan.hidden)),),
        stages=tuple(s.name for s in training.stages),
        seed=algorithm.seed,
        config_sha256=training.digest(),
        simulator=body.spec.simulator,
        fingerprint=fingerprint(body),
    )
    file = out / "policy.onnx"
    export.export(policy, contract, file)
    scores = evaluation.score(OnnxPolicy(file), body, plan.field)
    contract = replace(contract, result=scores)
    gap = export.export(policy, contract, file)
    settings, history = algorithm.settings(), training.progress.history
    minutes = history[-1]["seconds"] / 60 if history else 0.0
    text = card(contract, settings, command, gap, training.progress.total, minutes)
    checkpoint.write_text(out / "card.md", text)
    checkpoint.write_text(out / "training.yaml", yaml.safe_dump(settings, sort_keys=False))
    plot.loss_curve(history, out / "loss.png", out.name)
    plot.loss_curve(history, training.folder / "loss.png", out.name)
    return scores


def _reporter(quiet: bool, interrupted: list[bool]) -> Any:
    """The callback of `Trainer.train`: a progress bar per stage, a line per stage that is left."""
    from tqdm import tqdm

    bar: Any = None

    def report(training: Trainer[ReachGradient], costs: dict[str, float], row: dict[str, Any] | None) -> bool:
        nonlocal bar
        stage, done = training.stage, training.progress.batch
        if bar is None:
            bar = tqdm(total=stage.batches, initial=max(0, done - 1), desc=stage.name, unit="batch", disable=quiet)
        bar.update(1)
        if row is not None:
            bar.set_postfix(
                loss=f"{row['loss']:.4f}", error=f"{row['error_mm']:.1f} mm", bend=f"{row['bend_mm']:.1f} mm"
            )
        if done == 0:  # the stage has just been left
            bar.close()
            bar = None
        return not interrupted[0]

    return report


UPDATE_S = 60.0
"""An update that is under way is finished and saved."""


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """A flag that Ctrl-C sets instead of raising; a second Ctrl-C raises."""
    flag = [False]

    def on_signal(number: int, frame: Any) -> None:
        if flag[0]:
            raise KeyboardInterrupt
        flag[0] = True

    before = signal.signal(signal.SIGINT, on_signal)
    allow(UPDATE_S)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)


def _name(effector: str, field: float) -> str:
    """`reach_cw` for arm26, `point_mass_cw` for others."""
    prefix = "reach" if effector == "arm26" else effector
    return f"{prefix}_{'null' if field == 0 else 'cw' if field > 0 else 'ccw'}"


def again(args: argparse.Namespace, out: Path) -> str:
    """The command that makes the same policy again, with files as they were given."""
    words = ["myoprosthesis", "train", args.task]
    words += ["--curriculum", str(args.curriculum)] if args.curriculum else []
    words += ["--effector", args.effector]
    words += ["--field", f"{args.field:g}"] if args.field is not None else []
    words += ["--from", str(args.origin)] if args.origin else []
    words += ["--stage", args.stage] if args.stage else []
    words += ["--compile", args.compile] if args.compile != "auto" else []
    return shlex.join([*words, "--seed", str(args.seed), "--out", str(out)])

"""`myoprosthesis train`: train a policy through the differentiable twin of a body, and write it with its card."""

from __future__ import annotations

import hashlib
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli import train_muscles, train_sweep
from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.interruptible import interruptible
from myoprosthesis.cli.train_sweep import TrainArguments
from myoprosthesis.cli.training_progress import stage_bars
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.training.gradient.reach_gradient import ReachGradient
    from myoprosthesis.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class TrainReachOptions(TrainArguments, JsonArgument):
    """Options of `train reach`."""

    curriculum: Path | None = argument(None, "YAML with the stages; by default reach_curl", metavar="FILE")
    field: float | None = argument(
        None, "curl field, above 0 clockwise; 0 leaves out field stages; by default the curriculum's", "N·s/m"
    )
    origin: Path | None = argument(
        None, "folder of a policy whose weights to start from", flags=("--from",), metavar="POLICY"
    )
    stage: str = argument("", "first stage; by default the curriculum's first")
    out: Path | None = argument(None, "folder of the finished policy; by default policies/NAME", metavar="FOLDER")
    overwrite: bool = argument(False, "replace a policy that is in that folder already")
    run: Path | None = argument(
        None, "folder of checkpoint and history; by default runs/ and the name of --out", metavar="FOLDER"
    )
    seed: int = argument(0, "seed of weights and trials", low=0)
    resume: bool = argument(False, "go on with the run in its folder, bit for bit")


def add(commands: Commands) -> None:
    """Add the commands."""
    about = "train a policy with a curriculum, by gradient or by reinforcement"
    own = commands.group(
        "train", about, "Trains a policy by gradient, the same one at several batch sizes, or one by trial and error."
    )
    train_sweep.add(own)
    train_muscles.add(own)
    own.add(
        "reach", run, TrainReachOptions, help="a policy that reaches",
        description="Trains a recurrent policy by back-propagation through the body's differentiable twin. Ctrl-C "
        "stops after the batch in progress; --resume goes on from there.",
    )  # fmt: skip


def run(options: TrainReachOptions) -> int:
    """Train, export, measure on the MuJoCo body, and write the card; 130 when interrupted."""
    check_writable(options.json)
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs torch: pip install 'myoprosthesis[train]'") from error
    from myoprosthesis.core.share import root
    from myoprosthesis.training.gradient import curriculum as curricula
    from myoprosthesis.training.gradient.rollout import wants_compilation

    torch.set_num_threads(1)  # the tensors are small: more threads only wait for each other
    path = options.curriculum or root() / "config" / "curricula" / "reach_curl.yaml"
    plan = curricula.load(path)
    if options.field is not None:
        plan = replace(plan, field=options.field)
    out = options.out or Path("policies") / _name(options.effector, plan.field)
    if (out / "policy.onnx").exists() and not options.overwrite:
        raise ConfigError(f"there is a policy in {out} already: choose another folder (--out), or give --overwrite")
    training = _start(options, plan, options.run or Path("runs") / out.name, wants_compilation(options.compile))
    with interruptible() as interrupted:
        finished = training.train(_reporter(options.quiet, interrupted))
    if not finished:
        print(f"stopped at batch {training.progress.total}; go on with --resume", file=sys.stderr)
        return 130
    scores = _publish(training, out, again(options, out))
    for field, row in scores.items():
        print(
            f"{field:>5}: endpoint error {row['endpoint_error_mm']:5.1f} mm, "
            f"lateral deviation {row['lateral_deviation_mm']:+6.1f} mm, peak speed {row['peak_speed']:.2f} m/s"
        )
    print(f"policy in {out}, run in {training.folder}")
    write_json(options.json, {"policy": out.name, "batches": training.progress.total, "fields": scores})
    return 0


def _start(options: TrainReachOptions, plan: Any, folder: Path, compiled: bool) -> Trainer[ReachGradient]:
    from myoprosthesis.training.gradient import export
    from myoprosthesis.training.gradient.reach_gradient import reach_trainer
    from myoprosthesis.training.gradient.torch_twin import differentiable_body
    from myoprosthesis.training.trainer import CHECKPOINT

    if not options.resume and (folder / CHECKPOINT).exists():
        raise ConfigError(
            f"there is a run in {folder} already: go on with it (--resume), choose another folder (--run), or delete it"
        )
    _, twin = differentiable_body(options.effector, plan.dt)
    origin = ""
    if options.origin:
        start = options.origin / "policy.onnx"
        weights = export.weights(start)
        origin = f"{options.origin.name}, sha256 {hashlib.sha256(start.read_bytes()).hexdigest()[:16]}"
    stages = plan.select(options.stage)
    training = reach_trainer(twin, options.effector, plan, stages, options.seed, folder, compiled, origin)
    if options.origin:
        training.start_from(weights)
    if options.resume:
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
    checkpoint.write(out / "card.md", text)
    checkpoint.write(out / "training.yaml", yaml.safe_dump(settings, sort_keys=False))
    plot.loss_curve(history, out / "loss.png", out.name)
    plot.loss_curve(history, training.folder / "loss.png", out.name)
    return scores


def _reporter(quiet: bool, interrupted: list[bool]) -> Any:
    """The callback of `Trainer.train`."""
    bars = stage_bars(
        quiet,
        lambda row: {
            "loss": f"{row['loss']:.4f}",
            "error": f"{row['error_mm']:.1f} mm",
            "bend": f"{row['bend_mm']:.1f} mm",
        },
    )

    def report(training: Trainer[ReachGradient], costs: dict[str, float], row: dict[str, Any] | None) -> bool:
        bars(training, row)
        return not interrupted[0]

    return report


def _name(effector: str, field: float) -> str:
    """`reach_cw` for arm26, `point_mass_cw` for others."""
    prefix = "reach" if effector == "arm26" else effector
    return f"{prefix}_{'null' if field == 0 else 'cw' if field > 0 else 'ccw'}"


def again(options: TrainReachOptions, out: Path) -> str:
    """The command that makes the same policy again, with files as they were given."""
    words = ["myoprosthesis", "train", "reach"]
    words += ["--curriculum", str(options.curriculum)] if options.curriculum else []
    words += ["--effector", options.effector]
    words += ["--field", f"{options.field:g}"] if options.field is not None else []
    words += ["--from", str(options.origin)] if options.origin else []
    words += ["--stage", options.stage] if options.stage else []
    words += ["--compile", options.compile] if options.compile != "auto" else []
    return shlex.join([*words, "--seed", str(options.seed), "--out", str(out)])

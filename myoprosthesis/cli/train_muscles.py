"""`train hand` and `train legs`: a policy by trial and error in a vector environment, through a curriculum."""

from __future__ import annotations

import copy
import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.interruptible import interruptible
from myoprosthesis.cli.training_progress import stage_bars
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library

if TYPE_CHECKING:
    from myoprosthesis.core.contract import Contract
    from myoprosthesis.training.rl.collector import Collector
    from myoprosthesis.training.rl.curriculum_reinforcement import CurriculumReinforcement
    from myoprosthesis.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class TrainMusclesOptions(JsonArgument):
    """Options of `train hand` and `train legs`."""

    curriculum: Path = argument(help="YAML with the environment and the stages", metavar="FILE")
    sims: int | None = argument(None, "simulations at the same time; by default the curriculum's", low=1)
    seed: int = argument(0, "seed of weights, noise and episodes", low=0)
    hours: float | None = argument(None, "stop after this time and keep the checkpoint; --resume goes on", "h", low=0.0)
    origin: Path | None = argument(
        None, "folder of a run whose best weights to start from", flags=("--from",), metavar="RUN"
    )
    out: Path | None = argument(None, "folder of the finished policy; by default policies/NAME", metavar="FOLDER")
    overwrite: bool = argument(False, "replace a policy that is in that folder already")
    run: Path | None = argument(
        None, "folder of checkpoint and curve; by default runs/ and the name of --out", metavar="FOLDER"
    )
    resume: bool = argument(False, "go on with the run in its folder, bit for bit")
    workers: str = argument(
        "", "Ray cluster whose nodes run the simulations: ray://HOST:PORT, or local", metavar="ADDRESS"
    )
    collectors: int = argument(0, "parts of the simulations on the cluster; 0: one for each node", low=0)
    device: str = argument("cpu", "where networks are updated", choices=("cpu", "cuda"))
    threads: int | None = argument(None, "of an update; by default as many as this process may use", low=1)
    quiet: bool = argument(False, "no progress bar")


def add(commands: Commands) -> None:
    """Add the commands beside those of `train`."""
    for body, example in (("hand", "Baoding-v0"), ("legs", "LegsImitation-v0")):
        commands.add(
            body, partial(run, body), TrainMusclesOptions, help=f"a policy of {body} with muscles, by reinforcement",
            description=f"Trains a policy by PPO, SAC or imitation in any registered environment, such as {example}: "
            "the curriculum names it. Stages are left by measured score; every ten minutes and whenever a stage is "
            "left the run is saved. Ctrl-C stops after the batch in progress; --resume goes on from there.",
        )  # fmt: skip


def run(body: str, options: TrainMusclesOptions) -> int:
    """Train, export, and write the card; 130 when interrupted."""
    check_writable(options.json)
    torch = library("torch", "train", "training")
    library("gymnasium", "train", "reinforcement learning")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: torch sees no such device here; leave it out to train on the processor")
    torch.set_num_threads(1)  # while simulations run; an update takes more
    training = _start(options)
    out = _out(options, training.algorithm.curriculum.name)
    try:
        with interruptible() as interrupted:
            finished = training.train(_reporter(options, training.folder, interrupted))
        progress = training.progress
        if progress.unreached:
            stage = next(s for s in training.algorithm.curriculum.stages if s.name == progress.unreached)
            print(
                f"stage {stage.name!r} was not passed in {progress.spent[stage.name]} batches: it wants a score of "
                f"{stage.promote:g}, the best was {progress.best:.3g}; that policy is kept",
                file=sys.stderr,
            )
        scores = _publish(training, out, _again(body, options, out))
    finally:
        training.algorithm.collector.close()
    print(f"policy in {out}, run in {training.folder}")
    row = progress.history[-1] if progress.history else {}
    seconds = max(1e-9, float(row.get("seconds", 0.0)))
    write_json(
        options.json,
        {
            "policy": out.name,
            "finished": finished,
            "unreached": progress.unreached,
            "stage": training.stage.name,
            "batches": progress.total,
            "samples": training.algorithm.samples,
            "samples_per_s": training.algorithm.samples / seconds,
            "best": progress.best,
            **scores,
        },
    )
    if not finished:
        print(f"stopped at batch {progress.total}; go on with --resume", file=sys.stderr)
        return 130 if interrupted[0] else 0
    return 0


def _start(options: TrainMusclesOptions) -> Trainer[CurriculumReinforcement]:
    from myoprosthesis.training.rl import curriculum as curricula
    from myoprosthesis.training.rl.collector_spec import CollectorSpec
    from myoprosthesis.training.rl.curriculum_reinforcement import CurriculumReinforcement
    from myoprosthesis.training.rl.promotion import curriculum_trainer
    from myoprosthesis.training.rl.ray_collector import RayCollector
    from myoprosthesis.training.rl.trainable_env import make
    from myoprosthesis.training.trainer import CHECKPOINT

    data = curricula.read(options.curriculum)
    try:
        if options.sims is not None:
            data["simulations"] = options.sims
        plan = curricula.header(data)
        out = _out(options, plan.name)
        folder = options.run or Path("runs") / out.name
        if (out / "policy.onnx").exists() and not (options.overwrite or options.resume):
            raise ConfigError(f"there is a policy in {out} already: choose another folder (--out), or give --overwrite")
        if not options.resume and (folder / CHECKPOINT).exists():
            raise ConfigError(
                f"there is a run in {folder} already: go on with it (--resume), choose another folder (--run), "
                "or delete it"
            )
        check = make(plan.env, 1, plan.env_options)
        plan = curricula.curriculum(data, check)
        check.close()
    except ConfigError as error:
        raise ConfigError(f"{options.curriculum}: {error}") from error
    spec = CollectorSpec.of(plan, options.seed)
    collector: Collector = RayCollector(spec, options.workers, options.collectors) if options.workers else spec.make()
    threads = options.threads or len(os.sched_getaffinity(0))
    algorithm = CurriculumReinforcement(plan, collector, options.seed, options.device, threads)
    training = curriculum_trainer(algorithm, folder)
    if options.origin:
        from myoprosthesis.training import checkpoint

        training.start_from(checkpoint.load(options.origin / CHECKPOINT)["best"])
    if options.resume:
        training.resume()
    return training


def _reporter(options: TrainMusclesOptions, folder: Path, interrupted: list[bool]) -> Any:
    """The callback of `Trainer.train`: bars, and an end when the time is over."""
    from myoprosthesis.training.rl.event_log import event_log

    bars = stage_bars(options.quiet, _shown)
    log = event_log(folder / "events")
    if log is None and not options.quiet:
        print("tensorboard is not installed (pip install tensorboard): the curve is in curve.csv only", file=sys.stderr)
    until = time.monotonic() + 3600 * options.hours if options.hours is not None else float("inf")

    def report(training: Trainer[Any], means: dict[str, float], row: dict[str, Any] | None) -> bool:
        bars(training, row)
        if log is not None and row is not None:
            log(row)
        return not interrupted[0] and time.monotonic() < until

    return report


def _shown(row: dict[str, Any]) -> dict[str, str]:
    more = {"divergence": "kl", "value": "value", "labels": "labels"}  # of PPO, SAC and imitation
    own = {word: f"{row[name]:.3g}" for name, word in more.items() if name in row}
    return {"score": f"{row['score']:.3f}", "reward": f"{row['reward']:.3g}", **own}


def _publish(training: Trainer[CurriculumReinforcement], out: Path, command: str) -> dict[str, Any]:
    """Write policy.onnx, card.md, training.yaml and the curve to `out`; returns the figures of the exported policy."""
    import yaml

    from myoprosthesis.training import checkpoint
    from myoprosthesis.training.rl import curve, export
    from myoprosthesis.training.rl.collector_spec import CollectorSpec
    from myoprosthesis.training.rl.evaluation import evaluation
    from myoprosthesis.training.rl.network import arrays
    from myoprosthesis.training.rl.policy_card import policy_card
    from myoprosthesis.training.rl.promotion import CURVE
    from myoprosthesis.training.trainer import table

    algorithm = training.load_best()
    plan, history = algorithm.curriculum, training.progress.history
    policy, action_map = copy.deepcopy(algorithm.learner.policy).cpu(), algorithm.collector.map
    contract = algorithm.collector.contract(out.name)
    contract = replace(
        contract,
        hidden=export.hidden(action_map),
        stages=tuple(s.name for s in training.stages),
        seed=algorithm.seed,
        config_sha256=training.digest(),
        task_options=skill(contract, plan.stages[training.progress.highest].values),
    )
    spec = CollectorSpec.of(plan, algorithm.seed)
    result = evaluation(spec, arrays(policy), training.progress.highest)
    contract = replace(contract, result={name: round(value, 6) for name, value in result.items()})
    gap = export.export(policy, action_map, contract, out / "policy.onnx")
    checkpoint.write(out / "card.md", policy_card(contract, plan, history, command, gap))
    checkpoint.write(out / CURVE, table(history))
    checkpoint.write(out / "training.yaml", yaml.safe_dump(algorithm.settings(), sort_keys=False))
    for folder in (out, training.folder):
        curve.learning_curve(history, folder / "curve.png", out.name)
    return {"parity": gap, "command": command, **result}


def skill(contract: Contract, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those options of a stage that say what a policy of this effector is made for, by its task with a score."""
    from myoprosthesis.core import registry
    from myoprosthesis.envs.played_trials import TASKS

    task = TASKS.get(contract.effector)
    skills = getattr(registry.factory("tasks", task), "skills", ()) if task else ()
    return {name: values[f"task.{name}"] for name in skills if f"task.{name}" in values}


def _out(options: TrainMusclesOptions, name: str) -> Path:
    return options.out or Path("policies") / name


def _again(body: str, options: TrainMusclesOptions, out: Path) -> str:
    """The command that makes the same policy again, with files as they were given."""
    words = ["myoprosthesis", "train", body, "--curriculum", str(options.curriculum)]
    words += ["--sims", str(options.sims)] if options.sims is not None else []
    words += ["--from", str(options.origin)] if options.origin else []
    return shlex.join([*words, "--seed", str(options.seed), "--out", str(out)])

"""`myoprosthesis refit`: fit a new decoder in a running stack.

It records a few seconds of each class, fits a decoder, compares it with the active one, and swaps it in.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, policy_folder, write_json
from myoprosthesis.cli.seconds_bar import SecondsBar
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.stack.emg_client import EmgClient

GAP = 0.05
"""A class of which less than this share of the samples came is not fitted on."""


@dataclass(frozen=True, kw_only=True)
class RefitOptions(JsonArgument, NamespaceArgument):
    """Options of `refit`."""

    classes: tuple[str, ...] = argument(
        help="classes, each is asked for in turn; the first is rest", positional=True, nargs="+"
    )
    out: str = argument(help="where recordings and decoder are written", metavar="FOLDER")
    seconds: float = argument(4.0, "length of each recording", "s")
    rounds: int = argument(2, "recordings of each class")
    listen_s: float = argument(3.0, "length of the comparison", "s")
    least_accuracy: float = argument(
        0.7, "share of held-out windows that must be right, or nothing is swapped", metavar="SHARE"
    )
    no_swap: bool = argument(False, "fit and compare only")
    yes: bool = argument(False, "do not wait for Enter before each recording")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("refit", run, RefitOptions, help="fit a new decoder in a running stack", description=__doc__ or "")


def run(options: RefitOptions) -> int:
    """Record, fit, compare, swap."""
    from myoprosthesis.stack.client import StackClient
    from myoprosthesis.stack.emg_client import EmgClient

    if len(set(options.classes)) < max(2, len(options.classes)):
        raise ConfigError(f"at least two different classes are needed, got {' '.join(options.classes)}")
    if options.rounds < 1 or not options.seconds > 0:
        raise ConfigError("--rounds and --seconds must be above 0")
    check_writable(options.json)
    folder = policy_folder(options.out).resolve()
    with StackClient(options.namespace) as stack:
        emg = EmgClient(stack)
        before = stack.active_policy().policy
        if not before:
            raise ConfigError("no decoder is played: is an emg-hand stack up, and in this namespace?")
        _record(options, emg, folder / "recordings")
        figures = _fit(folder, options.classes[0])
        path = str(folder / "policy.onnx")
        if not options.no_swap:
            _good_enough(figures["accuracy"], options.least_accuracy)
        try:
            stack.run_beside(path)
            agreed = _compare(emg, options.listen_s)
        except ConfigError as error:
            raise ConfigError(f"nothing is swapped: {error}") from error
        finally:
            stack.run_beside("")
        print(f"beside {before} for {options.listen_s:g} s: postures at most {agreed['apart']:.2f} rad apart")
        if not options.no_swap:
            stack.swap(path)
            print(f"{path} is played; `myoprosthesis rollback` goes back to {before}")
    write_json(options.json, {"decoder": path, "before": before, "swapped": not options.no_swap, **figures, **agreed})
    return 0


def _record(options: RefitOptions, emg: EmgClient, folder: Path) -> None:
    """One CSV per class and round, as they come from `emg/raw`."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.rounds):
        for name in options.classes:
            if not options.yes:
                input(f"Make {name!r} and hold it; Enter begins. ")
            with SecondsBar(options.seconds, name) as bar:
                samples = emg.record(options.seconds, bar.advance_to)
            wanted = options.seconds * emg.rate
            if len(samples) < (1 - GAP) * wanted:
                raise ConfigError(f"only {len(samples)} of {wanted:.0f} samples of {name!r} came: nothing is fitted")
            np.savetxt(folder / f"round_{number}_class_{name}.csv", samples, "%.9g", ",", header=",".join(emg.channels),
                       comments="")  # fmt: skip
    about = {
        "rate": emg.rate, "unit": emg.unit, "label_from": "_class_(.+)[.]csv", "repetition_from": "round_([0-9]+)_",
        **{k: v for k, v in emg.conditioning.items() if k not in ("rate", "unit")},
    }  # fmt: skip
    (folder / "recording.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")


def _fit(folder: Path, rest: str) -> dict[str, Any]:
    """In a process of its own, so that the graph is heard meanwhile and nothing heavy stays."""
    figures = folder / "fit.json"
    words = ["decode", "fit", str(folder / "recordings"), "--rest", rest, "--out", str(folder), "--json", str(figures)]
    done = subprocess.run([sys.executable, "-m", "myoprosthesis.cli.main", *words], capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"nothing is swapped: {done.stderr.strip().removeprefix('error: ')}")
    lines = done.stdout.strip().splitlines()
    print(*(line for line in lines if line.startswith("fault: ")), lines[-1], sep="\n")
    judged = json.loads(figures.read_text(encoding="utf-8"))["judged"]
    return {"fit": lines[-2:], "accuracy": judged.get("accuracy")}


def _good_enough(accuracy: float | None, least: float) -> None:
    """Refuse to play a decoder that does not tell the classes apart: a person wears what it moves."""
    if accuracy is None and least > 0:
        raise ConfigError("nothing is swapped: one round leaves nothing to judge the decoder by; make two (--rounds 2)")
    if accuracy is not None and accuracy < least:
        raise ConfigError(
            f"nothing is swapped: {accuracy:.0%} of held-out windows are right, at least {least:.0%} are wanted; "
            "record again, with movements that differ more, or give another --least-accuracy"
        )


def _compare(emg: EmgClient, seconds: float) -> dict[str, Any]:
    """How the postures of the shadow and of what is played differ."""
    apart = emg.compare(seconds)
    if not apart:
        raise ConfigError(f"no command of the new decoder came beside one of the active decoder within {seconds:g} s")
    return {"apart": max(apart), "compared": len(apart)}

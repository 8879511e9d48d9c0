"""`myoprosthesis refit`: in a running stack, record a few seconds of each class, fit, listen to the new decoder beside
the one that is played, and swap it in."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from myoprosthesis.cli.calibrate import BAR
from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError

GAP = 0.05
"""A class of which less than this share of the samples came is not fitted on."""


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("refit", help="fit a decoder anew in a running stack", description=__doc__)
    p.add_argument("classes", nargs="+", help="classes, each is asked for in turn; the first is rest")
    p.add_argument("--out", required=True, metavar="FOLDER", help="where recordings and decoder are written")
    p.add_argument("--seconds", type=float, default=4.0, metavar="S", help="length of each recording (default 4)")
    p.add_argument("--rounds", type=int, default=2, help="recordings of each class (default 2)")
    p.add_argument("--listen-s", type=float, default=3.0, metavar="S", help="length of the comparison (default 3)")
    p.add_argument("--least-accuracy", type=float, default=0.7, metavar="SHARE",
                   help="of held-out windows that must be right, or nothing is swapped (default 0.7)")  # fmt: skip
    p.add_argument("--no-swap", action="store_true", help="fit and compare only")
    p.add_argument("--yes", action="store_true", help="do not wait for Enter before each recording")
    p.add_argument("--namespace", default="", help="namespace of the stack")
    add_json(p)
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Record, fit, compare, swap."""
    from myoprosthesis.nodes.emg_client import EmgClient
    from myoprosthesis.nodes.stack_client import StackClient

    if len(set(given.classes)) < max(2, len(given.classes)):
        raise ConfigError(f"at least two different classes are needed, got {' '.join(given.classes)}")
    if given.rounds < 1 or not given.seconds > 0:
        raise ConfigError("--rounds and --seconds must be above 0")
    check_writable(given.json)
    folder = Path(given.out).expanduser().resolve()
    with StackClient(given.namespace) as graph:
        ear = EmgClient(graph)
        before = str(graph.active().get("policy", ""))
        if not before:
            raise ConfigError("no decoder is played: is an emg-hand stack up, and in this namespace?")
        _record(given, ear, folder / "recordings")
        found = _fit(folder, given.classes[0])
        path = str(folder / "policy.onnx")
        if not given.no_swap:
            _good_enough(found["accuracy"], given.least_accuracy)
        graph.set("policy", {"shadow": path})
        agreed = _compare(ear, given.listen_s)
        print(f"beside {before} for {given.listen_s:g} s: postures at most {agreed['apart']:.2f} rad apart")
        if given.no_swap:
            graph.set("policy", {"shadow": ""})
        else:
            graph.set("policy", {"shadow": ""})
            graph.swap(path)
            print(f"{path} is played; `myoprosthesis rollback` goes back to {before}")
    write_json(given.json, {"decoder": path, "before": before, "swapped": not given.no_swap, **found, **agreed})
    return 0


def _record(given: argparse.Namespace, ear: Any, folder: Path) -> None:
    """One CSV per class and round, as they come from `emg/raw`."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(given.rounds):
        for name in given.classes:
            if not given.yes:
                input(f"Make {name!r} and hold it; Enter begins. ")
            with tqdm(total=given.seconds, desc=name, bar_format=BAR) as bar:
                samples = ear.record(given.seconds, bar.update)
            wanted = given.seconds * ear.rate
            if len(samples) < (1 - GAP) * wanted:
                raise ConfigError(f"only {len(samples)} of {wanted:.0f} samples of {name!r} came: nothing is fitted")
            np.savetxt(folder / f"round_{number}_class_{name}.csv", samples, "%.9g", ",", header=",".join(ear.channels),
                       comments="")  # fmt: skip
    about = {
        "rate": ear.rate, "unit": ear.unit, "label_from": "_class_(.+)[.]csv", "repetition_from": "round_([0-9]+)_",
        **{k: v for k, v in ear.conditioning.items() if k not in ("rate", "unit")},
    }  # fmt: skip
    (folder / "recording.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")


def _fit(folder: Path, rest: str) -> dict[str, Any]:
    """In a process of its own, so that the graph is heard meanwhile and nothing heavy stays."""
    figures = folder / "fit.json"
    words = ["decode", "fit", str(folder / "recordings"), "--rest", rest, "--out", str(folder), "--json", str(figures)]
    done = subprocess.run([sys.executable, "-m", "myoprosthesis.cli.main", *words], capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"nothing is swapped: {done.stderr.strip().removeprefix('error: ')}")
    print(done.stdout.strip().splitlines()[-1])
    judged = json.loads(figures.read_text(encoding="utf-8"))["judged"]
    return {"fit": done.stdout.strip().splitlines()[-2:], "accuracy": judged.get("accuracy")}


def _good_enough(accuracy: float | None, least: float) -> None:
    """Refuse to play a decoder that does not tell the classes apart: a person wears what it moves."""
    if accuracy is None and least > 0:
        raise ConfigError("nothing is swapped: one round leaves nothing to judge the decoder by; make two (--rounds 2)")
    if accuracy is not None and accuracy < least:
        raise ConfigError(
            f"nothing is swapped: {accuracy:.0%} of held-out windows are right, at least {least:.0%} are wanted; "
            "record again, with movements that differ more, or give another --least-accuracy"
        )


def _compare(ear: Any, seconds: float) -> dict[str, Any]:
    """How the postures of the shadow and of what is played differ."""
    until, apart, counts = time.monotonic() + seconds, 0.0, Counter[str]()
    while time.monotonic() < until:
        ear.spin(0.05)
        if ear.command is not None and ear.shadow is not None:
            apart = max(apart, float(abs(ear.command - ear.shadow).max()))
            counts["compared"] += 1
    if not counts["compared"]:
        raise ConfigError("the new decoder did not answer beside the one that is played: nothing is swapped")
    return {"apart": apart, "compared": counts["compared"]}

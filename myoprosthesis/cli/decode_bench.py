"""`myoprosthesis decode bench`: features and models on sessions, days or people that were held out."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import FlagGroup, JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_csv, write_json
from myoprosthesis.cli.fit_inputs import FitInputs, fit_inputs
from myoprosthesis.cli.recording_info import RecordingInfoArgument
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import listed
from myoprosthesis.emg.recording_format_file import beside

if TYPE_CHECKING:
    from myoprosthesis.training.decoding.benchmark import Candidate, FoldScore

FEATURES = (
    "mav,zc,ssc,wl,log_var", "mav,zc,ssc,wl", "mav,zc,ssc,wl,log_var,ar", "mav,zc,ssc,wl,log_var,ring",
    "tdpsd", "log_cov", "mav,zc,ssc,wl,log_var,log_cov", "tdpsd,log_cov",
)  # fmt: skip
SELECTED = "selected"
NOT_BENCHED = (
    "task", "rest", "reject_below", "reject_beyond", "debounce", "drift_beyond", "drift_s", "amplitude", "class_shares",
    "repetition_spread", "band_turn", "band_reversed", "temperature",
)  # fmt: skip
"""Options of decisions that the figures do not depend on, or that a fit finds."""
PROTOCOL_NAMES = ("sessions", "days", "people", "repetitions")


@dataclass(frozen=True, kw_only=True)
class DecodeBenchOptions(RecordingInfoArgument, JsonArgument):
    """Options of `decode bench`."""

    recordings: tuple[str, ...] = argument(
        help="folders of recordings, PERSON/SESSION/FILE; where they are named otherwise, --person-from and "
        "--session-from find person and session in the path",
        positional=True, nargs="+", metavar="DATASET",
    )  # fmt: skip
    protocol: str = argument(
        "sessions", "what is held out: each session of a person; each later day, fitted on the first; each person; or "
        "each repetition within a session", choices=PROTOCOL_NAMES,
    )  # fmt: skip
    features: tuple[str, ...] = argument(
        FEATURES, "sets of features to compare; the first is what the others are compared with", nargs="+",
        metavar="A,B,…",
    )  # fmt: skip
    models: tuple[str, ...] = argument(("lda",), "kinds of model, each with each set", nargs="+", metavar="MODEL")
    adapt: str = argument(
        "", "before the rest is decoded, adapt to a part of what is held out: labelled, to its first repetition; "
        "unlabelled, to the earlier half of its repetitions", choices=("", "labelled", "unlabelled"),
    )  # fmt: skip
    seconds: float = argument(
        0.0, "with --adapt labelled, of these first seconds, the same share of each class; 0: a repetition", "s", 0.0
    )
    seed: int = argument(0, "seed of the bootstrap", low=0)
    csv: str = argument("", "also write every fold to FILE", metavar="FILE")
    png: str = argument("", "also draw the folds", metavar="FILE")


def add(commands: Commands) -> None:
    """Add the command."""
    from myoprosthesis.decoders.options import DecoderOptions
    from myoprosthesis.emg.conditioning import Conditioning
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.training.decoding.windows import WindowOptions

    commands.add(
        "bench", run, DecodeBenchOptions,
        partial=(
            FlagGroup("what the files do not say", RecordingFormat),
            FlagGroup("conditioning", Conditioning, ("rate", "unit")),
            FlagGroup("windows", WindowOptions),
            FlagGroup("decoder", DecoderOptions, NOT_BENCHED),
        ),
        help="features and models on sessions, days or people that were held out",
        description="Fits each model on each set of features, and reports the accuracy on what was held out, fold by "
        "fold: the share of windows, without rejection or debounce. The mean is over people. The row `selected` takes "
        "in each fold what was best within the part that is fitted: no figure of it was chosen on what it reports. "
        "Differences are paired by fold, with a 95 %% bootstrap interval and Wilcoxon's signed-rank test. Person and "
        "session are the two folders above a file, unless patterns find them in its path. A file that cannot be used "
        "stops the command; those that --only leaves out are listed.",
    )  # fmt: skip


def run(command: DecodeBenchOptions, typed: Mapping[str, Any]) -> int:
    """Evaluate every candidate in every fold, print and write."""
    from myoprosthesis.decoders.options import CLASSIFICATION
    from myoprosthesis.training.decoding.benchmark import BenchAdaptation, benchmark, origin_of

    if command.seconds and command.adapt != "labelled":
        raise ConfigError("--seconds is what --adapt labelled takes: give both, or leave it out")
    for option in ("json", "csv", "png"):
        check_writable(getattr(command, option), f"--{option}")
    sets = {text: listed(text) for text in command.features}
    folders = [Path(p).expanduser() for p in command.recordings]
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder: a data set is a folder of recordings")
    union = tuple(dict.fromkeys(f for names in sets.values() for f in names))
    own = {**typed, "features": union, "model": "lda", "model_options": {}, "task": CLASSIFICATION}
    work = fit_inputs(command.recordings, command.recording_info, own)
    origins = {str(file): origin_of(file, _folder(file, folders), work.layout) for file in work.files}
    left_out = _left_out(folders, work)
    candidates = _candidates(command.models, sets, work)
    scores: list[FoldScore] = []
    selected: list[FoldScore] = []
    step_s = work.cut.step_s
    apart = math.ceil(work.settings.window_s / step_s)
    adaptation = BenchAdaptation(command.adapt, command.seconds, step_s, apart) if command.adapt else None
    for fold, choice in benchmark(work.windows, origins, candidates, work.names, command.protocol, adaptation):
        scores += fold
        selected.append(choice)
        print(f"{choice.person} {choice.held_out}: " + "  ".join(f"{s.accuracy:.1%}" for s in fold)
              + (f"  selected {choice.candidate}" if len(candidates) > 1 else ""), file=sys.stderr)  # fmt: skip
    rows = {c.name: [s for s in scores if s.candidate == c.name] for c in candidates}
    figures = _figures(command, work, rows, selected)
    _print(figures)
    table = [{"row": name, **asdict(s)} for name, own_scores in rows.items() for s in own_scores]
    table += [{"row": SELECTED, **asdict(s)} for s in selected] if len(rows) > 1 else []
    write_csv(command.csv, table)
    if command.png:
        from myoprosthesis.cli import decode_bench_picture

        decode_bench_picture.draw(command.png, figures)
    write_json(command.json, {**figures, "left_out": left_out, **work.quality})
    return 0


def _folder(file: Path, folders: Sequence[Path]) -> Path:
    """The data set that a file is of."""
    return next(folder for folder in folders if file.is_relative_to(folder))


def _left_out(folders: Sequence[Path], work: FitInputs) -> list[str]:
    """Files of the data set that are not used, which are printed; raises `ConfigError` for one without windows."""
    used = set(work.windows.file.tolist())
    for file in work.files:
        if str(file) not in used:
            raise ConfigError(
                f"{file} holds no labelled window of {work.settings.window_s:g} s: leave it out with --only"
            )
    read = {*work.files, *(beside(place) for place in (*folders, *work.files))}
    left = [str(f) for folder in folders for f in sorted(folder.rglob("*")) if f.is_file() and f not in read]
    if left:
        more = f" and {len(left) - 6} more" if len(left) > 6 else ""
        print(f"not used, {len(left)} files: {', '.join(left[:6])}{more}")
    return left


def _candidates(models: Sequence[str], sets: Mapping[str, Sequence[str]], work: FitInputs) -> list[Candidate]:
    """Every model with every set of features."""
    import numpy as np

    from myoprosthesis.core import registry
    from myoprosthesis.decoders.features import columns
    from myoprosthesis.decoders.models import for_features
    from myoprosthesis.training.decoding.benchmark import Candidate

    place = {name: k for k, name in enumerate(n for f in work.features for n in columns(f, work.channels))}
    made = []
    for model in dict.fromkeys(models):
        for text, names in sets.items():
            own = [place[n] for f in names for n in columns(f, work.channels)]
            kind = registry.factory("decoders", model)(registry.options("decoders", model)())
            arranged = for_features(kind, [n for f in names for n in columns(f, work.channels)])
            made.append(Candidate(f"{model} {text}", arranged, np.array(own, np.intp)))
    return made


def _figures(
    command: DecodeBenchOptions, work: FitInputs, rows: Mapping[str, list[FoldScore]], selected: list[FoldScore]
) -> dict[str, Any]:
    from myoprosthesis.training.decoding.benchmark import mean_accuracy

    everything = {**rows, SELECTED: selected} if len(rows) > 1 else rows
    first = next(iter(rows.values()))
    parts = []
    for name, scores in everything.items():
        mean, people = mean_accuracy(scores)
        parts.append({
            "name": name, "mean_accuracy": mean, "worst": min(s.accuracy for s in scores), "people": people,
            "folds": [asdict(s) for s in scores], **_adapted(scores),
            "difference": _difference(scores, first, command.seed) if scores is not first else None,
        })  # fmt: skip
    return {
        "protocol": command.protocol, "adapt": command.adapt, "classes": list(work.names), "windows": len(work.windows),
        "mean_accuracy": parts[-1]["mean_accuracy"], "folds": parts[-1]["folds"], "candidates": parts,
    }  # fmt: skip


def _adapted(scores: Sequence[FoldScore]) -> dict[str, Any]:
    """Of folds with an adaptation: the mean accuracy before it, its smallest gain, and how often it refused itself."""
    from myoprosthesis.training.decoding.benchmark import mean_accuracy

    before = [replace(s, accuracy=s.before) for s in scores if s.before is not None]
    if not before:
        return {}
    gains = [s.accuracy - b.accuracy for s, b in zip(scores, before, strict=True)]
    return {
        "mean_before": mean_accuracy(before)[0], "smallest_gain": min(gains),
        "refused": sum(bool(s.refused) for s in scores),
    }  # fmt: skip


def _difference(scores: Sequence[FoldScore], first: Sequence[FoldScore], seed: int) -> dict[str, float] | None:
    """Mean paired difference over folds with its 95 % interval and Wilcoxon's p; None for less than two folds."""
    from scipy.stats import wilcoxon

    from myoprosthesis.analysis.intervals import paired_difference

    if len(scores) < 2:
        return None
    a, b = ([s.accuracy for s in part] for part in (scores, first))
    x = paired_difference(a, b, seed)
    p = float(wilcoxon(a, b).pvalue) if a != b else 1.0
    return {"value": x.value, "low": x.low, "high": x.high, "wilcoxon_p": p}


def _print(figures: Mapping[str, Any]) -> None:
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console

    adapted = f", adapted to a part of it ({figures['adapt']})" if figures["adapt"] else ""
    table = FigureTable(title=f"accuracy held out, {figures['protocol']}{adapted}: {len(figures['folds'])} folds, "
                              f"{len(figures['classes'])} classes")  # fmt: skip
    extra = ("before", "smallest gain", "refused") if adapted else ()
    for column in ("", "mean", "worst fold", *extra, *figures["candidates"][0]["people"], "− first, 95 %", "p"):
        table.add_column(column)
    for row in figures["candidates"]:
        d = row["difference"]
        apart = (f"{d['value']:+.1%} ({d['low']:+.1%} … {d['high']:+.1%})", f"{d['wilcoxon_p']:.2g}") if d else ("", "")
        own = (f"{row['mean_before']:.1%}", f"{row['smallest_gain']:+.1%}", str(row["refused"])) if adapted else ()
        people = (f"{v:.1%}" for v in row["people"].values())
        table.add_row(row["name"], f"{row['mean_accuracy']:.1%}", f"{row['worst']:.1%}", *own, *people, *apart)
    table_console().print(table)

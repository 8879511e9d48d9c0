"""`myoprosthesis decode compare`: several decoders and hands on one recorded session, in one report."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import FlagGroup, JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.recording_info import RecordingInfoArgument, chosen, recording_info
from myoprosthesis.cli.recordings import fitted_on, read, report_faults, warn_of_known
from myoprosthesis.core.errors import ConfigError, MyoError

if TYPE_CHECKING:
    from myoprosthesis.core.effector import Effector
    from myoprosthesis.training.decoding.compared_session import ComparedSession
    from myoprosthesis.training.decoding.comparison import DecisionCourse
    from myoprosthesis.training.decoding.trial_decisions import TrialDecisions
    from myoprosthesis.training.decoding.trial_movements import TrialMovement

GRIPS = ("close=power", "flexion=pinch", "extension=point")
DECISIONS = ("accuracy", "active_error", "rejection", "chosen")
MOVEMENTS = ("goal_rad", "tracking_rad")
WORDS = {
    "accuracy": "accuracy", "active_error": "active error", "rejection": "rejected", "chosen": "right choice",
    "goal_rad": "goal, rad", "tracking_rad": "tracking, rad", "closure": "closure",
    "closure_apart_rms": "closures apart",
}  # fmt: skip
"""What is compared, as tables call it."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions(RecordingInfoArgument, JsonArgument):
    """Options of `decode compare`."""

    recordings: tuple[str, ...] = argument(
        (), "files, or folders of them; by default the recording that is shipped", positional=True, nargs="*",
        metavar="RECORDING",
    )  # fmt: skip
    decoders: tuple[str, ...] = argument(help="fitted decoders, by name or path", nargs="+", metavar="NAME")
    hands: tuple[str, ...] = argument(("ability_hand_model",), "hand models", nargs="+", metavar="EFFECTOR")
    grips: tuple[str, ...] = argument(GRIPS, "what each decision moves", nargs="*", metavar="DECISION=POSE")
    speed: float = argument(2.0, "fastest change of a joint", "rad/s")
    margin_s: float = argument(0.0, "left out of the decisions at the start of each trial: the person's reaction", "s")
    skip: bool = argument(False, "go on without decoders that do not fit")
    seed: int = argument(0, "seed of the bootstrap", low=0)
    out: Path = argument(help="where tables and picture are written", metavar="FOLDER")


def add(commands: Commands) -> None:
    """Add the command."""
    from myoprosthesis.emg.recording_format import RecordingFormat

    commands.add(
        "compare", run, CompareOptions, partial=(FlagGroup("what the files do not say", RecordingFormat),),
        help="several decoders and hands on one recorded session",
        description="Plays one recorded session through several decoders and hand models, offline, by the objects of a "
        "running stack, and compares them trial by trial. The same command gives the same files to the byte.",
    )  # fmt: skip


def run(command: CompareOptions, typed: Mapping[str, Any]) -> int:
    """Play, compare, write; status 2 when a decoder does not fit, unless `--skip`."""
    check_writable(command.json)
    try:
        import matplotlib  # noqa: F401
        import scipy  # noqa: F401
    except ImportError as error:
        raise ConfigError("comparing needs scipy and matplotlib: pip install 'myoprosthesis[emg]'") from error
    from myoprosthesis.core.options import build
    from myoprosthesis.decoders.posture_control import PostureControlOptions
    from myoprosthesis.policies.onnx_policy import read_contract
    from myoprosthesis.training.decoding import comparison
    from myoprosthesis.training.decoding.trial_decisions import trial_decisions
    from myoprosthesis.training.decoding.trial_movements import trial_movements
    from myoprosthesis.training.decoding.trial_table import csv_table

    options = build(PostureControlOptions, {"grips": list(command.grips), "speed": command.speed}, "compare")
    session, own = _session(command, typed)
    hands = _hands(command.hands)
    names, left_out = _fitting(command, session, hands, options)
    known = {n: warn_of_known(n, read_contract(f).result.get("fitted_on", ()), own) for n, f in names.items()}
    courses: dict[tuple[str, str], DecisionCourse] = {}
    decided: list[TrialDecisions] = []
    moved: list[TrialMovement] = []
    try:
        for name, file in names.items():
            for hand, effector in hands.items():
                controller = _controller(name, file, session, effector, options)
                course = courses[name, hand] = comparison.play(controller, session, effector)
                if hand == next(iter(hands)):  # what is decided is the same for all
                    decided += trial_decisions(controller, course, session, command.margin_s)
                moved += trial_movements(controller, course, session, effector.spec, hand, options)
    finally:
        for effector in hands.values():
            effector.close()
    if not decided:
        raise ConfigError("no trial is long enough for a window of the decoders")
    specs = {hand: effector.spec for hand, effector in hands.items()}
    figures = {
        "recordings": list(command.recordings) or ["shipped"], "seconds": len(session.samples) / session.rate,
        "trials": len(session.trials), "hands": list(hands), "grips": list(command.grips), "speed": command.speed,
        "decoders": {
            n: {"file": str(f), "sha256": _digest(f.read_bytes()), "fitted_on": known[n]} for n, f in names.items()
        },
        "left_out": left_out,
        "by_decoder": _by_decoder(decided, moved, names, hands, courses),
        "differences": _differences(decided, moved, courses, specs, session, command.seed),
    }  # fmt: skip
    files = {"decisions.csv": csv_table(decided), "movements.csv": csv_table(moved),
             "compare.json": json.dumps(_plain(figures), indent=1) + "\n"}  # fmt: skip
    for name, text in files.items():
        _write(command.out / name, text.encode())
    from myoprosthesis.cli import compare_picture

    _write(command.out / "compare.png", compare_picture.draw(figures, session, courses, specs))
    figures["sha256"] = {n: _digest(t.encode()) for n, t in files.items()}
    _print(figures)
    write_json(command.json, figures)
    return 0


def _session(command: CompareOptions, typed: Mapping[str, Any]) -> tuple[ComparedSession, set[str]]:
    """The trials, and what `fitted_on` would say of their recordings."""
    from myoprosthesis.core.share import root
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.training.decoding.compared_session import ComparedSession

    paths = command.recordings or (str(root() / "config" / "recordings" / "libemg_myo"),)
    layout: RecordingFormat = chosen(typed, RecordingFormat, recording_info(command.recording_info, paths))
    files, recordings = read(paths, layout, typed)
    report_faults(recordings)
    return ComparedSession.of(recordings, layout), set(fitted_on(files))


def _hands(names: Sequence[str]) -> dict[str, Effector]:
    from myoprosthesis.core import registry
    from myoprosthesis.training.decoding.trial_movements import closure

    if len(set(names)) < len(names):
        raise ConfigError(f"a hand is named twice: {' '.join(names)}")
    hands: dict[str, Effector] = {}
    for name in names:
        made: Effector = registry.factory("effectors", name)(registry.options("effectors", name)())
        hands[name] = made
        if not made.spec.pausable:
            raise ConfigError(f"effector {name!r} is no simulation: a comparison needs one that can be stepped")
        closure(_pose(made), made.spec)
    return hands


def _pose(effector: Effector) -> Any:
    import numpy as np

    return np.zeros((1, effector.spec.command.size))


def _controller(name: str, file: Path, session: ComparedSession, effector: Effector, options: Any) -> Any:
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training.decoding import comparison

    return comparison.controller_for(name, OnnxPolicy(file), session, effector.spec, options)


def _fitting(
    command: CompareOptions, session: ComparedSession, hands: dict[str, Effector], options: Any
) -> tuple[dict[str, Path], list[str]]:
    """The decoders that fit recording and hands, with their files, and those left out; a sentence for each of them."""
    from myoprosthesis.policies import store

    if len(set(command.decoders)) < len(command.decoders):
        raise ConfigError(f"a decoder is named twice: {' '.join(command.decoders)}")
    short = [d.removesuffix("/policy.onnx").rstrip("/").rpartition("/")[2] for d in command.decoders]
    labels = short if len(set(short)) == len(short) else command.decoders
    fitting: dict[str, Path] = {}
    for name, path in zip(labels, command.decoders, strict=True):
        try:
            file = store.find(path)
            for effector in hands.values():
                _controller(name, file, session, effector, options)
            fitting[name] = file
        except MyoError as error:
            print(f"{'left out' if command.skip else 'does not fit'}: {name}: {error}", file=sys.stderr)
    wrong = len(command.decoders) - len(fitting)
    if wrong and not command.skip:
        raise ConfigError(
            f"{wrong} of {len(command.decoders)} decoders cannot be compared here; --skip leaves them out"
        )
    if not fitting:
        raise ConfigError("no decoder is left to compare")
    return fitting, [name for name in labels if name not in fitting]


def _by_decoder(decided: Any, moved: Any, names: Any, hands: Any, courses: Any) -> dict[str, Any]:
    """Figures of each decoder: of all windows, by class, by repetition, and by hand."""
    out = {}
    for name in names:
        mine = [r for r in decided if r.decoder == name]
        out[name] = {
            **_shares(mine),
            "onset_s": _mean([r.onset_s for r in mine]),
            "by_class": {c: _shares([r for r in mine if r.label == c]) for c in sorted({r.label for r in mine})},
            "by_repetition": {
                k: _shares([r for r in mine if r.repetition == k]) for k in sorted({r.repetition for r in mine})
            },
            "by_hand": {
                hand: {
                    **{m: _mean(list(_moves(moved, name, hand, m).values())) for m in MOVEMENTS},
                    "guard_events": courses[name, hand].events,
                }
                for hand in hands
            },
        }  # fmt: skip
    return out


def _shares(rows: list[Any]) -> dict[str, Any]:
    """Shares of all windows of some trials."""
    n = sum(r.windows for r in rows)
    return {"windows": n, **{m: sum(getattr(r, m) * r.windows for r in rows) / n for m in DECISIONS}}


def _mean(values: list[float]) -> float | None:
    known = [v for v in values if not math.isnan(v)]
    return sum(known) / len(known) if known else None


def _differences(
    decided: Any, moved: Any, courses: Any, specs: Any, session: ComparedSession, seed: int
) -> list[dict[str, Any]]:
    """Paired differences, first minus second, over the trials that both have, with 95 % intervals."""
    from myoprosthesis.training.decoding.trial_movements import closure_difference

    decoders, hands = (list(dict.fromkeys(k[i] for k in courses)) for i in (0, 1))
    rows = []
    for a, b in combinations(decoders, 2):
        for measure in DECISIONS:
            one, two = ({r.trial: getattr(r, measure) for r in decided if r.decoder == d} for d in (a, b))
            rows.append(_paired(a, b, measure, "", one, two, seed))
        for hand in hands:
            for measure in MOVEMENTS:
                one, two = (_moves(moved, d, hand, measure) for d in (a, b))
                rows.append(_paired(a, b, measure, hand, one, two, seed))
    for a, b in combinations(hands, 2):
        for name in decoders:
            for measure in (*MOVEMENTS, "closure"):
                one, two = (_moves(moved, name, h, measure) for h in (a, b))
                rows.append(_paired(a, b, measure, name, one, two, seed))
            gaps = closure_difference(courses[name, a], courses[name, b], specs[a], specs[b], session)
            one = dict(enumerate(gaps.tolist()))
            rows.append(_paired(a, b, "closure_apart_rms", name, one, dict.fromkeys(one, 0.0), seed))
    return rows


def _moves(moved: Any, decoder: str, hand: str, measure: str) -> dict[int, float]:
    return {r.trial: getattr(r, measure) for r in moved if (r.decoder, r.hand) == (decoder, hand)}


def _paired(
    a: str, b: str, measure: str, under: str, one: dict[int, float], two: dict[int, float], seed: int
) -> dict[str, Any]:
    """`under` is the hand of a difference between decoders, or the decoder of one between hands."""
    from myoprosthesis.analysis.intervals import paired_difference

    both = [t for t in one if t in two and not math.isnan(one[t]) and not math.isnan(two[t])]
    row = {"first": a, "second": b, "measure": measure, "under": under, "trials": len(both)}
    if len(both) < 2:
        return {**row, "difference": None, "low": None, "high": None}
    x = paired_difference([one[t] for t in both], [two[t] for t in both], seed)
    return {**row, "difference": x.value, "low": x.low, "high": x.high}


def _print(figures: dict[str, Any]) -> None:
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console

    console = table_console()
    top = FigureTable(title=f"{figures['trials']} trials, {figures['seconds']:.1f} s")
    for column in ("decoder", *(WORDS[m] for m in DECISIONS), "hand", *(WORDS[m] for m in MOVEMENTS)):
        top.add_column(column)
    for name, f in figures["by_decoder"].items():
        own = [name, *(f"{100 * f[m]:.1f} %" for m in DECISIONS)]
        for hand, h in f["by_hand"].items():
            top.add_row(*own, hand, *("–" if h[m] is None else f"{h[m]:.3f}" for m in MOVEMENTS))
            own = [""] * len(own)
    console.print(top)
    table = FigureTable(title="first − second, trial by trial (95 %)")
    for column in ("first", "second", "measure", "under", "difference", "interval"):
        table.add_column(column)
    for d in figures["differences"]:
        value = ("–", "–") if d["difference"] is None else (
            f"{d['difference']:+.4f}", f"{d['low']:+.4f} … {d['high']:+.4f}")  # fmt: skip
        table.add_row(d["first"], d["second"], WORDS[d["measure"]], d["under"], *value)
    console.print(table)
    for name, digest in figures["sha256"].items():
        print(f"{digest}  {name}")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _plain(value: Any) -> Any:
    """For JSON, with nine digits: the last ones of a float may differ between machines."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value

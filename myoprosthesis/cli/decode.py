"""`myoprosthesis decode`: fit a decoder on recordings, and judge it on what was held out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from myoprosthesis.cli import compare, decode_adapt, decode_bench
from myoprosthesis.cli.arguments import FlagGroup, JsonArgument, argument
from myoprosthesis.cli.commands import COMMAND_LINE, Commands
from myoprosthesis.cli.decode_picture import draw
from myoprosthesis.cli.figures import check_writable, policy_folder, write_json
from myoprosthesis.cli.fit_inputs import FitInputs, fit_inputs, print_gap_windows
from myoprosthesis.cli.recording_info import RecordingInfoArgument, chosen, options, recording_info
from myoprosthesis.cli.recordings import fitted_on, read, report_faults, warn_of_known
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import counted
from myoprosthesis.decoders.options import CLASSIFICATION, REGRESSION, DecoderOptions

FOUND = ("temperature", "amplitude", "drift_beyond", "class_shares", "repetition_spread", "band_turn", "band_reversed")
"""Options of decisions that a fit or an adaptation finds."""


@dataclass(frozen=True, kw_only=True)
class DecodeOptions(RecordingInfoArgument):
    """Options that fitting and judging share."""

    recordings: tuple[str, ...] = argument(
        help="files, or folders of them", positional=True, nargs="+", metavar="RECORDING"
    )
    png: str = argument("", "also draw the confusion matrix", metavar="FILE")


@dataclass(frozen=True, kw_only=True)
class FitOptions(DecodeOptions, JsonArgument):
    """Options of `decode fit`."""

    out: str = argument(help="where policy.onnx and card.md are written", metavar="FOLDER")
    accept_wrong: float = argument(
        0.0, "find --reject-below so that at most this share of the windows held out makes a wrong movement; 0: do not",
        "1", 0.0, 1.0, metavar="SHARE",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(DecodeOptions, JsonArgument):
    """Options of `decode evaluate`."""

    decoder: str = argument("", "a fitted decoder, run as in a running stack", metavar="NAME")


def add(commands: Commands) -> None:
    """Add the commands."""
    own = commands.group("decode", "fit a decoder on recordings, judge it", __doc__ or "")
    own.add(
        "fit", fit, FitOptions, partial=_groups(),
        help="fit a decoder and write it as one file, with the figures it reaches on what was held out",
    )  # fmt: skip
    own.add(
        "evaluate", evaluate, EvaluateOptions, partial=_groups(),
        help="judge a way to fit, or with --decoder a decoder that was fitted before",
    )  # fmt: skip
    compare.add(own)
    decode_adapt.add(own)
    decode_bench.add(own)


def _groups() -> tuple[FlagGroup, ...]:
    """What is known about the recordings and what is fitted."""
    from myoprosthesis.decoders.options import DecoderOptions
    from myoprosthesis.emg.conditioning import Conditioning
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.training.decoding.cross_validation import SplitOptions
    from myoprosthesis.training.decoding.fitting import DecoderModelOptions
    from myoprosthesis.training.decoding.mixtures import MixtureOptions
    from myoprosthesis.training.decoding.windows import WindowOptions

    return (
        FlagGroup("what the files do not say", RecordingFormat),
        FlagGroup("conditioning", Conditioning, ("rate", "unit")),
        FlagGroup("windows", WindowOptions),
        FlagGroup("model", DecoderModelOptions),
        FlagGroup("decisions", DecoderOptions, FOUND),
        FlagGroup("split", SplitOptions),
        FlagGroup("movements at once", MixtureOptions),
    )


USELESS = (
    "was it measured beside this EMG, is it the right column (--targets), and is what is held out the same movement as "
    "what is fitted on?"
)


def fit(command: FitOptions, typed: Mapping[str, Any]) -> int:
    """Judge by the split, then fit on everything, and write."""
    from myoprosthesis.training.decoding import fitting as d
    from myoprosthesis.training.decoding.amplitudes import amplitudes
    from myoprosthesis.training.decoding.drift import drift_limit
    from myoprosthesis.training.decoding.export import decoder_contract, write_decoder
    from myoprosthesis.training.decoding.repetition_spread import repetition_spread

    check_writable(command.json)
    check_writable(command.png)
    out = policy_folder(command.out)
    work = fit_inputs(command.recordings, command.recording_info, typed)
    scores, settings = _judge(work, command.accept_wrong)
    if scores.get("r2", 1.0) <= 0:
        raise ConfigError(
            f"nothing is written: a decoder whose R² is {scores['r2']:.2f} is further off than the mean of what was "
            f"measured: {USELESS}"
        )
    fitted = d.fit(work.windows, work.model, work.settings.task, work.names)
    limit = drift_limit(work.windows, work.settings, work.names, work.cut.step_s)
    settings = replace(settings, drift_beyond=limit)
    if settings.task == CLASSIFICATION:
        shares, spread = d.class_shares(work.windows, work.names), repetition_spread(work.windows, fitted)
        settings = replace(settings, class_shares=shares, repetition_spread=spread)
    amplitude = (
        amplitudes(work.windows, work.features, work.channels, settings.rest) if settings.task == CLASSIFICATION else {}
    )
    low, high, unit = _bounds(work)
    kept = {k: v for k, v in scores.items() if k not in ("confusion", "reliability")}
    result = {**kept, "fitted_on": fitted_on(work.files)}
    terms = decoder_contract(
        out.name, fitted, work.features, work.channels, work.conditioning, {**asdict(settings), "amplitude": amplitude},
        work.cut.step_s, low, high, unit, result,
    )  # fmt: skip
    gap = write_decoder(fitted, terms, out, work.windows.x)
    (out / "card.md").write_text(_card(out.name, work, scores, gap, limit, COMMAND_LINE.get()), encoding="utf-8")
    print(f"the ONNX file answers as the fitted model does, to within {gap:.1g}")
    print(f"drift is reported beyond a median distance of {limit:.2f} from the EMG of the fit" if limit else
          "drift is never reported: nothing was held out by which its limit could be set")  # fmt: skip
    print(f"decoder in {out}, fitted on {len(work.windows)} windows of {counted(len(work.files), 'recording')}")
    if command.png and scores.get("confusion"):
        draw(command.png, scores, work.names, out.name)
    figures = {
        "decoder": str(out), "windows": len(work.windows), "export_gap": gap, "drift_beyond": limit, "judged": scores,
        **work.quality,
    }  # fmt: skip
    write_json(command.json, figures)
    return 0


def _judge(work: FitInputs, accepted: float) -> tuple[dict[str, Any], DecoderOptions]:
    """Figures on what was held out, and the options of decisions with what they tell of confidences."""
    from myoprosthesis.training.decoding.cross_validation import cross_validate

    settings = work.settings
    if accepted and (settings.task != CLASSIFICATION or settings.reject_below):
        raise ConfigError("--accept-wrong finds --reject-below for a decoder of classes: give one of them")
    try:
        crossed = cross_validate(work.windows, work.model, settings, work.names, work.split)
    except ConfigError as error:
        if accepted:
            raise ConfigError(f"--accept-wrong needs what was held out: {error}") from error
        print(f"not judged: {error}", file=sys.stderr)
        return {}, settings
    scores = crossed.summary(settings.rest, settings.reject_below, accepted)
    _tell(scores, work)
    if settings.task == CLASSIFICATION:
        settings = replace(settings, temperature=crossed.temperature)
    if accepted:
        settings = replace(settings, reject_below=crossed.threshold(accepted, settings.rest))
        print(f"decisions with a confidence below {settings.reject_below:.3f} are rejected")
    return scores, settings


def evaluate(command: EvaluateOptions, typed: Mapping[str, Any]) -> int:
    """Judge a way to fit, or a decoder that is there."""
    check_writable(command.json)
    check_writable(command.png)
    if command.decoder:
        scores, names = _replay(command, typed)
    else:
        from myoprosthesis.training.decoding.cross_validation import cross_validate

        work = fit_inputs(command.recordings, command.recording_info, typed)
        crossed = cross_validate(work.windows, work.model, work.settings, work.names, work.split)
        scores = crossed.summary(work.settings.rest, work.settings.reject_below)
        scores |= work.quality
        names = work.names
        _tell(scores, work)
    if command.png:
        if not scores.get("confusion"):
            raise ConfigError("--png draws a confusion matrix, which only classes have")
        draw(command.png, scores, names, command.decoder or "held out")
    write_json(command.json, scores)
    return 0


def _refuse_fixed(typed: Mapping[str, Any]) -> None:
    """Refuse flags of what a decoder was fitted with, or of how a fit is judged."""
    from myoprosthesis.emg.recording_format import RecordingFormat

    free = {f.name for f in fields(RecordingFormat)} | {"margin_s"}
    names = {f.name for kind in options() for f in fields(kind)} - free
    flags = [f"--{name.replace('_', '-')}" for name in sorted(names & set(typed))]
    if flags:
        raise ConfigError(
            f"{', '.join(flags)} cannot be given with --decoder, which is judged as it was fitted and on all of the "
            f"recordings: leave it out, or leave --decoder out to judge a way to fit"
        )


def _bounds(work: FitInputs) -> tuple[Any, Any, str]:
    """Bounds and unit of what the decoder says."""
    import numpy as np

    n = len(work.names)
    if work.settings.task != REGRESSION:
        return np.zeros(n), np.ones(n), "1"
    low, high = work.windows.target.min(axis=0), work.windows.target.max(axis=0)
    return low, np.where(high > low, high, low + 1.0), work.target_unit


def _tell(scores: dict[str, Any], work: FitInputs) -> None:
    from rich.table import Table

    from myoprosthesis.cli.table_console import table_console

    table = Table(f"held out ({work.split.by})", "R²" if scores["task"] == REGRESSION else "accuracy")
    for name, score in scores["folds"].items():
        shown = "–" if score is None else f"{score:.3f}" if scores["task"] == REGRESSION else f"{score:.2%}"
        table.add_row(name, shown)
    table_console().print(table)
    if scores["task"] == REGRESSION:
        print(f"R² {scores['r2']:.3f} median of the folds, {scores['r2_worst']:.3f} worst; {scores['windows']} windows")
        interval, unit = scores["interval"], f" {work.target_unit}".replace(" 1", "")
        widths = ", ".join(f"{name} ± {width:.3g}{unit}" for name, width in interval["half_width"].items())
        held = "" if interval["coverage"] is None else f" (by the other folds: {interval['coverage']:.0%})"
        print(f"{interval['level']:.0%} of the held-out windows lie within {widths}{held}")
        if scores["error_by_label"]:
            by_label = Table("mean absolute error", *work.names)
            for label, errors in scores["error_by_label"].items():
                by_label.add_row(label, *(f"{errors[name]:.3f}" for name in work.names))
            table_console().print(by_label)
        if constant := [name for name, score in scores["folds"].items() if score is None]:
            print(f"in {', '.join(constant)} the targets keep one value, so that there is no R²")
        if useless := [name for name, score in scores["folds"].items() if score is not None and score <= 0]:
            print(f"in {', '.join(useless)} the decoder is further off than the mean of what was measured: {USELESS}")
        return
    per = scores.get("per_class") or scores["per_switch"]
    print(_shares(per))
    line = f"accuracy {scores['accuracy']:.2%} of {scores['windows']} windows"
    if scores["task"] == CLASSIFICATION:
        line += f"; active error rate {scores['active_error_rate']:.2%}, rejected {scores['rejection_rate']:.2%}"
        r = scores["reliability"]
        line += f"\nconfidences are off by {r['error']:.1%} on average, with temperature {r['temperature']:.2f} "
        line += f"({r['error_before']:.1%} without)"
    else:
        line += "; always the more frequent: " + ", ".join(f"{v:.0%}" for v in scores["majority"].values())
    print(line)


def _shares(per: Mapping[str, float | None]) -> str:
    absent = [name for name, share in per.items() if share is None]
    text = "  ".join(f"{name} {'–' if share is None else f'{share:.1%}'}" for name, share in per.items())
    return f"{text} (not in these recordings: {', '.join(absent)})" if absent else text


def _replay(command: EvaluateOptions, typed: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[str]]:
    """Run a decoder over recordings."""
    import numpy as np

    from myoprosthesis.decoders.decoder import Decoder
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training.decoding.cross_validation import per_class
    from myoprosthesis.training.decoding.replay import replay
    from myoprosthesis.training.decoding.windows import WindowOptions, check_electrodes, count_gap_windows

    _refuse_fixed(typed)
    file = recording_info(command.recording_info, command.recordings)
    decoder = Decoder(OnnxPolicy(store.find(command.decoder)))
    names, task, rest = decoder.names, decoder.settings.task, decoder.settings.rest
    if task != CLASSIFICATION:
        raise ConfigError(f"decoder {decoder.contract.name!r} decodes {task}; --decoder judges classes only")
    cut: WindowOptions = chosen(typed, WindowOptions, file)
    files, recordings = read(command.recordings, chosen(typed, RecordingFormat, file), typed)
    known = warn_of_known(decoder.contract.name, decoder.contract.result.get("fitted_on", ()), fitted_on(files))
    quality = report_faults(recordings, decoder.contract.conditioning.get("mains_hz", 0.0))
    print_gap_windows(count_gap_windows(recordings, decoder.settings.window_s, decoder.contract.dt, cut.margin_s))
    confusion = np.zeros((len(names), len(names)), int)
    wrong = rejected = drifting = 0
    taken, drifted = [], []
    for path, recording in recordings:
        strange = sorted({s.label for s in recording.spans} - set(names))
        if strange:
            raise ConfigError(f"{path}: label {strange[0]!r} is none of the decoder's classes {', '.join(names)}")
        order = decoder.contract.match_emg(recording.channels, decoder.contract.conditioning)
        own = replace(recording, samples=recording.samples[:, order], channels=decoder.contract.emg_channels)
        check_electrodes(own, path, "the decoder needs it")
        run = replay(decoder, recording, cut.margin_s)
        taken.append(run.seconds)
        events = sum(d.drifting for d in run.decisions)
        drifting += events
        if events:
            drifted.append(str(path))
        for decision, truth in zip(run.decisions, run.truth, strict=True):
            if truth:
                best = names[int(decision.scores.argmax())]
                confusion[names.index(truth), names.index(best)] += 1
                rejected += decision.rejected
                wrong += decision.choice not in (truth, rest, "")
    n = int(confusion.sum())
    if not n:
        raise ConfigError("the recordings hold no labelled window to judge by: are they labelled, and long enough?")
    seconds = np.concatenate(taken)
    scores = {
        "task": task, "windows": n, "accuracy": float(np.trace(confusion) / n),
        "per_class": per_class(confusion, names), "fitted_on": known,
        "confusion": confusion.tolist(), "active_error_rate": wrong / n, "rejection_rate": rejected / n,
        "decision_ms": {"p50": 1e3 * float(np.percentile(seconds, 50)), "p99": 1e3 * float(np.percentile(seconds, 99))},
        "drift_decisions": drifting, "drift_recordings": drifted, **quality,
    }  # fmt: skip
    print(_shares(scores["per_class"]))  # type: ignore[arg-type]
    print(f"accuracy {scores['accuracy']:.2%} of {n} windows; active error rate {wrong / n:.2%} after rejection and "
          f"debounce, rejected {rejected / n:.2%}; a decision takes {scores['decision_ms']['p50']:.3f} ms (median)")  # type: ignore[index] # fmt: skip
    for name in drifted:
        print(f"drift: {name} is not like what the decoder was fitted on: fit it again, or put the electrodes back")
    return scores, names


def _card(name: str, work: FitInputs, scores: dict[str, Any], gap: float, limit: float, command: str) -> str:
    """What a person should know about the decoder."""
    lines = [
        f"# {name}", "",
        f"{work.model_name} on {', '.join(work.features)} of {len(work.channels)} channels at "
        f"{work.conditioning.rate:g} Hz ({work.conditioning.unit}), window {work.settings.window_s:g} s every "
        f"{work.cut.step_s:g} s, {work.settings.task}: {', '.join(work.names)}.", "",
        f"Fitted on {len(work.windows)} windows of {counted(len(work.files), 'recording')}. By onnxruntime it differs "
        f"from the fitted model by at most {gap:.1g}. Drift is reported above a median distance of {limit:.2f}.", "",
        *(f"Of the recordings: {s}.\n" for s in (*work.quality["remarks"], *work.quality["fault_sentences"])),
        "Made by:", "", f"    {command}", "",
    ]  # fmt: skip
    if scores:
        key = "r2" if scores["task"] == REGRESSION else "accuracy"
        lines += [
            f"Held out by {work.split.by}{' (' + ', '.join(work.split.test) + ')' if work.split.test else ' in turn'}: "
            f"{key} {scores[key]:.4f} of {scores['windows']} windows, none of them seen by the fit.", "",
            "| held out | score |", "|---|---|",
            *(f"| {k} | {'–' if v is None else f'{v:.4f}'} |" for k, v in scores["folds"].items()), "",
        ]  # fmt: skip
    return "\n".join(lines)

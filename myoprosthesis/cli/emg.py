"""`myoprosthesis emg`: muscle signals, recorded and live."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli import emg_live, recording_picture
from myoprosthesis.cli.arguments import FlagGroup, JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.recording_info import RecordingInfoArgument, chosen, recording_info
from myoprosthesis.core.text import counted, printable
from myoprosthesis.emg.recording_format import RecordingFormat

if TYPE_CHECKING:
    from myoprosthesis.emg.recording import EmgRecording
    from myoprosthesis.emg.signal_quality import SignalFaults


@dataclass(frozen=True, kw_only=True)
class InfoOptions(JsonArgument, RecordingInfoArgument):
    """Options of `emg info`."""

    file: str = argument(help="CSV, TSV, … or a folder of them", positional=True)
    png: str = argument("", "also draw the channels (of several recordings the first)", metavar="FILE")


def add(commands: Commands) -> None:
    """Add the commands."""
    own = commands.group("emg", "muscle signals: look at recordings and live sources", __doc__ or "")
    own.add(
        "info", info, InfoOptions, help="channels, rate, labels and faults of a recording",
        description=info.__doc__ or "", partial=(FlagGroup("what the files do not say", RecordingFormat),),
    )  # fmt: skip
    emg_live.add(own)


def info(options: InfoOptions, typed: dict[str, Any]) -> int:
    """Show what a recording holds, how it was read and what is wrong with it."""
    from myoprosthesis.emg import formats
    from myoprosthesis.emg.labels import check_labels
    from myoprosthesis.emg.signal_quality import faults

    check_writable(options.json)
    check_writable(options.png)
    layout = chosen(typed, RecordingFormat, recording_info(options.recording_info, [options.file]))
    paths = formats.files(options.file, layout)
    figures: dict[str, Any] = {}
    labels: list[str] = []
    for sentence in formats.left_out(options.file, layout):
        print(printable(f"{options.file}: {sentence}"))
    for path in paths:
        recording = formats.read(path, layout, conditioned=True)
        labels += recording.file_labels
        if path == paths[-1]:
            check_labels(layout, labels, every="label_names" in typed)
        flaws = faults(recording)
        _print(path, recording, flaws, in_full=len(paths) == 1)
        figures[str(path)] = _figures(recording, flaws)
        if options.png and path == paths[0]:
            recording_picture.draw(options.png, recording)
            others = f", the first of {len(paths)} recordings (name one to draw another)" if len(paths) > 1 else ""
            print(printable(f"drawn in {options.png}: {path}{others}"))
    write_json(options.json, next(iter(figures.values())) if len(figures) == 1 else figures)
    return 0


def _print(path: Path, recording: EmgRecording, flaws: SignalFaults, in_full: bool) -> None:
    size = f"{counted(len(recording.channels), 'channel')} × {recording.rate:g} Hz, {recording.seconds:.1f} s"
    lines = [f"{path}: {size}, {'with' if recording.stamped else 'without'} stamps"]
    lines += [f"  read: {remark}" for remark in recording.remarks]
    if recording.conditioned:
        lines.append(f"  not raw: {recording.conditioned}")
    labels = _label_seconds(recording)
    if labels:
        none = recording.seconds - sum(labels.values())
        parts = [f"{k} {v:.1f} s" for k, v in sorted(labels.items())]
        parts += [f"without a label {none:.1f} s"] if none > 0.5 / recording.rate else []
        lines.append("  labels: " + ", ".join(parts))
    if recording.target_names:
        missing = _missing(recording)
        lines.append("  targets: " + ", ".join(
            f"{name} ({counted(missing[name], 'sample')} without a value)" if missing[name] else name
            for name in recording.target_names
        ))  # fmt: skip
    print("\n".join(printable(line).replace("\n", "\\n") for line in lines))
    if in_full:
        _print_table(recording, flaws)
    for sentence in flaws.words(recording.channels, recording.rate):
        print(printable(f"  fault: {sentence}"))


def _missing(recording: EmgRecording) -> dict[str, int]:
    """Samples at which each target has no value."""
    import numpy as np

    there = np.isfinite(recording.targets).sum(axis=0)
    return {name: len(recording) - int(n) for name, n in zip(recording.target_names, there, strict=True)}


def _print_table(recording: EmgRecording, flaws: SignalFaults) -> None:
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.emg.recording import volts

    unit, levels = recording.file_unit or recording.unit, _levels(recording)
    factor = volts(unit)[1]
    table = FigureTable("channel", f"mean, {unit}", "rms about it", "largest", "saturated", f"{flaws.mains_hz:g} Hz")
    for k, channel in enumerate(recording.channels):
        row = ("–" if value is None else f"{value / factor:.4g}" for value in (column[k] for column in levels.values()))
        table.add_row(channel, *row, str(flaws.saturated[k]), f"{flaws.mains[k]:.1%}")
    table_console().print(table)


def _levels(recording: EmgRecording) -> dict[str, list[float | None]]:
    """Mean of each channel, root mean square about it and largest distance from it, in the recording's unit.

    None for a channel without a finite value.
    """
    import numpy as np

    out: dict[str, list[float | None]] = {"mean": [], "rms": [], "largest": []}
    for channel in recording.samples.T:
        x = channel[np.isfinite(channel)]
        out["mean"].append(float(x.mean()) if x.size else None)
        out["rms"].append(float(x.std()) if x.size else None)
        out["largest"].append(float(np.abs(x - x.mean()).max()) if x.size else None)
    return out


def _label_seconds(recording: EmgRecording) -> dict[str, float]:
    out: dict[str, float] = {}
    for span in recording.spans:
        out[span.label] = out.get(span.label, 0.0) + (span.stop - span.start) / recording.rate
    return out


def _figures(recording: EmgRecording, flaws: SignalFaults) -> dict[str, Any]:
    """What --json writes: values in `unit`, times in s.

    `labels` has the seconds of each label, by its samples, `label_spans` label, start and end since the first sample. A
    span ends where a gap in time begins, and continues after it as another.
    """
    from myoprosthesis.emg.pauses import breaks

    t, period, spans = recording.times, 1 / recording.rate, []
    for s in recording.spans:
        edges = [s.start, *(k for k in breaks(recording).tolist() if s.start < k < s.stop), s.stop]
        spans += [(s.label, float(t[a] - t[0]), float(t[b - 1] - t[0] + period)) for a, b in pairwise(edges)]
    return {
        "channels": list(recording.channels), "rate": recording.rate, "unit": recording.unit,
        "file_unit": recording.file_unit, "samples": len(recording), "seconds": recording.seconds,
        "stamped": recording.stamped, "labels": _label_seconds(recording),
        "unlabelled": recording.seconds - sum(_label_seconds(recording).values()), "label_spans": spans,
        "targets": list(recording.target_names), "targets_missing": _missing(recording), **_levels(recording),
        "remarks": list(recording.remarks),
        "conditioned": recording.conditioned, "faults": asdict(flaws),
    }  # fmt: skip

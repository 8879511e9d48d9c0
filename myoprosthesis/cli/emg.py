"""`myoprosthesis emg`: muscle signals, recorded and live."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from myoprosthesis.cli import emg_live
from myoprosthesis.cli.about import about, add_about, add_options, chosen
from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.layout import Layout


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("emg", help="muscle signals: look at recordings and live sources", description=__doc__)
    deeds = p.add_subparsers(metavar="DEED", required=True)
    d = deeds.add_parser("info", help="channels, rate, labels and faults of a recording", description=info.__doc__)
    d.add_argument("file", help="CSV, TSV, … or a folder of them")
    add_options(d, Layout)
    add_about(d)
    d.add_argument("--png", default="", metavar="FILE", help="also draw the channels")
    add_json(d)
    d.set_defaults(func=info)
    emg_live.add(deeds)


def info(given: argparse.Namespace) -> int:
    """Tell what a recording holds and what is wrong with it."""
    from rich.console import Console

    from myoprosthesis.cli.table import Table
    from myoprosthesis.emg import formats
    from myoprosthesis.emg.faults import faults

    check_writable(given.json)
    check_writable(given.png)
    said = about(given, [given.file])
    layout = chosen(given, Layout, said)
    figures: dict[str, Any] = {}
    for path in formats.files(given.file, layout):
        recording = formats.read(path, layout, conditioned=True)
        found = faults(recording)
        size = f"{len(recording.channels)} channels × {recording.rate:g} Hz, {recording.seconds:.1f} s"
        print(f"{path}: {size}, {'with' if recording.stamped else 'without'} stamps")
        labels: dict[str, float] = {}
        for span in recording.spans:
            labels[span.label] = labels.get(span.label, 0.0) + (span.stop - span.start) / recording.rate
        if labels:
            print("  labels: " + ", ".join(f"{k} {v:.1f} s" for k, v in sorted(labels.items())))
        if recording.target_names:
            print("  targets: " + ", ".join(recording.target_names))
        if given.file == str(path):
            table = Table("channel", f"mean, {recording.unit}", "rms about it", "largest", "saturated",
                          f"{found.mains_hz:g} Hz")  # fmt: skip
            for k, channel in enumerate(recording.channels):
                x = recording.samples[:, k]
                x = x[_finite(x)]
                row = (x.mean(), x.std(), abs(x - x.mean()).max()) if x.size else (0.0, 0.0, 0.0)
                table.add_row(channel, *(f"{v:.4g}" for v in row), str(found.saturated[k]), f"{found.mains[k]:.1%}")
            Console().print(table)
        for sentence in found.words(recording.channels, recording.rate):
            print(f"  fault: {sentence}")
        figures[str(path)] = {
            "channels": list(recording.channels), "rate": recording.rate, "unit": recording.unit,
            "samples": len(recording), "seconds": recording.seconds, "stamped": recording.stamped, "labels": labels,
            "targets": list(recording.target_names), "faults": asdict(found),
        }  # fmt: skip
        if given.png and len(figures) == 1:  # of several recordings the first is drawn
            _draw(given.png, recording)
    write_json(given.json, next(iter(figures.values())) if len(figures) == 1 else figures)
    return 0


def _finite(x: Any) -> Any:
    import numpy as np

    return np.isfinite(x)


def _draw(file: str, recording: Any) -> None:
    """One trace per channel, labels as coloured bands."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    import numpy as np

    n = len(recording.channels)
    figure = Figure(figsize=(11, 0.7 * n + 1.2), layout="constrained")
    axes = np.atleast_1d(figure.subplots(n, 1, sharex=True))
    seconds = np.arange(len(recording)) / recording.rate
    labels = sorted({s.label for s in recording.spans})
    for k, one in enumerate(axes):
        one.plot(seconds, recording.samples[:, k], lw=0.4, color="0.2")
        for span in recording.spans:
            colour = f"C{labels.index(span.label) % 10}"
            one.axvspan(span.start / recording.rate, span.stop / recording.rate, color=colour, alpha=0.15, lw=0,
                        label=span.label)  # fmt: skip
        one.set_ylabel(recording.channels[k], rotation=0, ha="right", va="center")
        one.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel(f"s (samples in {recording.unit})")
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(8, len(handles)))
    try:
        figure.savefig(file, dpi=120)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--png {file}: {error}") from error

"""A picture of a recording: one trace per channel over time, its labels as coloured bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.emg.recording import EmgRecording

POINTS = 4000
"""Stretches of a longer recording that are drawn, each from its least to its largest value."""


def draw(file: str, recording: EmgRecording) -> None:
    """Write the picture; raises `ConfigError`."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    import numpy as np

    from myoprosthesis.emg.recording import volts

    n, unit = len(recording.channels), recording.file_unit or recording.unit
    figure = Figure(figsize=(11, 0.7 * n + 1.6), layout="constrained")
    axes = np.atleast_1d(figure.subplots(n, 1, sharex=True))
    seconds = recording.times - recording.times[0]
    labels = sorted({s.label for s in recording.spans})
    for k, one in enumerate(axes):
        one.plot(*_drawn(seconds, recording.samples[:, k] / volts(unit)[1]), lw=0.4, color="0.2")
        for span in recording.spans:
            colour = f"C{labels.index(span.label) % 10}"
            one.axvspan(seconds[span.start], seconds[span.stop - 1], color=colour, alpha=0.15, lw=0,
                        label=_shown(span.label))  # fmt: skip
        one.set_ylabel(f"{_shown(recording.channels[k])}\n{_shown(unit).replace('uV', 'µV')}", rotation=0, ha="right",
                       va="center")  # fmt: skip
        one.ticklabel_format(axis="y", useOffset=False)
        one.spines[["top", "right"]].set_visible(False)
    scales = "; each channel has a scale of its own" if n > 1 else ""
    axes[-1].set_xlabel(f"time, s{scales}")
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(8, len(handles)))
    try:
        figure.savefig(file, dpi=120)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--png {file}: {error}") from error


def _shown(text: str) -> str:
    """Text in which nothing is taken for mathematics."""
    return (text[:40] + "…" if len(text) > 40 else text).replace("$", r"\$") or "–"


def _drawn(seconds: Any, x: Any) -> tuple[Any, Any]:
    """What is drawn of one channel."""
    import numpy as np

    size = len(x) // POINTS
    if size < 4:
        return seconds, x
    rows = len(x) // size
    parts = x[: rows * size].reshape(rows, size)
    least, most = np.fmin.reduce(parts, axis=1), np.fmax.reduce(parts, axis=1)
    return np.repeat(seconds[: rows * size : size], 2), np.stack([least, most], axis=1).ravel()

"""What a fit needs: recordings, their windows and the options of features, model and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.recording_info import chosen, recording_info
from myoprosthesis.cli.recordings import read, report_faults
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.options import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from myoprosthesis.training.decoding.mixtures import Recordings
    from myoprosthesis.training.decoding.windows import Windows

REST = "rest"
"""The class that is taken for rest where none is named."""


class FitInputs:
    """Everything a fit needs, read and checked."""

    def __init__(self, paths: Sequence[str], info: str, typed: Mapping[str, Any]) -> None:
        from myoprosthesis.core import registry
        from myoprosthesis.core.options import build
        from myoprosthesis.decoders.features import columns
        from myoprosthesis.decoders.models import for_features
        from myoprosthesis.decoders.options import DecoderOptions
        from myoprosthesis.emg.conditioning import Conditioning
        from myoprosthesis.emg.recording_format import RecordingFormat
        from myoprosthesis.training.decoding import fitting as d
        from myoprosthesis.training.decoding import mixtures as m
        from myoprosthesis.training.decoding.cross_validation import SplitOptions
        from myoprosthesis.training.decoding.windows import (
            WindowOptions,
            check_electrodes,
            count_gap_windows,
            count_valueless_windows,
            windows,
        )

        file = recording_info(info, paths)
        self.layout: RecordingFormat = chosen(typed, RecordingFormat, file)
        self.cut: WindowOptions = chosen(typed, WindowOptions, file)
        self.split: SplitOptions = chosen(typed, SplitOptions, file)
        wanted: d.DecoderModelOptions = chosen(typed, d.DecoderModelOptions, file)
        settings: DecoderOptions = chosen(typed, DecoderOptions, file)
        self.features = wanted.features
        self.files, recordings = read(paths, self.layout, typed)
        first = recordings[0][1]
        degrees = chosen(typed, m.MixtureOptions, file).pairs()
        if degrees and settings.task != REGRESSION:
            raise ConfigError("degrees of freedom are values: give --task regression too")
        if degrees:
            m.check_split(self.split.by)
        self.target_unit = "1" if degrees else _target_unit(recordings) if settings.task == REGRESSION else ""
        self.channels = first.channels
        self.conditioning: Conditioning = chosen(typed, Conditioning, file, rate=first.rate, unit=first.unit)
        self.quality = report_faults(recordings, self.conditioning.mains_hz)
        for path, recording in recordings:
            check_electrodes(recording, path)
        settings = replace(settings, window_s=_whole(settings.window_s, first.rate, "a window"))
        self.cut = replace(self.cut, step_s=_whole(self.cut.step_s, first.rate, "a step"))
        model = registry.factory("decoders", wanted.model)(
            build(registry.options("decoders", wanted.model), wanted.model_options, f"model {wanted.model}")
        )
        self.model = for_features(model, [n for f in self.features for n in columns(f, self.channels)])
        if degrees:
            rest = settings.rest or REST
            settings = replace(settings, rest="")
            used = {rest, *(name for pair in degrees for name in pair)}
            unused = sorted({span.label for _, r in recordings for span in r.spans} - used)
            recordings = m.with_efforts(
                recordings, degrees, rest, self.layout, self.conditioning, settings.window_s, self.cut.margin_s
            )
            first = recordings[0][1]

        def cut_windows(parts: Recordings) -> Windows:
            return windows(
                parts, self.layout, self.conditioning, self.features, settings.window_s, self.cut, settings.dead_zone,
                settings.task == CLASSIFICATION or any(r.spans for _, r in recordings),
            )  # fmt: skip

        self.windows = cut_windows(recordings)
        if degrees:
            mixed = m.mixtures(recordings, degrees, self.layout, settings.window_s + self.cut.margin_s)
            rest_of_it = f"; not used: {', '.join(unused)}" if unused else ""
            print(f"{len(mixed)} mixtures of two movements beside the single ones{rest_of_it}")
            self.windows = m.with_mixtures(self.windows, [(x, cut_windows([(x.path, x.recording)])) for x in mixed])
        print_gap_windows(count_gap_windows(recordings, settings.window_s, self.cut.step_s, self.cut.margin_s))
        if settings.task == CLASSIFICATION:
            _refuse_lost_classes(recordings, self.windows, settings.window_s, self.cut.margin_s)
        if n := count_valueless_windows(recordings, settings.window_s, self.cut.step_s):
            print(f"{n} windows have no value of {', '.join(first.target_names)} at their end, and do not count")
        self.names = d.names_of(self.windows, settings.task, first.target_names)
        if settings.rest and settings.rest not in self.names:
            raise ConfigError(f"rest {settings.rest!r} is none of the classes {', '.join(self.names)}")
        if not settings.rest and settings.task == CLASSIFICATION and REST in self.names:
            settings = replace(settings, rest=REST)
        self.settings = settings
        self.model_name = wanted.model


def fit_inputs(paths: Sequence[str], info: str, typed: Mapping[str, Any]) -> FitInputs:
    """Read and check the recordings at `paths`; `info` names a YAML with what they do not say, `typed` overrules it."""
    try:
        import scipy  # noqa: F401
        import sklearn  # noqa: F401
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ConfigError("fitting needs scipy and scikit-learn: pip install 'myoprosthesis[emg]'") from error
    threadpool_limits(1)  # the matrices are small: more threads only wait for each other
    return FitInputs(paths, info, typed)


def _whole(seconds: float, rate: float, what: str) -> float:
    """The time of the whole number of samples that `seconds` are rounded to, which is said; at least one sample."""
    n = max(1, round(seconds * rate))
    if abs(n - seconds * rate) < 1e-6 * n:
        return seconds
    print(f"{what} of {seconds:g} s is {seconds * rate:.4g} samples at {rate:g} Hz: {n} are taken, {n / rate:.6g} s")
    return n / rate


def _refuse_lost_classes(recordings: Recordings, w: Windows, window_s: float, margin_s: float) -> None:
    """Refuse a class that the recordings have, and of which no window is left."""
    longest: dict[str, float] = {}
    for _, recording in recordings:
        for span in recording.spans:
            seconds = (span.stop - span.start) / recording.rate
            longest[span.label] = max(seconds, longest.get(span.label, 0.0))
    for label in sorted(set(longest) - set(w.label.tolist())):
        raise ConfigError(
            f"class {label!r} has no window: it lasts {longest[label]:g} s at most, of which {margin_s:g} s (margin_s) "
            f"are left out and {window_s:g} s (window_s) needed without a gap; leave it out with --ignore {label}"
        )


def print_gap_windows(count: int) -> None:
    """Print the number of windows that are left out for a gap in time, if there are any."""
    if count:
        print(f"{count} windows have a gap in time in them, and do not count")


def _target_unit(recordings: Sequence[tuple[Path, Any]]) -> str:
    """The unit of the targets of all recordings."""
    units = {recording.target_unit: path for path, recording in recordings}
    if len(units) > 1:
        pairs = ", ".join(f"{path}: {unit or 'nobody says it'}" for unit, path in units.items())
        raise ConfigError(f"the recordings have targets of several units ({pairs}): one decoder needs one")
    if "" in units:
        raise ConfigError(
            "the unit of the targets is not said, or they have several: give it, such as --target-unit N, or name "
            "those of one (--targets)"
        )
    return next(iter(units))

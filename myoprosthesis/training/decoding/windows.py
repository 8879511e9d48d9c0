"""Windows of recordings with their labels and targets, and their splits for cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.band_placement import BandPlacement
from myoprosthesis.decoders.features import FeatureStream
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.emg.pauses import breaks
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
STILL = BandPlacement()
FLICKER_S = 0.2
"""A label that is missing for less than this is that of the same movement."""
SPLITS = ("repetition", "session", "file", "time")


@dataclass(frozen=True, eq=False)
class Windows:
    """Features `x` (n, n_features) of windows; `label`, `target` (n, k), origin, first and last sample of each.

    All samples of a window lie in one labelled span, after the margin, without a gap in time.
    """

    x: Array
    label: NDArray[np.str_]
    target: Array
    session: NDArray[np.str_]
    file: NDArray[np.str_]
    repetition: NDArray[np.str_]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    total: NDArray[np.intp]
    """Samples in the window's file."""
    index: NDArray[np.intp]
    """Increases by 1 between consecutive windows of one recording and span; any other step starts a new sequence."""

    @property
    def sequence_id(self) -> NDArray[np.intp]:
        """Number (n,) of the sequence of each window: consecutive windows of one recording and span."""
        return np.concatenate([[0], np.cumsum(np.diff(self.index) != 1)]).astype(np.intp)[: len(self)]

    def __len__(self) -> int:
        return len(self.x)

    def where(self, mask: Mask) -> Windows:
        """The windows for which `mask` is true."""
        return Windows(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})


@dataclass(frozen=True)
class WindowOptions:
    """Period and margins of the windows of a fit."""

    step_s: float = option(0.05, "period of the decisions", "s", 1e-3, 10.0)
    margin_s: float = option(
        0.0, "left out at the start of each labelled span, for the person's reaction", "s", 0.0, 10.0
    )
    target_median_s: float = option(
        0.0, "window of the past over which the median of a target is taken; 0: none", "s", 0.0, 10.0
    )


def check_electrodes(recording: EmgRecording, path: Path, remedy: str = "leave it out with --channels") -> None:
    """Raise `ConfigError` if a channel has values that are not finite or never changes (its electrode is off)."""
    bad = ~np.isfinite(recording.samples).all(axis=0)
    if bad.any():
        raise ConfigError(
            f"{path}: channel {recording.channels[int(bad.argmax())]!r} holds values that are not finite; "
            f"see emg info; {remedy}"
        )
    flat = np.ptp(recording.samples, axis=0) == 0
    if flat.any():
        raise ConfigError(
            f"{path}: channel {recording.channels[int(flat.argmax())]!r} is flat: its electrode is off; {remedy}"
        )


def windows(
    recordings: Sequence[tuple[Path, EmgRecording]], layout: RecordingFormat, settings: Conditioning,
    features: Sequence[str],
    window_s: float, cut: WindowOptions, dead_zone: float = 0.0, labelled: bool = True,
    placement: BandPlacement = STILL,
) -> Windows:  # fmt: skip
    """Windows of the recordings, each conditioned and cut as a stream from its start, with nothing of the others.

    How the band sits (`placement`) is undone before the features.
    """
    rows: dict[str, list] = {f.name: [] for f in fields(Windows)}
    begin, sessions = 0, _sessions([path for path, _ in recordings], layout)
    for path, recording in recordings:
        filtered = Conditioner(settings, recording.channels).filter(recording.samples).filtered
        stream = FeatureStream(features, recording.channels, settings.rate, window_s, cut.step_s, dead_zone)
        ends, x = stream.extract(placement.undo(filtered))
        first, last = ends - stream.window, ends - 1
        target = _past_median(recording.targets, round(cut.target_median_s * settings.rate))
        span = window_spans(recording, first, last, round(cut.margin_s * settings.rate))
        keep = span >= 0 if labelled else np.ones(len(ends), bool)
        valued = np.isfinite(target[last]).all(axis=1)
        if len(last) and not valued.any():
            there = int(np.isfinite(recording.targets).all(axis=1).sum())
            raise ConfigError(
                f"{path}: {', '.join(layout.targets)} has a value at the end of none of its windows ({there} of "
                f"{len(recording)} samples have one): write one a sample, such as the last one that was measured"
            )
        keep &= valued & ~spans_gap(recording, first, last)
        repetition = repetitions(recording, layout, path)
        labels = [s.label for s in recording.spans]
        n = int(keep.sum())
        if not n:
            raise ConfigError(f"{path} holds no {'labelled ' * labelled}window of {window_s:g} s: leave it out")
        rows["x"].append(x[keep])
        rows["label"].append(np.array([labels[k] if k >= 0 else "" for k in span[keep]], np.str_))
        rows["repetition"].append(np.array([repetition[k] if k >= 0 else "" for k in span[keep]], np.str_))
        rows["target"].append(target[last][keep])
        rows["session"].append(np.array([sessions[path]] * n, np.str_))
        rows["file"].append(np.array([str(path)] * n, np.str_))
        rows["first"].append(first[keep])
        rows["last"].append(last[keep])
        rows["total"].append(np.full(n, len(recording), np.intp))
        piece = np.searchsorted(breaks(recording), first, "right") * (len(recording.spans) + 1) + span + 1
        index = begin + np.arange(len(ends)) + piece * (len(ends) + 2)
        begin = int(index.max(initial=begin)) + 2
        rows["index"].append(index[keep])
    result = Windows(**{name: np.concatenate(parts) for name, parts in rows.items()})
    if not len(result):
        raise ConfigError("the recordings hold no labelled window: are they labelled, and long enough?")
    return result


def _sessions(paths: Sequence[Path], layout: RecordingFormat) -> dict[Path, str]:
    """The session of each file; with the person before it where several have sessions of one name."""
    names = {path: (layout.from_path("person", path), layout.from_path("session", path)) for path in paths}
    alike = len(set(names.values())) > len({session for _, session in names.values()})
    return {path: f"{person}/{session}" if alike and session else session for path, (person, session) in names.items()}


def spans_gap(recording: EmgRecording, first: NDArray[np.intp], last: NDArray[np.intp]) -> Mask:
    """True for windows with a gap in time or a jump of the clock between their first and last sample."""
    places = breaks(recording)
    return np.asarray(np.searchsorted(places, last, "right") > np.searchsorted(places, first, "right"))


def count_gap_windows(
    recordings: Sequence[tuple[Path, EmgRecording]], window_s: float, step_s: float, margin_s: float
) -> int:
    """Number of windows that are left out for a gap in time only."""
    count = 0
    for _, recording in recordings:
        window, step = round(window_s * recording.rate), round(step_s * recording.rate)
        first = np.arange(0, len(recording) - window + 1, step)
        last = first + window - 1
        counts = _spans_of(recording, first, last, round(margin_s * recording.rate)) >= 0
        count += int(spans_gap(recording, first, last)[counts if recording.spans else slice(None)].sum())
    return count


def count_valueless_windows(recordings: Sequence[tuple[Path, EmgRecording]], window_s: float, step_s: float) -> int:
    """Number of windows that are left out because a target has no value at their end."""
    count = 0
    for _, recording in recordings:
        window, step = round(window_s * recording.rate), round(step_s * recording.rate)
        last = np.arange(window - 1, len(recording), step)
        count += int((~np.isfinite(recording.targets[last]).all(axis=1)).sum())
    return count


def window_spans(
    recording: EmgRecording, first: NDArray[np.intp], last: NDArray[np.intp], margin: int
) -> NDArray[np.intp]:
    """Number of the span that contains each window, after the margin and without a gap in time; −1: none."""
    return np.where(spans_gap(recording, first, last), -1, _spans_of(recording, first, last, margin))


def _spans_of(
    recording: EmgRecording, first: NDArray[np.intp], last: NDArray[np.intp], margin: int
) -> NDArray[np.intp]:
    """Number of the span that contains each window, after the margin; −1: none."""
    owner = np.full(len(first), -1, np.intp)
    for k, span in enumerate(recording.spans):
        owner[(first >= span.start + margin) & (last < span.stop)] = k
    return owner


def repetitions(recording: EmgRecording, layout: RecordingFormat, path: Path) -> list[str]:
    """Repetition of each span: from the path, or how often the file had its label before.

    A label that is missing for less than `FLICKER_S` between two spans of one label ends no repetition.
    """
    from_path = layout.from_path("repetition", path)
    count: dict[str, int] = {}
    ended: dict[str, int] = {}
    out = []
    for k, span in enumerate(recording.spans):
        follows = k > 0 and recording.spans[k - 1].label == span.label
        if not (follows and span.start - ended[span.label] < FLICKER_S * recording.rate):
            count[span.label] = count.get(span.label, -1) + 1
        ended[span.label] = span.stop
        out.append(from_path or str(count[span.label]))
    return out


def _past_median(targets: Array, n: int) -> Array:
    """Each value replaced by the median of the last `n`, itself included."""
    if n < 2 or not targets.size:
        return targets
    padded = np.concatenate([np.repeat(targets[:1], n - 1, axis=0), targets])
    view = np.lib.stride_tricks.sliding_window_view(padded, n, axis=0)
    return np.asarray(np.median(view, axis=-1))


def splits(w: Windows, by: str, test: Sequence[str] = (), train_share: float = 0.7) -> Iterator[tuple[str, Mask, Mask]]:
    """Name, training windows and held-out windows of each split.

    Whole repetitions, sessions or files are held out: each in turn, or together those named in `test` (`odd`, `even`,
    or names). By time, the first `train_share` of each file is fitted and the rest held out; windows across the
    boundary belong to neither.
    """
    if by not in SPLITS:
        raise ConfigError(f"a split by {by!r} is none of {', '.join(SPLITS)}")
    if by == "time":
        if test:
            raise ConfigError(
                f"test {', '.join(test)!r} has no use in a split by time, which holds out the last part of each file: "
                f"leave it out, or split by {', '.join(SPLITS[:-1])}"
            )
        boundary = (train_share * w.total).astype(int)
        yield f"last {1 - train_share:.0%}", w.last < boundary, w.first >= boundary
        return
    origin = getattr(w, by)
    known = sorted(set(origin.tolist()))
    if len(known) < 2:
        raise ConfigError(f"there is only one {by} ({known[0] or 'unnamed'}): choose another split, or add recordings")
    if not test:
        for name in known:
            yield name, origin != name, origin == name
        return
    if list(test) in (["odd"], ["even"]):
        if not all(name.isdigit() for name in known):
            raise ConfigError(f"odd and even need {by}s that are numbers; there are {', '.join(known)}")
        chosen = [name for name in known if int(name) % 2 == (test[0] == "odd")]
    else:
        chosen = list(test)
        for name in chosen:
            if name not in known:
                raise ConfigError(f"there is no {by} {name!r}; there are {', '.join(known)}")
    held = np.isin(origin, chosen)
    if held.all():
        raise ConfigError(f"every {by} is held out: nothing is left to fit on")
    yield "+".join(chosen), ~held, held

"""Recordings as XDF, as the recorder of the lab streaming layer writes them: streams of samples and of markers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.annotations import Annotation, Timeline, label_text
from myoprosthesis.emg.formats.array_facts import numbers_in
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.formats.streams import StreamColumns, chosen, cut, emg_of_stream, numbered
from myoprosthesis.emg.formats.xdf_file import XdfStream, load
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat, uses

MARKERS = ("marker", "event", "stim", "trigger", "label", "annotation", "prompt")
"""Words in the type of a stream that holds labels."""


@uses("rate", "unit", "channels", "dataset", "label", "missing")
def read_xdf(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """The stream of type EMG, or the one that the layout names (`dataset`); times as stamped, clocks synchronised.

    Streams of one name are told apart by their number in the file, `Arm (2)`; the parts of one that was stopped and
    started again are one stream. Labels are the markers of the only stream of markers, or of the stream that the
    layout names (`label`), or one of its columns (`Markers/hand`).
    """
    streams, remarks = load(path)
    named = _named(streams)
    samples = {n: s for n, s in named.items() if s.format != "string" and len(s.times)}
    emg = [n for n, s in samples.items() if "EMG" in s.type.upper() or (not s.type and "EMG" in n.upper())]
    if not (layout.dataset or emg):
        _check_unread(path, [s for s in streams if s.number not in {k.number for k in samples.values()}])
    name = chosen(path, layout, {n: s.about for n, s in samples.items()}, emg, "stream")
    stream = samples[name]
    labels = [c or f"ch{k + 1}" for k, c in enumerate(stream.labels)]
    names, same = numbered(labels)
    types = [c["type"].upper() for c in stream.channels]
    units = [c["unit"] for c in stream.channels]
    places, left = emg_of_stream(path, layout, names, units, bool(layout.dataset) or name in emg, types)
    rate = _rate(path, layout, stream, remarks)
    used = tuple(names[k] for k in places)
    unit, file_unit, scales = rate_and_unit.units(path, layout, used, [units[k] for k in places])
    factors = _factors(stream, places, remarks)
    scales = tuple(s * f for s, f in zip(scales, factors, strict=True))
    columns = StreamColumns(tuple(places), used, scales, unit, rate, file_unit)
    annotations, more = _labels(path, layout, named, name)
    used_beside = {name, layout.label, layout.label.rpartition("/")[0]}
    others = [f"{n} ({s.about})" for n, s in samples.items() if n not in used_beside and not _are_markers(s)]
    remarks += [*same, *left, *more, *([f"streams left out: {'; '.join(others)}"] if others else [])]
    timeline = Timeline(annotations, layout.ignore)
    missing = MissingValues(path, layout, used)
    yield from cut(path, block, iter([(stream.values, stream.times)]), columns, timeline, remarks, missing)


def _factors(stream: XdfStream, places: Sequence[int], remarks: list[str]) -> list[float]:
    """By what the samples of some channels are multiplied: whole numbers, as an amplifier counts, by their factor."""
    texts = [stream.channels[k]["scaling_factor"] for k in places]
    factors = [(numbers_in(t) or [0.0])[0] if t else 1.0 for t in texts]
    if all(f == 1 for f in factors):
        return factors
    words = f"its scaling_factor of {texts[0][:20]}{' …' if len(set(texts)) > 1 else ''}"
    if not stream.format.startswith("int") or not all(0 < f < np.inf for f in factors):
        remarks.append(f"{words} is not applied: samples are as stored, in the unit it says")
        return [1.0] * len(factors)
    remarks.append(f"{words} is applied")
    return factors


def _rate(path: Path, layout: RecordingFormat, stream: XdfStream, remarks: list[str]) -> float:
    """Hz, as the stream's header says; where its stamps contradict that, as a person says."""
    by_stamps = rate_and_unit.stamped_rate(stream.times, stream.rate) if stream.rate else 0.0
    if not by_stamps:
        return rate_and_unit.rate(path, layout, stream.rate)
    differ = f"says that its rate is {stream.rate:g} Hz, and by its stamps there are {by_stamps:.4g} samples/s"
    if not layout.rate:
        raise ConfigError(f"{path} {differ}: give the one that is right (--rate)")
    remarks.append(f"{stream.name!r} {differ}: {layout.rate:g} Hz as stated")
    return layout.rate


def _check_unread(path: Path, streams: list[XdfStream]) -> None:
    """Refuse streams of EMG that have texts or no samples, by name."""
    for s in streams:
        if "EMG" in s.type.upper():
            what = "texts, and numbers are needed" if len(s.times) else "no samples"
            raise ConfigError(f"{path}: stream {s.name!r} of type {s.type} has {what}")


def _named(streams: list[XdfStream]) -> dict[str, XdfStream]:
    """Streams by name; those of one name have their number behind it."""
    names = [s.name for s in streams]
    return {s.name if names.count(s.name) == 1 else f"{s.name} ({s.number})": s for s in streams}


def _labels(
    path: Path, layout: RecordingFormat, named: Mapping[str, XdfStream], samples: str
) -> tuple[list[Annotation], list[str]]:
    """Markers of the stream that is named, or of the only one there is; and sentences on what they are made of."""
    others = {n: s for n, s in named.items() if n != samples}
    if layout.label:
        stream, column = others.get(layout.label), ""
        if stream is None:
            base, _, column = layout.label.rpartition("/")
            stream = others.get(base)
        if stream is None:
            raise ConfigError(f"{path}: {unknown('stream of markers', layout.label, others)}")
        name = layout.label
    else:
        likely = {n: s for n, s in others.items() if _are_markers(s)}
        full = [n for n, s in likely.items() if len(s.times)]
        if len(full) != 1:
            several = ", ".join(sorted(full))
            return [], [f"several streams hold markers, none is used: say which (--label): {several}"] if full else []
        (name,), column = full, ""
        stream = others[name]
    remarks = []
    width = len(stream.channels)
    titles = [c or str(k + 1) for k, c in enumerate(stream.labels)]
    places = list(range(width))
    if column:
        if column not in titles:
            raise ConfigError(f"{path}: {unknown('column of markers', column, titles)}")
        places = [titles.index(column)]
    elif width > 1:
        remarks.append(
            f"the markers of {name!r} have {width} columns ({', '.join(titles)}), all are in the label: "
            f"--label '{name}/{titles[0]}' takes one"
        )
    if not stream.synchronised and named[samples].synchronised:
        remarks.append(f"the clock of {name!r} was not compared with that of {samples!r}: labels may be early or late")
    rows = [[label_text(row[k]) for k in places] for row in stream.values]
    texts = ["/".join(r) if any(r) else "" for r in rows]
    times = stream.times.tolist()
    if stream.rate > 0:  # a sampled trigger: what counts is where it changes
        keep = [k for k in range(len(texts)) if k == 0 or texts[k] != texts[k - 1]]
        times, texts = [times[k] for k in keep], [texts[k] for k in keep]
    return [Annotation(t, text) for t, text in zip(times, texts, strict=True)], remarks


def _are_markers(stream: XdfStream) -> bool:
    kind = f"{stream.type} {'' if stream.type else stream.name}".lower()
    return stream.format == "string" or (stream.rate == 0 and any(word in kind for word in MARKERS))

"""Recordings as EDF, EDF+, BDF and BDF+: rate, units, names, annotations and pauses are in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.annotations import Timeline, label_text, within
from myoprosthesis.emg.formats.edf_file import EdfFile, Signal
from myoprosthesis.emg.formats.emg_channels import emg_channels
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.formats.streams import numbered
from myoprosthesis.emg.recording import VOLTS, EmgRecording, runs, spelled
from myoprosthesis.emg.recording_format import RecordingFormat, uses

Array = NDArray[np.float64]
TRIGGERS = 0xFFFF
"""Bits of BioSemi's Status signal that are the codes of its trigger input; those above are states of the amplifier."""


@uses("rate", "unit", "channels", "label", "targets", "target_unit", "missing")
def read_edf(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """The EMG signals, which must have one rate; annotations are the labels, or a signal that the layout names.

    Times are those of the data records where the file has pauses (EDF+D). A signal beside the EMG that has fewer
    samples a record is held from sample to sample.
    """
    file = EdfFile(path)
    names, remarks = numbered([s.label for s in file.signals])
    remarks += file.remarks
    signals = dict(zip(names, file.signals, strict=True))
    for name in (*([layout.label] if layout.label else []), *layout.targets):
        if name not in signals:
            raise ConfigError(f"{path}: {unknown('signal', name, signals)}")
    beside = {layout.label, *layout.targets}
    others = [n for n in names if n not in beside or n in layout.channels]
    wanted, left = emg_channels(path, layout, others, [signals[n].unit for n in others])
    channels = tuple(others[k] for k in wanted)
    used = [signals[n] for n in channels]
    remarks += left
    per_record = _one_rate(path, channels, used, file)
    rate = rate_and_unit.rate(path, layout, per_record / file.record_s)
    unit, file_unit, scales = _units(path, layout, channels, used)
    target_unit = rate_and_unit.target_unit(path, layout, [signals[t].unit for t in layout.targets])
    times, stamped = _times(file, per_record, rate)
    n, outside = len(times), set[str]()

    def values(signal: Signal, start: int, stop: int, stored: bool = False) -> NDArray[Any]:
        """Samples `start` to `stop` (exclusive) of the EMG's samples, of any signal."""
        places = np.arange(start, stop) * signal.per_record // per_record
        first, last = int(places[0]) // signal.per_record, int(places[-1]) // signal.per_record + 1
        digital = file.digital(signal, first, last)[places - first * signal.per_record]
        if file.beyond(signal, digital):
            outside.add(signal.label)
        return digital if stored else file.physical(signal, digital)

    in_file: tuple[str, ...] = ()
    if layout.label:
        signal = signals[layout.label]
        codes = values(signal, 0, n, stored=True) & TRIGGERS if _is_status(file, signal) else values(signal, 0, n)
        kinds, which = np.unique(codes, return_inverse=True)
        spans = runs(np.array([label_text(float(f"{k:.10g}")) for k in kinds])[which])
        if _is_status(file, signal):
            remarks.append(f"labels are the lower 16 bits of {layout.label!r}, the codes of its trigger input")
        if file.annotations:
            remarks.append(
                f"its {len(file.annotations)} annotations are not used, labels are those of {layout.label!r}"
            )
    else:
        timeline = Timeline(file.annotations, layout.ignore)
        nearest = times + 0.5 / rate  # an annotation begins at the sample that is nearest to its onset
        spans = timeline.spans(nearest)
        remarks += [*timeline.remarks, *timeline.missed(nearest, float(times[0]))]
        in_file = timeline.in_file
    held = [s for s in (layout.label, *layout.targets) if s and signals[s].per_record != per_record]
    if held:
        remarks.append(f"{', '.join(held)}: of another rate than the EMG, each value is held until the next one")
    missing = MissingValues(path, layout, channels)
    for start in range(0, n, block or n):
        stop = min(n, start + (block or n))
        samples = missing.masked(np.stack([values(s, start, stop) for s in used], axis=1)) * scales
        targets = [values(signals[t], start, stop).astype(float) for t in layout.targets]
        yield EmgRecording(
            samples, channels, rate, unit, times[start:stop], stamped, within(spans, start, stop),
            np.stack(targets, axis=1) if targets else np.zeros((stop - start, 0)), layout.targets, str(path),
            target_unit=target_unit, file_unit=file_unit, file_labels=in_file,
            remarks=(*remarks, *missing.remarks, *_outside(outside)),
        )  # fmt: skip


def _outside(labels: set[str]) -> list[str]:
    listed = ", ".join(sorted(labels))
    return [f"{listed}: samples lie outside the digital range that the header states"] if labels else []


def _is_status(file: EdfFile, signal: Signal) -> bool:
    return file.biosemi and signal.label.lower() == "status"


def _one_rate(path: Path, channels: Sequence[str], used: Sequence[Signal], file: EdfFile) -> int:
    """Samples a data record of every EMG signal."""
    if not file.record_s > 0:
        raise ConfigError(f"{path}: its header says that a data record lasts {file.record_s:g} s")
    counts = {s.per_record for s in used}
    if len(counts) > 1 or not min(counts):
        rates = ", ".join(f"{c} {s.per_record / file.record_s:g} Hz" for c, s in zip(channels, used, strict=True))
        raise ConfigError(f"{path} has EMG signals of several rates ({rates}): name those of one rate (--channels)")
    return counts.pop()


def _units(
    path: Path, layout: RecordingFormat, channels: Sequence[str], used: Sequence[Signal]
) -> tuple[str, str, tuple[float, ...]]:
    """The unit of all after reading, that of the file, and the factor of each; a signal needs its calibration."""
    for name, signal in zip(channels, used, strict=True):
        if not signal.calibrated and (not layout.unit or spelled(layout.unit) in VOLTS):
            raise ConfigError(
                f"{path}: signal {name!r} has no calibration (digital {signal.digital[0]:g} to {signal.digital[1]:g} "
                f"stands for {signal.physical[0]:g} to {signal.physical[1]:g} {signal.unit}): leave it out "
                "(--channels), or read it as stored with --unit counts"
            )
    return rate_and_unit.units(path, layout, channels, [s.unit if s.calibrated else "" for s in used])


def _times(file: EdfFile, per_record: int, rate: float) -> tuple[Array, bool]:
    """Times of the samples (n,), s, and whether data records do not follow each other without a pause."""
    straight = file.onsets[0] + np.arange(file.records) * file.record_s
    if np.abs(file.onsets - straight).max() < 0.5 / rate:
        return file.onsets[0] + np.arange(file.records * per_record) / rate, False
    return (file.onsets[:, None] + np.arange(per_record) / rate).ravel(), True

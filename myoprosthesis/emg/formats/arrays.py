"""Recordings as arrays by name: HDF5, and MATLAB's .mat files of version 5 and 7.3 (Ninapro's layout among them)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.annotations import Timeline, label_text, within
from myoprosthesis.emg.formats.array_entry import NUMBERS, ArrayEntry, check_size
from myoprosthesis.emg.formats.array_facts import filled
from myoprosthesis.emg.formats.clock_text import DAY_S, Turns, since_midnight
from myoprosthesis.emg.formats.emg_array import EmgArray
from myoprosthesis.emg.formats.hdf5_file import hdf5_entries
from myoprosthesis.emg.formats.mat_file import mat_entries
from myoprosthesis.emg.formats.mat_layouts import MatLayout, plain_layout
from myoprosthesis.emg.recording import EmgRecording, Span, runs
from myoprosthesis.emg.recording_format import TIME_UNITS, RecordingFormat, uses, with_file_defaults

NINAPRO = "restimulus"
"""Ninapro's variable of the movement, as corrected for reaction times; the labels, where no others are named."""
HDF5 = b"\x89HDF\r\n\x1a\n"
MATLAB73 = 512
"""Where HDF5 begins in a .mat file of version 7.3."""
FIELDS = ("rate", "unit", "channels", "dataset", "time", "time_unit", "label", "targets", "transposed", "missing")


@uses(*FIELDS)
def read_hdf5(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """A dataset (n_samples, n_channels), or a field of a compound one.

    Rate, unit and names are attributes of it, of its groups or of the file, or datasets; attributes `time` and `label`
    name the datasets of times (s) and labels.
    """
    yield from _read_hdf5(path, layout, block, matlab=False)


@uses(*FIELDS)
def read_mat(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """A variable (n_samples, n_channels) of a .mat file.

    Transposed where the file or the layout says so; `data/emg` is the field of a structure.
    """
    try:
        with path.open("rb") as file:
            head = file.read(MATLAB73 + len(HDF5))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if HDF5 in (head[: len(HDF5)], head[MATLAB73:]):
        yield from _read_hdf5(path, layout, block, matlab=True)
        return
    entries, remarks = mat_entries(path)
    yield from _recordings(path, layout, block, plain_layout(path, layout, entries), remarks)


def _read_hdf5(path: Path, layout: RecordingFormat, block: int, matlab: bool) -> Iterator[EmgRecording]:
    import h5py

    kind_of_file = ".mat file of version 5 or 7.3" if matlab else "HDF5 file"
    try:
        with h5py.File(path, "r") as file:
            entries, remarks, outside = hdf5_entries(path, file, matlab)
            if outside and not layout.dataset:
                raise ConfigError(f"{path}: {outside[0]}, or name the array that is the EMG (--dataset)")
            remarks += outside
            there = plain_layout(path, layout, entries) if matlab else MatLayout(entries)
            yield from _recordings(path, layout, block, there, remarks)
    except (OSError, RuntimeError, KeyError) as error:  # h5py raises all of them for damaged files
        raise ConfigError(
            f"{path} is no {kind_of_file}, or a damaged one: {' '.join(str(error).split())[:120]}"
        ) from error


def _recordings(
    path: Path, layout: RecordingFormat, block: int, there: MatLayout, remarks: Sequence[str]
) -> Iterator[EmgRecording]:
    entries = there.entries
    emg = EmgArray(path, layout, entries, remarks, there.signals)
    remarks = [*remarks, *there.remarks, *emg.remarks]
    near = {k: _first(emg.entry.attributes.get(k, "")) for k in ("time", "label")}
    linked = {k: entries.get(v) or entries.get(emg.entry.group + v) for k, v in near.items()}
    stated = {k: near[k] for k, entry in linked.items() if entry is not None and entry.name != emg.entry.name}
    if (linked_label := linked["label"]) is not None and "label" in stated and _measured(linked_label.whole(path)):
        remarks.append(f"its attribute 'label' names {stated.pop('label')!r}, which holds measured values, no labels")
    layout = with_file_defaults(layout, stated)
    if not layout.label and not layout.label_from and NINAPRO in entries:
        layout = replace(layout, label=NINAPRO)
    n, times = emg.n, None
    if layout.time:
        times = _column(path, layout.time, entries, n, emg).astype(float) * TIME_UNITS[layout.time_unit]
    else:
        times, more = emg.own_times()
        remarks += more
    if times is not None and since_midnight(times):
        turns = Turns()
        times = turns.straight(times, DAY_S)
        remarks += turns.remarks
    n = n if times is None else len(times)
    spans: tuple[Span, ...] = ()
    in_file: tuple[str, ...] = ()
    if layout.label:
        kinds, which = _distinct(_column(path, layout.label, entries, emg.n, emg))
        spans = within(runs(np.array([label_text(k) for k in kinds], object)[which]), 0, n)
        if there.annotations:
            remarks.append(
                f"its {len(there.annotations)} annotations are not used, labels are those of {layout.label!r}"
            )
    elif there.annotations:
        timeline = Timeline(there.annotations, layout.ignore)
        nearest = (np.arange(n) / emg.rate if times is None else times) + 0.5 / emg.rate
        spans, in_file = timeline.spans(nearest), timeline.in_file
        remarks += [*timeline.remarks, *timeline.missed(nearest, float(nearest[0]))]
    targets = [_column(path, t, entries, emg.n, emg).astype(float)[:n] for t in layout.targets]
    target_units = [_unit_of(t, entries, emg) for t in layout.targets]
    target_unit = rate_and_unit.target_unit(path, layout, [unit for unit, _ in target_units])
    remarks += emg.unread({layout.time, layout.label, *layout.targets, *(where for _, where in target_units)})
    if not n:
        raise ConfigError(f"{path} has no samples")
    if not block:
        check_size(path, emg.entry.name, n * len(emg.channels))
    for start in range(0, n, block or n):
        stop = min(n, start + (block or n))
        beside, samples = [t[start:stop] for t in targets], emg.samples(start, stop)
        yield EmgRecording(
            samples, emg.channels, emg.rate, emg.unit,
            np.arange(start, stop) / emg.rate if times is None else times[start:stop], times is not None,
            within(spans, start, stop), np.stack(beside, axis=1) if beside else np.zeros((stop - start, 0)),
            layout.targets, str(path), target_unit=target_unit, file_unit=emg.file_unit,
            file_labels=in_file, remarks=(*remarks, *emg.masked),
        )  # fmt: skip


def _column(path: Path, name: str, entries: Mapping[str, ArrayEntry], n: int, emg: EmgArray) -> NDArray[Any]:
    """One value a sample, shape (n,), of the array of this name, or of the one in the EMG's own group."""
    entry = entries.get(name) or entries.get(emg.entry.group + name)
    if entry is emg.entry:
        raise ConfigError(f"{path}: {name!r} is the EMG itself: labels, times and targets are other arrays")
    if entry is None:
        raise ConfigError(f"{path}: {unknown('dataset', name, entries)}{emg.unreadable}")
    if entry.size != n:
        raise ConfigError(f"{path}: {name!r} has {entry.size} values for {n} samples")
    values, fills = np.ravel(entry.whole(path)), filled(entry)
    if fills and values.dtype.kind in NUMBERS and np.isin(values, fills).any():
        values = np.where(np.isin(values, fills), np.nan, values.astype(float))
    return values


def _measured(values: NDArray[Any]) -> bool:
    """Whether values have fractions, which labels have not."""
    numbers = values[np.isfinite(values)] if values.dtype.kind == "f" else np.zeros(0)
    return bool((numbers != np.round(numbers)).any())


def _unit_of(name: str, entries: Mapping[str, ArrayEntry], emg: EmgArray) -> tuple[str, str]:
    """Unit of an array beside the EMG, and the name of the text that states it.

    The unit is an attribute of the array, or a text beside it (`force_unit`); both are empty where the file has none.
    """
    entry = entries.get(name) or entries[emg.entry.group + name]
    own = {k.lower(): v for k, v in entry.own.items()}
    for word in ("unit", "units"):
        if word in own:
            return _first(own[word]), ""
        beside = entries.get(f"{entry.name}_{word}")
        if beside is not None and beside.text and beside.size == 1:
            return label_text(np.ravel(beside.read(tuple(slice(None) for _ in beside.shape)))[0]), beside.name
    return "", ""


def _distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The kinds of values there are, and which of them each is."""
    if values.dtype.kind == "O":
        values = values.astype(str)
    kinds, which = np.unique(values, return_inverse=True)
    return kinds, which.ravel()


def _first(value: Any) -> str:
    return label_text(np.ravel(value)[0]) if np.size(value) else ""

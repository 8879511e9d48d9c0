"""Recordings as arrays by name: HDF5, and MATLAB's .mat files of version 5 and 7.3 (Ninapro's layout among them)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import agreement
from myoprosthesis.emg.layout import TIME_UNITS, Layout, uses, with_file_defaults
from myoprosthesis.emg.recording import Recording, runs, volts

RATES = ("rate", "fs", "sampling_rate", "sampling_frequency", "frequency")
UNITS = ("unit", "units")
NAMES = ("channels", "channel_names")
NINAPRO = "restimulus"
"""Ninapro's variable of the movement, as corrected for reaction times; the labels, where no others are named."""
HDF5 = b"\x89HDF\r\n\x1a\n"


@uses("rate", "unit", "channels", "dataset", "time", "time_unit", "label", "targets")
def read_hdf5(path: Path, layout: Layout, block: int) -> Iterator[Recording]:
    """A dataset (n_samples, n_channels); rate, unit and names are attributes of it or of the file, or datasets;
    attributes `time` and `label` name the datasets of times (s) and labels."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ConfigError(f"{path} is no HDF5 file, or a damaged one") from error
    with file:
        arrays: dict[str, Any] = {}
        file.visititems(lambda name, item: arrays.update({name: item}) if isinstance(item, h5py.Dataset) else None)
        attributes = dict(file.attrs)
        samples = _chosen(path, layout, arrays)
        attributes |= dict(arrays[samples].attrs)
        yield from _recordings(path, layout, block, samples, arrays, attributes, turned=False)


@uses("rate", "unit", "channels", "dataset", "time", "time_unit", "label", "targets")
def read_mat(path: Path, layout: Layout, block: int) -> Iterator[Recording]:
    """A variable (n_samples, n_channels) of a .mat file; of version 7.3 MATLAB writes it the other way round."""
    import scipy.io

    try:
        head = path.read_bytes()[:1024] if path.stat().st_size < 1024 else path.open("rb").read(1024)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if HDF5 in head:
        import h5py

        with h5py.File(path, "r") as file:
            arrays = {k: v for k, v in file.items() if isinstance(v, h5py.Dataset) and v.dtype.kind in "fiu"}
            yield from _recordings(path, layout, block, _chosen(path, layout, arrays), arrays, {}, turned=True)
        return
    try:
        found = scipy.io.loadmat(path)
    except Exception as error:  # scipy raises many kinds for what is no such file
        raise ConfigError(f"{path} is no .mat file of version 5 or 7.3, or a damaged one") from error
    arrays = {k: v for k, v in found.items() if not k.startswith("__") and v.dtype.kind in "fiuU"}
    yield from _recordings(path, layout, block, _chosen(path, layout, arrays), arrays, {}, turned=False)


def _chosen(path: Path, layout: Layout, arrays: Mapping[str, Any]) -> str:
    """The array that holds the EMG: the one that is named, or called emg, or the only one with two dimensions."""
    if layout.dataset:
        if layout.dataset not in arrays:
            raise ConfigError(f"{path}: {unknown('dataset', layout.dataset, arrays)}")
        return layout.dataset
    if "emg" in arrays:
        return "emg"
    wide = [k for k, v in arrays.items() if v.ndim == 2 and min(v.shape) > 1]
    if len(wide) != 1:
        raise ConfigError(f"{path} holds {', '.join(sorted(arrays)) or 'no array'}: say which is the EMG (--dataset)")
    return wide[0]


def _said(names: tuple[str, ...], arrays: Mapping[str, Any], attributes: Mapping[str, Any]) -> Any:
    """What the file says under one of these names, or None."""
    for name in names:
        if name in attributes:
            return attributes[name]
        if name in arrays:
            return arrays[name][()]
    return None


def _recordings(
    path: Path, layout: Layout, block: int, samples: str, arrays: Mapping[str, Any], attributes: Mapping[str, Any],
    turned: bool,
) -> Iterator[Recording]:  # fmt: skip
    layout = with_file_defaults(layout, attributes)
    if not layout.label and not layout.label_from and NINAPRO in arrays:
        layout = replace(layout, label=NINAPRO)
    data = arrays[samples]
    if data.ndim != 2 or data.dtype.kind not in "fiu":
        raise ConfigError(f"{path}: {samples!r} has shape {data.shape}; (n_samples, n_channels) numbers are needed")
    n, width = reversed(data.shape) if turned else data.shape
    if n < width:
        raise ConfigError(f"{path}: {samples!r} has {n} samples of {width} channels: is it the wrong way round?")
    rate = agreement.rate(path, layout, float(np.ravel(_said(RATES, arrays, attributes) or 0.0)[0]))
    said = _said(UNITS, arrays, attributes)
    file_unit = agreement.unit(path, layout, _text(said) if said is not None else "")
    unit, factor = volts(file_unit)
    names = _said(NAMES, arrays, attributes)
    unnamed = tuple(f"ch{k + 1}" for k in range(width))
    channels = unnamed if names is None else tuple(_text(c) for c in np.ravel(names))
    if len(channels) != width:
        raise ConfigError(f"{path}: {len(channels)} channel names for {width} channels")
    for name in layout.channels:
        if name not in channels:
            raise ConfigError(f"{path}: {unknown('channel', name, channels)}")
    columns = [channels.index(c) for c in layout.channels or channels]
    before = ""
    beside = {k: _column(path, k, arrays, n) for k in (layout.time, layout.label, *layout.targets) if k}
    for start in range(0, n, block or max(1, n)):
        stop = min(n, start + (block or n))
        part = np.asarray(data[:, start:stop].T if turned else data[start:stop], float)[:, columns]
        times = np.arange(start, stop) / rate
        if layout.time:
            times = beside[layout.time][start:stop].astype(float) * TIME_UNITS[layout.time_unit]
        labels = [_number(v) for v in beside[layout.label][start:stop]] if layout.label else []
        targets = [beside[t][start:stop].astype(float) for t in layout.targets]
        yield Recording(
            part * factor, layout.channels or channels, rate, unit, times,
            bool(layout.time), runs(labels, before),
            np.stack(targets, axis=1) if targets else np.zeros((stop - start, 0)), layout.targets, str(path), file_unit,
        )  # fmt: skip
        before = labels[-1] if labels else ""
    if not n:
        raise ConfigError(f"{path} has no samples")


def _column(path: Path, name: str, arrays: Mapping[str, Any], n: int) -> NDArray[Any]:
    if name not in arrays:
        raise ConfigError(f"{path}: {unknown('dataset', name, arrays)}")
    column = np.ravel(arrays[name][()])
    if column.size != n:
        raise ConfigError(f"{path}: {name!r} has {column.size} values for {n} samples")
    return column


def _text(value: Any) -> str:
    while isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    return value.decode() if isinstance(value, bytes) else str(value).strip()


def _number(value: Any) -> str:
    """A label as text: 3 for 3.0."""
    return f"{value:g}" if isinstance(value, (int, float, np.number)) else _text(value)

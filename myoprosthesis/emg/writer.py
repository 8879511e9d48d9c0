"""Blocks of a source into a file, CSV or HDF5, that says its rate, unit, names, times and labels itself."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.channel_unit import without_units
from myoprosthesis.emg.source import EmgBlock, SourceSpec

TIME, LABEL = "t", "label"
"""Names of the column or dataset of times (s) and of labels."""


class EmgWriter(Protocol):
    """Holds nothing back for longer than a block."""

    def write(self, block: EmgBlock) -> None:
        """Append."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def writer(path: str, spec: SourceSpec) -> EmgWriter:
    """By extension; raises `ConfigError` when the file cannot be written."""
    file = Path(path).expanduser()
    kinds: dict[str, Callable[[Path, SourceSpec], EmgWriter]] = {".csv": _Csv, ".h5": _Hdf5, ".hdf5": _Hdf5}
    if file.suffix.lower() not in kinds:
        raise ConfigError(f"{path}: recordings are written as {', '.join(kinds)}")
    reserved = [c for c in spec.channels if c in (TIME, LABEL)]
    if reserved:
        raise ConfigError(f"{path}: the name of channel {reserved[0]!r} is taken by the times and labels: rename it")
    try:
        return kinds[file.suffix.lower()](file, spec)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def _labels(block: EmgBlock) -> list[str]:
    out = [""] * len(block)
    for span in block.spans:
        out[span.start : span.stop] = [span.label] * (span.stop - span.start)
    return out


class _Csv:
    def __init__(self, path: Path, spec: SourceSpec) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        attributes = {"rate": f"{spec.rate!r}", "unit": spec.unit, "time": TIME, "label": LABEL, "source": spec.name}
        self._file.writelines(f"# {key}: {value}\n" for key, value in attributes.items())
        names = without_units(spec.channels)  # a unit in a name would contradict that of the values
        self._file.write("# channels: ")
        self._rows.writerow(names)
        self._rows.writerow([TIME, *names, LABEL])

    def write(self, block: EmgBlock) -> None:
        """`repr` of the numbers, which is exact."""
        rows = zip(block.times.tolist(), block.samples.tolist(), _labels(block), strict=True)
        self._rows.writerows([repr(t), *map(repr, x), label] for t, x, label in rows)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class _Hdf5:
    def __init__(self, path: Path, spec: SourceSpec) -> None:
        import h5py

        self._file = h5py.File(path, "w")
        attributes = {
            "rate": spec.rate,
            "unit": spec.unit,
            "channels": list(spec.channels),
            "time": TIME,
            "label": LABEL,
            "source": spec.name,
        }
        text = h5py.string_dtype()
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "emg": ((len(spec.channels),), "f8"), TIME: ((), "f8"), LABEL: ((), text),
        }  # fmt: skip
        for name, (shape, kind) in shapes.items():
            self._file.create_dataset(name, (0, *shape), kind, maxshape=(None, *shape), chunks=(4096, *shape))
        self._file["emg"].attrs.update(attributes)

    def write(self, block: EmgBlock) -> None:
        """Append."""
        for name, values in (("emg", block.samples), (TIME, block.times), (LABEL, np.array(_labels(block), object))):
            data = self._file[name]
            data.resize(len(data) + len(block), axis=0)
            data[-len(block) :] = values

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

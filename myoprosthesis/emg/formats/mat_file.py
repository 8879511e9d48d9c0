"""The arrays of a MATLAB file of version 4 or 5, by name: variables, fields of structures, cells."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.array_entry import LIMIT, NUMBERS, ArrayEntry, numbers

DEPTH, CELLS = 16, 4096
"""Structures in structures, and elements of an array that are no texts, that are looked at."""
COMPRESSED = 15
"""The type of an element that zlib has compressed."""
STEP = 2**20


def mat_entries(path: Path) -> tuple[dict[str, ArrayEntry], list[str]]:
    """Arrays by name (`data/emg` of a structure), and sentences on what cannot be read; raises `ConfigError`."""
    import scipy.io

    try:
        _check_compressed(path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            variables = scipy.io.loadmat(path)
    except ConfigError:
        raise
    except Exception as error:  # scipy raises many kinds for what is no such file
        raise ConfigError(f"{path} is no .mat file of version 5 or 7.3, or a damaged one") from error
    entries: dict[str, ArrayEntry] = {}
    remarks = [f"scipy says: {' '.join(str(w.message).split())[:160]}" for w in caught]
    for name, value in variables.items():
        if not name.startswith("__"):
            _add(name, value, entries, remarks, 0)
    return entries, remarks


def _add(name: str, value: Any, entries: dict[str, ArrayEntry], remarks: list[str], depth: int) -> None:
    from scipy.io.matlab import MatlabFunction, MatlabOpaque

    if isinstance(value, (MatlabOpaque, MatlabFunction)):
        fields = [str(_plain(value[k])) for k in ("s0", "s2") if value.dtype.names and k in value.dtype.names]
        what = f"{fields[0]!r} is a MATLAB {fields[1]}" if len(fields) == 2 else f"{name!r} is a MATLAB object"
        remarks.append(f"{what} and not read: save it as char, cellstr or double")
    elif not isinstance(value, np.ndarray):
        remarks.append(f"{name!r} is a sparse matrix and not read: save full(…) of it")
    elif value.dtype.names and _few(name, value.size, remarks):
        for k, element in enumerate(value.ravel() if depth < DEPTH else []):
            place = name if value.size == 1 else f"{name}/{k + 1}"
            for column in value.dtype.names:
                _add(f"{place}/{column}", element[column], entries, remarks, depth + 1)
    elif value.dtype.kind == "O":
        cells = list(value.ravel()) if depth < DEPTH else []
        if cells and any(_is_text(c) for c in cells) and all(_is_text(c) or np.size(c) == 0 for c in cells):
            texts = np.empty(len(cells), object)
            texts[:] = [str(c.ravel()[0]).rstrip() if c.size else "" for c in cells]
            entries[name] = numbers(name, texts)
        elif _few(name, len(cells), remarks):
            for k, cell in enumerate(cells):
                _add(f"{name}/{k + 1}", cell, entries, remarks, depth + 1)
    elif value.dtype.kind == "U":
        entries[name] = numbers(name, np.char.rstrip(value))
    elif value.dtype.kind in NUMBERS:
        entries[name] = numbers(name, value)
    elif value.dtype.kind == "c":
        remarks.append(f"{name!r} is complex and not read: save real(…) or abs(…) of it")
    elif not value.dtype.names:
        remarks.append(f"{name!r} is of type {value.dtype} and not read")


def _few(name: str, elements: int, remarks: list[str]) -> bool:
    """Whether an array of structures or of cells is looked at; a sentence says so where it is not."""
    if elements > CELLS:
        remarks.append(f"{name!r} has {elements} elements that are no texts, and is not read")
    return elements <= CELLS


def _is_text(cell: Any) -> bool:
    return isinstance(cell, np.ndarray) and cell.dtype.kind == "U" and cell.size <= 1


def _plain(value: Any) -> Any:
    while isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode() if isinstance(value, bytes) else value


def _check_compressed(path: Path) -> None:
    """Refuse elements that are larger than `LIMIT` once they are decompressed, before that is done in memory."""
    size = path.stat().st_size
    if size * 1032 < LIMIT:  # zlib makes nothing smaller than that
        return
    with path.open("rb") as file:
        order = "<" if file.read(128)[126:128] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(order + "II", tag)
            if kind != COMPRESSED:
                file.seek(length, 1)
                continue
            unpacked, whole, rest = zlib.decompressobj(), 0, length
            while rest > 0 and (data := file.read(min(STEP, rest))):
                rest -= len(data)
                while data:
                    whole += len(unpacked.decompress(data, STEP))
                    data = unpacked.unconsumed_tail
                    if whole > LIMIT:
                        raise ConfigError(f"{path} holds a variable of more than {LIMIT * 1e-9:.2g} GB: cut it up")

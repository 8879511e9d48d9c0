"""The arrays of an HDF5 file, by path; of a file of MATLAB 7.3 in MATLAB's order, with its texts and cells.

Nothing outside the file is read: external links, external storage and virtual datasets of other files are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.array_entry import NUMBERS, ArrayEntry, numbers

DEPTH, MOST = 32, 10_000
"""Groups in groups, and arrays in a file, that are looked at."""
CHUNK = 2**30
"""Bytes that a chunk may have once it is decompressed."""
CELLS = 4096
"""Cells of a MATLAB cell array that are looked at before one of them is read."""


def hdf5_entries(path: Path, file: Any, matlab: bool) -> tuple[dict[str, ArrayEntry], list[str], list[str]]:
    """Arrays of an open file by path, and sentences on what cannot be read or lies in other files.

    Raises `ConfigError`.
    """
    walk = _Walk(path, file, matlab)
    walk.group(file, "", {}, 0)
    return walk.entries, walk.remarks, walk.outside


class _Walk:
    def __init__(self, path: Path, file: Any, matlab: bool) -> None:
        self.path, self.file, self.matlab = path, file, matlab
        self.entries: dict[str, ArrayEntry] = {}
        self.remarks: list[str] = []
        self.outside: list[str] = []
        self._seen: set[int] = set()

    def group(self, group: Any, prefix: str, attributes: Mapping[str, Any], depth: int) -> None:
        """Add what is in a group; hard links may go round in circles."""
        import h5py

        address = h5py.h5o.get_info(group.id).addr
        if address in self._seen or depth > DEPTH:
            return
        self._seen.add(address)
        attributes = {**attributes, **_attributes(group)}
        if "MATLAB_sparse" in group.attrs:
            self.remarks.append(f"{prefix.rstrip('/')!r} is a sparse matrix and not read: save full(…) of it")
            return
        for name in group:
            if depth == 0 and self.matlab and name.startswith("#"):
                continue  # what cells and objects are made of
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                self._lies_outside(prefix + name, link.filename)
                continue
            try:
                item = group[name]
            except (KeyError, RuntimeError, OSError):  # a soft link to nowhere, or in a circle
                self.remarks.append(f"{prefix + name!r} leads nowhere")
                continue
            if isinstance(item, h5py.Group):
                if not isinstance(link, h5py.SoftLink):
                    self.group(item, f"{prefix}{name}/", attributes, depth + 1)
            elif isinstance(item, h5py.Dataset):
                self._dataset(item, prefix + name, attributes)
            if len(self.entries) > MOST:
                raise ConfigError(f"{self.path} holds more than {MOST} arrays: is it one recording?")

    def _dataset(self, data: Any, name: str, attributes: Mapping[str, Any]) -> None:
        import h5py

        if data.external:
            self._lies_outside(name, data.external[0][0])
            return
        if data.is_virtual:
            others = [s.file_name for s in data.virtual_sources() if s.file_name != "."]
            if others:
                self._lies_outside(name, others[0])
                return
        attributes = {**_fill_value(data), **attributes, **_attributes(data)}
        kind = _class(data)
        if self.matlab and (data.attrs.get("MATLAB_object_decode", 0) or kind in ("string", "table", "datetime")):
            self.remarks.append(
                f"{name!r} is a MATLAB {kind or 'object'} and not read: save it as char, cellstr or double"
            )
        elif self.matlab and data.attrs.get("MATLAB_empty", 0):
            pass
        elif data.dtype.names:
            for column in data.dtype.names:
                self._field(data, name, column, attributes)
        elif h5py.check_ref_dtype(data.dtype) is not None:
            self._cells(data, name, attributes)
        elif kind == "char" or (self.matlab and not kind and _textual(data)):
            self.entries[name] = numbers(name, _characters(data), attributes)
        else:
            self._array(data, name, attributes)

    def _array(self, data: Any, name: str, attributes: Mapping[str, Any]) -> None:
        import h5py

        names = h5py.check_enum_dtype(data.dtype)
        text = h5py.check_string_dtype(data.dtype) is not None or bool(names) or data.dtype.kind == "S"
        if data.shape is None:
            return
        if not (text or data.dtype.kind in NUMBERS):
            self._unfit(name, data.dtype)
            return
        words = {int(v): k for k, v in (names or {}).items()}
        turned = self.matlab

        def read(key: tuple[slice, ...]) -> NDArray[Any]:
            self._check(data, name)
            values = np.asarray(data[tuple(reversed(key)) if turned else key])
            values = values.T if turned else values
            return _texts(values, words) if text else values

        shape = tuple(reversed(data.shape)) if turned else tuple(data.shape)
        self.entries[name] = ArrayEntry(name, shape, text, read, attributes, _attributes(data))

    def _field(self, data: Any, name: str, column: str, attributes: Mapping[str, Any]) -> None:
        """A column of a compound dataset is an array of its own."""
        import h5py

        kind = data.dtype[column]
        base = kind.base
        names = h5py.check_enum_dtype(base)
        text = h5py.check_string_dtype(base) is not None or bool(names) or base.kind == "S"
        if data.ndim != 1 or not (text or base.kind in NUMBERS):
            self._unfit(f"{name}/{column}", base if data.ndim == 1 else f"compound of {data.ndim} dimensions")
            return
        words = {int(v): k for k, v in (names or {}).items()}

        def read(key: tuple[slice, ...]) -> NDArray[Any]:
            self._check(data, name)
            inner = (slice(None), *key[1:])
            values = np.asarray(data.fields(column)[key[0]])[inner]
            return _texts(values, words) if text else values

        path = f"{name}/{column}"
        self.entries[path] = ArrayEntry(path, (*data.shape, *kind.shape), text, read, attributes)

    def _cells(self, data: Any, name: str, attributes: Mapping[str, Any]) -> None:
        """A cell array: one array of texts, or each cell by its number."""
        import h5py

        references = np.ravel(data[()].T)
        cells = [self.file[r] if r else None for r in references[:CELLS]]
        kinds = [_kind_of_cell(c) for c in cells]
        if "char" in kinds and set(kinds) <= {"char", ""}:

            def read(key: tuple[slice, ...]) -> NDArray[Any]:
                texts = [self._cell_text(name, r) for r in references[key[0]]]
                out = np.empty(len(texts), object)
                out[:] = texts
                return out

            self.entries[name] = ArrayEntry(name, (len(references),), True, read, attributes)
            return
        if data.size > CELLS:
            self.remarks.append(f"{name!r} has {data.size} cells that are no texts, and is not read")
            return
        for k, cell in enumerate(cells):
            if isinstance(cell, h5py.Group):
                self.group(cell, f"{name}/{k + 1}/", attributes, 2)
            elif isinstance(cell, h5py.Dataset):
                self._dataset(cell, f"{name}/{k + 1}", attributes)

    def _cell_text(self, name: str, reference: Any) -> str:
        cell = self.file[reference] if reference else None
        kind = _kind_of_cell(cell)
        if kind not in ("char", ""):
            raise ConfigError(f"{self.path}: {name!r} has cells that are no texts ({kind})")
        return str(_characters(cell)[0]) if kind else ""

    def _check(self, data: Any, name: str) -> None:
        """Refuse what the file says that it holds and does not."""
        if data.chunks and not data.is_virtual:
            due = int(np.prod([-(-n // c) for n, c in zip(data.shape, data.chunks, strict=True)], dtype=object))
            if (there := data.id.get_num_chunks()) < due:
                raise ConfigError(
                    f"{self.path}: {name!r} was not written whole: {there} of its {due} chunks are there, and the rest "
                    f"would be read as {data.fillvalue}: write only what was recorded into a file"
                )
        chunk = int(np.prod(data.chunks or (), dtype=object)) * data.dtype.itemsize if data.chunks else 0
        if data.size and not data.id.get_storage_size() and not data.is_virtual:
            raise ConfigError(f"{self.path}: {name!r} says that it has {data.size} values, and holds none")
        if chunk > CHUNK:
            raise ConfigError(f"{self.path}: {name!r} has chunks of {chunk * 1e-9:.3g} GB, which are read whole")

    def _lies_outside(self, name: str, other: str) -> None:
        self.outside.append(f"{name!r} lies in another file ({other}), which is not read: copy it into this one")

    def _unfit(self, name: str, kind: Any) -> None:
        self.remarks.append(f"{name!r} is of type {kind} and not read: numbers or texts are")


def _attributes(item: Any) -> dict[str, Any]:
    """Attributes that can be read, without those of the format itself."""
    out = {}
    for key in item.attrs:
        if key.startswith("MATLAB_") or key in ("CLASS", "VERSION", "TITLE"):
            continue
        try:
            value = item.attrs[key]
        except (OSError, TypeError, RuntimeError):
            continue
        if type(value).__name__ != "Empty":
            out[key] = value
    return out


def _fill_value(data: Any) -> dict[str, Any]:
    """The value that the writer has set for what is not written, as the attribute of netCDF; 0 may be a sample."""
    import h5py

    plist = data.id.get_create_plist()
    if data.dtype.kind not in NUMBERS or plist.fill_value_defined() != h5py.h5d.FILL_VALUE_USER_DEFINED:
        return {}
    return {"_FillValue": data.fillvalue} if data.fillvalue else {}


def _class(item: Any) -> str:
    """The class that MATLAB gives an array; empty where it is none of MATLAB's."""
    return _text(item.attrs.get("MATLAB_class", b""))


def _kind_of_cell(cell: Any) -> str:
    """The class of what a cell of MATLAB holds; empty where it is empty."""
    return "" if cell is None or cell.attrs.get("MATLAB_empty", 0) else _class(cell) or "no class"


def _texts(values: NDArray[Any], words: Mapping[int, str]) -> NDArray[Any]:
    """Texts as str: of bytes, or by the names of an enumeration."""
    flat = [words.get(int(v), str(v)) if words else _text(v) for v in values.ravel()]
    out = np.empty(len(flat), object)
    out[:] = flat
    return out.reshape(values.shape)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return str(value)


def _characters(data: Any) -> NDArray[Any]:
    """Rows of a MATLAB char array, which the file has as columns of UTF-16 units."""
    units = np.atleast_2d(np.asarray(data[()], "<u2").T)
    rows = [row.tobytes().decode("utf-16-le", "replace").rstrip() for row in np.ascontiguousarray(units)]
    return np.array(rows, object)


def _textual(data: Any) -> bool:
    """Whether 16-bit numbers that have no class are a few printable characters."""
    if data.dtype != np.uint16 or not 0 < data.size < CELLS:
        return False
    values = np.asarray(data[()]).ravel()
    return bool((((values >= 32) & (values < 127)) | (values == 0xB5) | (values == 0x3BC)).all())

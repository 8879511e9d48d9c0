"""Numbers and texts of an R workspace (.RData, .rds), read without R; nothing in it is run."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import RecordingError

MOST_BYTES = 268_435_456
"""The longest workspace, uncompressed."""
DEEPEST = 64
_MAGIC = ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress))
_SYMBOL, _PAIRS, _CHARS, _LOGICAL, _WHOLE, _REAL, _TEXTS, _LIST, _EXPRESSION = 1, 2, 9, 10, 13, 14, 16, 19, 20
_ALTERNATIVE, _MISSING_ARGUMENT, _BASE_NAMESPACE, _EMPTY, _BASE, _GLOBAL, _NIL, _REFERENCE = (
    238, 251, 247, 242, 241, 253, 254, 255,
)  # fmt: skip
_MISSING_WHOLE = -(2**31)


@dataclass(frozen=True, eq=False)
class NamedTable:
    """A matrix: `values` (n_rows, n_columns), and the names of both, where they have any."""

    values: np.ndarray[Any, Any]
    rows: tuple[str, ...]
    columns: tuple[str, ...]


def read_r(path: Path) -> Any:
    """The objects of a workspace by name, or the one of an .rds file; raises `RecordingError`.

    A list with names and a data frame are dictionaries, other lists are lists; vectors of numbers are arrays, with the
    dimensions that they have (missing ones NaN) and a `NamedTable` where these have names, and texts lists. What is
    neither, such as a function, is refused."""
    try:
        data = path.read_bytes()
        for magic, expand in _MAGIC:
            if data.startswith(magic):
                data = expand(data)
        return _Reader(data, path).whole()
    except RecordingError:
        raise
    except (OSError, EOFError, ValueError, struct.error, IndexError, lzma.LZMAError) as error:
        raise RecordingError(f"{path} is no R workspace that can be read: {error}") from error


class _Reader:
    """Reads the big-endian serialisation of R, versions 2 and 3 (R Internals, section 1.8)."""

    def __init__(self, data: bytes, path: Path) -> None:
        if len(data) > MOST_BYTES:
            raise RecordingError(f"{path} has {len(data)} bytes, at most {MOST_BYTES} are read")
        self._data, self._at, self._path = data, 0, path
        self._references: list[Any] = []

    def whole(self) -> Any:
        if self._data[:4] in (b"RDX2", b"RDX3"):
            self._at = 5
        if self._bytes(2) != b"X\n":
            raise RecordingError(f"{self._path} is no R workspace in the binary format (save() writes that)")
        version, _, _ = (self._int() for _ in range(3))
        if version == 3:
            self._bytes(self._int())
        elif version != 2:
            raise RecordingError(f"{self._path} has version {version} of R's format: 2 and 3 are read")
        return self._item(0)

    def _bytes(self, n: int) -> bytes:
        if n < 0 or self._at + n > len(self._data):
            raise RecordingError(f"{self._path} ends before what it announces")
        self._at += n
        return self._data[self._at - n : self._at]

    def _int(self) -> int:
        return int(struct.unpack(">i", self._bytes(4))[0])

    def _numbers(self, kind: str) -> np.ndarray[Any, Any]:
        n = self._int()
        return np.frombuffer(self._bytes(n * np.dtype(kind).itemsize), kind)

    def _item(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise RecordingError(f"{self._path} is nested too deeply: at most {DEEPEST} levels are read")
        flags = self._int()
        kind, attributed = flags & 0xFF, bool(flags & 0x200)
        if kind in (_NIL, _MISSING_ARGUMENT, _BASE_NAMESPACE, _EMPTY, _BASE, _GLOBAL):
            return None
        if kind == _REFERENCE:
            return self._references[(flags >> 8 or self._int()) - 1]
        if kind == _SYMBOL:
            self._references.append(self._item(depth + 1))
            return self._references[-1]
        if kind == _CHARS:
            n = self._int()
            return None if n == -1 else self._bytes(n).decode("utf-8", "replace")
        if kind == _PAIRS:
            return self._pairs(flags, depth)
        if kind == _ALTERNATIVE:
            return self._alternative(depth)
        value: Any
        if kind in (_LOGICAL, _WHOLE):
            whole = self._numbers(">i4")
            value = np.where(whole == _MISSING_WHOLE, np.nan, whole.astype(float))
        elif kind == _REAL:
            value = self._numbers(">f8").astype(float)
        elif kind in (_TEXTS, _LIST, _EXPRESSION):
            n = self._int()
            if n > len(self._data) - self._at:
                raise RecordingError(f"{self._path} ends before what it announces")
            value = [self._item(depth + 1) for _ in range(n)]
        else:
            raise RecordingError(f"{self._path} has an object of R's type {kind}: numbers, texts and lists are read")
        return _with_attributes(value, self._item(depth + 1) if attributed else None, kind)

    def _pairs(self, flags: int, depth: int) -> dict[str, Any]:
        """A list of pairs, of values with names."""
        out: dict[str, Any] = {}
        while flags & 0xFF == _PAIRS:
            if flags & 0x200:
                self._item(depth + 1)
            tag = self._item(depth + 1) if flags & 0x400 else None
            out[tag or str(len(out))] = self._item(depth + 1)
            flags = self._int()
        if flags & 0xFF != _NIL:
            raise RecordingError(f"{self._path} has a list that does not end as one")
        return out

    def _alternative(self, depth: int) -> Any:
        """A vector in a short form: a sequence of whole numbers, or another one wrapped."""
        about, state, more = (self._item(depth + 1) for _ in range(3))
        name = next(iter(about.values()), "") if isinstance(about, dict) else ""
        if name in ("compact_intseq", "compact_realseq"):
            n, first, step = state
            value: Any = first + step * np.arange(int(n))
        elif str(name).startswith("wrap_"):
            value = next(iter(state.values())) if isinstance(state, dict) else state[0]
        else:
            raise RecordingError(f"{self._path} has a vector in R's short form {name!r}, which is not read")
        return _with_attributes(value, more, _LIST if isinstance(value, list) else _REAL)


def _with_attributes(value: Any, attributes: Any, kind: int) -> Any:
    """The value in its dimensions, or by its names."""
    more = attributes if isinstance(attributes, dict) else {}
    if isinstance(value, np.ndarray) and "dim" in more:
        shape = tuple(int(n) for n in more["dim"])
        table = value.reshape(shape, order="F")
        named = more.get("dimnames")
        if len(shape) == 2 and isinstance(named, list):
            rows, columns = (tuple(map(str, part or ())) for part in named)
            return NamedTable(table, rows, columns)
        return table
    names = more.get("names")
    if kind in (_LIST, _EXPRESSION) and isinstance(names, list) and isinstance(value, list):
        return dict(zip(names, value, strict=True))
    return value

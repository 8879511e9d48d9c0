"""Arrays of a file, by name, that are read in parts: the same for HDF5 and for both kinds of MATLAB file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

LIMIT = 2**31
"""Bytes that one array may take in memory: 16 channels at 2 kHz for two hours."""
NUMBERS = "fiub"
"""NumPy's kinds of numbers."""


@dataclass(frozen=True)
class ArrayEntry:
    """`read(key)` gives a part of an array of `shape`, in the order of the program that wrote it; `text`: of texts.

    `attributes` are those of the array, and of the groups that it is in where it does not have them itself; `own` are
    its own alone.
    """

    name: str
    shape: tuple[int, ...]
    text: bool
    read: Callable[[tuple[slice, ...]], NDArray[Any]]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def leaf(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    @property
    def group(self) -> str:
        """Its name up to the last part, with the stroke at the end; empty at the top."""
        return self.name[: len(self.name) - len(self.leaf)]

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=object))

    def whole(self, path: Path) -> NDArray[Any]:
        """All of it; raises `ConfigError` when that is more than `LIMIT`."""
        check_size(path, self.name, self.size)
        return np.asarray(self.read(tuple(slice(None) for _ in self.shape)))


def check_size(path: Path, name: str, values: int) -> None:
    """Refuse what does not fit into memory; raises `ConfigError`."""
    if 8 * values > LIMIT:
        raise ConfigError(
            f"{path}: {name!r} takes {8e-9 * values:.3g} GB in memory, {1e-9 * LIMIT:.2g} GB can be read: cut it up"
        )


def numbers(name: str, array: NDArray[Any], attributes: Mapping[str, Any] | None = None) -> ArrayEntry:
    """An array that is in memory."""
    return ArrayEntry(name, array.shape, array.dtype.kind in "UO", lambda key: array[key], attributes or {})

"""Which array of a file is the EMG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats.array_entry import NUMBERS, ArrayEntry
from myoprosthesis.emg.formats.emg_channels import Kind, kind

FRAMES = ("block0_values", "values_block_0")
"""What pandas calls the values of a data frame."""
LISTED = 30
SENTENCES = 4
"""Unreadable entries that are named in an error."""


class ArrayChoice:
    """Chooses the array of EMG among the `entries` of a file; raises `ConfigError` where the file does not say which.

    `parts` are the names of arrays of one channel each that were put together, `remarks` sentences on what was decided.
    """

    def __init__(self, path: Path, entries: Mapping[str, ArrayEntry], unreadable: Sequence[str]) -> None:
        """`unreadable` are sentences on what the file has besides `entries`."""
        self._path, self._entries = path, entries
        self.unreadable = f"; {'; '.join(unreadable[:SENTENCES])}" if unreadable else ""
        self.remarks: list[str] = []
        self.parts: set[str] = set()

    def named(self, dataset: str) -> ArrayEntry:
        """The array, or what is EMG in the group or in the compound array of this name; its path may be cut short."""
        wanted = dataset.strip("/")
        matches = [e for n, e in self._entries.items() if n == wanted]
        matches = matches or [e for n, e in self._entries.items() if n.endswith(f"/{wanted}")]
        if len(matches) == 1:
            if matches[0].text or len(matches[0].shape) > 2:
                raise unfit(self._path, matches[0])
            return matches[0]
        inside = [e for n, e in self._entries.items() if f"/{n}".find(f"/{wanted}/") >= 0]
        if matches or not inside:
            there = unknown("dataset", dataset, list(self._entries)[:LISTED])
            raise ConfigError(f"{self._path}: {there}{self.unreadable}")
        return self.likely(inside)[0]

    def likely(self, entries: Sequence[ArrayEntry]) -> tuple[ArrayEntry, bool]:
        """The array that is called EMG or after a muscle, or the only one with two dimensions, and whether by name."""
        arrays = [e for e in entries if not e.text and len(e.shape) <= 2 and (e.size > 1 or e.leaf.lower() == "emg")]
        named = [e for e in arrays if kind(e.leaf) is Kind.EMG]
        exact = [e for e in named if e.leaf.lower() == "emg"]
        for matches in (exact, named):
            if len(matches) == 1:
                return matches[0], True
        columns = [e for e in named if max(e.shape) == e.size]
        if columns and len(columns) == len(named) and len({(e.size, e.group) for e in columns}) == 1:
            return self._stacked(columns), True
        if not named:
            wide = [e for e in arrays if min(e.shape) > 1 and len(e.shape) == 2 and not _other(e.leaf)]
            if len(wide) == 1:
                self.remarks.append(f"{wide[0].name!r} is taken as the EMG: there is no other array of two dimensions")
                return wide[0], False
        if not self._entries:
            raise ConfigError(f"{self._path} holds no array that can be read{self.unreadable}")
        there = listed([about(e) for e in entries])
        if columns and len(columns) == len(named):
            raise ConfigError(
                f"{self._path}: its EMG channels are arrays of several lengths or groups ({there}), which are not put "
                f"together: name one (--dataset {columns[0].name})"
            )
        raise ConfigError(f"{self._path}: say which is the EMG (--dataset); it holds {there}{self.unreadable}")

    def _stacked(self, columns: Sequence[ArrayEntry]) -> ArrayEntry:
        """Arrays of one channel each as one of several."""
        first = columns[0]
        self.parts |= {c.name for c in columns}

        def read(key: tuple[slice, ...]) -> NDArray[Any]:
            return np.stack([np.ravel(c.read(tuple(slice(None) for _ in c.shape))) for c in columns], axis=1)[key]

        names = np.array([c.leaf for c in columns], object)
        return ArrayEntry(
            f"{first.group}{'+'.join(names)[:60]}", (first.size, len(columns)), False, read,
            {**_of_all(columns), "channels": names},
        )  # fmt: skip


def unfit(path: Path, entry: ArrayEntry) -> ConfigError:
    """The error of an array that cannot be EMG, by its shape or type."""
    what = "text" if entry.text else f"of shape {entry.shape}"
    return ConfigError(f"{path}: {entry.name!r} is {what}; (n_samples, n_channels) numbers are needed")


def about(entry: ArrayEntry) -> str:
    """Its name and shape."""
    return f"{entry.name} {'×'.join(map(str, entry.shape)) or 'single'}"


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, at most `LISTED` of them."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _other(name: str) -> bool:
    """Whether the name of an array says that it is not EMG."""
    return kind(name) is Kind.NOT_EMG and name not in FRAMES


def _of_all(columns: Sequence[ArrayEntry]) -> dict[str, Any]:
    """Attributes of arrays of one channel each.

    Those in which they differ have one value per channel, empty (texts) or NaN (numbers) where it has none.
    """
    out: dict[str, Any] = {}
    for key in dict.fromkeys(k for c in columns for k in c.attributes):
        values = [c.attributes.get(key) for c in columns]
        there = [np.ravel(v) for v in values if v is not None]
        if len(there) == len(columns) and all(np.array_equal(v, there[0]) for v in there):
            out[key] = values[0]
            continue
        numeric = all(v.dtype.kind in NUMBERS for v in there)
        missing = np.nan if numeric else ""
        each = [np.ravel(v)[0] if v is not None and np.size(v) else missing for v in values]
        out[key] = np.array(each, float if numeric else object)
    return out

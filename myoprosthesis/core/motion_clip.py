"""Recorded movements by name: a CSV file with a column of times and one per channel, identified by its SHA-256."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError, unknown

Array = NDArray[np.float64]
FOLDERS = "MYOPROSTHESIS_CLIPS"
"""Environment variable with folders of clips, which are searched before those that come with the package."""


@dataclass(frozen=True, eq=False)
class MotionClip:
    """A movement: `values` (n_samples, n_columns) at `time_s` (n_samples,) from 0 on, and the `units` by column."""

    name: str
    sha256: str
    units: Mapping[str, str]
    time_s: Array
    values: Array

    @property
    def duration_s(self) -> float:
        """From the first sample to the last."""
        return float(self.time_s[-1])

    def at(self, time_s: float) -> dict[str, tuple[float, float]]:
        """Value and slope (per second) of each column at a time within the clip, on the line between two samples."""
        (values,), (slopes,) = self.sampled(np.array([time_s]))
        return {c: (float(x), float(v)) for c, x, v in zip(self.units, values, slopes, strict=True)}

    def sampled(self, time_s: Array) -> tuple[Array, Array]:
        """Values and slopes (per second), (n, n_columns) both, at times (n,) within the clip."""
        after = np.clip(np.searchsorted(self.time_s, time_s, "right"), 1, len(self.time_s) - 1)
        ends = self.time_s[after - 1], self.time_s[after]
        return between(time_s, *ends, self.values[after - 1], self.values[after])


def between(time_s: Array, begin: Array, end: Array, before: Array, after: Array) -> tuple[Array, Array]:
    """Values and slopes (per second), (n, n_columns) both, on lines from `before` at `begin` to `after` at `end`."""
    slopes = (after - before) / (end - begin)[:, None]
    return before + slopes * (time_s - begin)[:, None], slopes


def names() -> list[str]:
    """The clips that there are."""
    return sorted(_files())


def find(name: str) -> Path:
    """The file of the clip `name`; raises `ConfigError` with the clips that there are."""
    known = _files()
    if name not in known:
        raise unknown("clip", name, known, f"(folders: {', '.join(map(str, _folders()))}; {FOLDERS} names others)")
    return known[name]


def read(path: Path) -> MotionClip:
    """The clip in a CSV file whose head is `time_s, NAME [UNIT], …` (no unit: rad); raises `ConfigError`."""
    try:
        data = path.read_bytes()
        head, *rows = list(csv.reader(data.decode("utf-8").splitlines()))
        table = np.array(rows, float)
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"the clip {path} cannot be read: {error}") from error
    columns = [name.strip() for name in head]
    if columns[:1] != ["time_s"] or len(columns) < 2 or table.shape[1:] != (len(columns),) or len(table) < 2:
        raise ConfigError(f"the clip {path} needs a column time_s, then others, and two rows or more")
    if not np.isfinite(table).all() or table[0, 0] != 0 or (np.diff(table[:, 0]) <= 0).any():
        raise ConfigError(f"the clip {path} needs finite values, and times that begin at 0 and grow")
    units = {name.partition("[")[0].strip(): name.partition("[")[2].rstrip("] ") or "rad" for name in columns[1:]}
    if len(units) != len(columns) - 1:
        raise ConfigError(f"the clip {path} has a column twice: {', '.join(columns)}")
    return MotionClip(path.stem, hashlib.sha256(data).hexdigest(), units, table[:, 0], table[:, 1:])


@lru_cache(maxsize=1024)
def load(name: str, sha256: str) -> MotionClip:
    """The clip `name`, if its file has this hash; raises `ConfigError` otherwise."""
    clip = read(find(name))
    if clip.sha256 != sha256:
        raise ConfigError(
            f"clip {name!r} has the hash {clip.sha256[:12]}… here and {sha256[:12]}… in the plan: give all machines "
            "the same file"
        )
    return clip


def _files() -> dict[str, Path]:
    return {file.stem: file for folder in reversed(_folders()) for file in sorted(folder.glob("*.csv"))}


def _folders() -> list[Path]:
    own = [Path(part).expanduser() for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    return [*own, share.root() / "config" / "clips"]

"""A recorded movement as it stands in a file: columns of numbers by name, over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown

Array = NDArray[np.float64]
LONGEST_GAP = 1.5
"""Of the usual time between two samples."""
TRANSLATIONS = ("_tx", "_ty", "_tz")
"""What names of translations end with, which are in metres; all else are angles."""


@dataclass(frozen=True, eq=False)
class MotionColumns:
    """What a file has: columns (n,) by name; `degrees`: whether angles are in degrees, None where nothing says so.

    `remarks` are what had to be assumed, in sentences."""

    columns: Mapping[str, Array]
    degrees: bool | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MotionRecording:
    """Columns (n,) by name at `time_s` (n,); `degrees` and `remarks` as in `MotionColumns`."""

    time_s: Array
    columns: Mapping[str, Array]
    degrees: bool | None = None
    remarks: tuple[str, ...] = ()

    def renamed(self, names: Mapping[str, str]) -> MotionRecording:
        """The recording with other names of columns; raises `ConfigError` for one that it does not have."""
        for name in names:
            if name not in self.columns:
                raise unknown("column", name, self.columns)
        return replace(self, columns={names.get(name, name): values for name, values in self.columns.items()})

    def checked(self) -> MotionRecording:
        """The recording; raises `ConfigError` for gaps in time, and for values that are no numbers."""
        steps = np.diff(self.time_s)
        if len(self.time_s) < 2 or not np.isfinite(self.time_s).all() or (steps <= 0).any():
            raise ConfigError("its times do not grow from sample to sample")
        usual = float(np.median(steps))
        if (steps > LONGEST_GAP * usual).any():
            k = int(steps.argmax())
            raise ConfigError(
                f"it has a gap of {steps[k]:.3g} s at {self.time_s[k]:.3g} s, where {usual:.3g} s are usual: cut it "
                "there (--from, --until)"
            )
        for name, values in self.columns.items():
            sound = np.isfinite(values)
            if not sound.all():
                there = self.time_s[sound]
                where = (
                    f"; there are some from {there[0]:.3g} to {there[-1]:.3g} s (--from, --until)" if len(there) else ""
                )
                raise ConfigError(f"column {name} has no number at {self.time_s[int(np.argmin(sound))]:.3g} s{where}")
        return self

    def within(self, begin_s: float, end_s: float) -> MotionRecording:
        """The part between two times (s) of the file."""
        rows = (self.time_s >= begin_s) & (self.time_s <= end_s)
        if rows.sum() < 2:
            raise ConfigError(
                f"between {begin_s:g} and {end_s:g} s there is nothing: it goes from {self.time_s[0]:g} to "
                f"{self.time_s[-1]:g} s"
            )
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, time_s=self.time_s[rows], columns=columns)

"""A table of prompts beside a recording: from each row's time on, those targets were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.clock_text import DAY_S, Turns, since_midnight
from myoprosthesis.emg.formats.text_lines import TextLines
from myoprosthesis.emg.recording import Span, runs
from myoprosthesis.emg.recording_format import TIME_UNITS, RecordingFormat, needed

Array = NDArray[np.float64]


class Prompts:
    """Times, then one column of 0 and 1 per target, named in the first line."""

    def __init__(self, path: Path, layout: RecordingFormat) -> None:
        """`path` is the recording; raises `ConfigError`."""
        beside = path.parent / layout.prompts
        if not layout.time:
            raise needed(path, "sample times, which the prompts need", "time", "timestamp")
        with TextLines(beside, layout.encoding) as lines:
            names = [c.strip() for c in (lines.next() or "").split(",")]
            rows = []
            while (line := lines.next()) is not None:
                if line.strip():
                    rows.append(line.split(","))
        try:
            table = np.array(rows, float)
        except ValueError as error:
            raise ConfigError(f"{beside} cannot be read: {error}") from error
        if len(names) < 2 or table.ndim != 2 or table.shape[1] != len(names) or not np.isfinite(table).all():
            raise ConfigError(f"{beside} needs a column of times and one column per target, all of them numbers")
        self.names = tuple(names[1:])
        begins, self._values = table[:, 0] * TIME_UNITS[layout.time_unit], table[:, 1:]
        odd = (self._values != 0) & (self._values != 1)
        if odd.any():
            row, column = map(int, np.argwhere(odd)[0])
            value = f"{self._values[row, column]:g}"
            raise ConfigError(
                f"{beside}: {self.names[column]!r} is {value} in line {row + 2}: a target is asked for, 1, or not, 0"
            )
        self._of_day = since_midnight(begins)
        self._begins = Turns().straight(begins, DAY_S) if self._of_day else begins
        if (np.diff(self._begins) < 0).any():
            raise ConfigError(f"{beside}: its times go back in line {int(np.argmax(np.diff(self._begins) < 0)) + 3}")
        self._before, self._until, self._path = "", -np.inf, beside

    def at(self, times: Array) -> tuple[Array, tuple[Span, ...]]:
        """Targets (n, k) and a span per prompt, named after what is asked for; nothing before the first prompt."""
        if self._of_day and len(times):  # those of one day and of the next belong together
            self._begins += DAY_S * np.round((times[0] - self._begins[0]) / DAY_S)
            self._of_day = False
        if len(times):
            self._until = float(times[-1])
        which = np.searchsorted(self._begins, times, side="right") - 1
        targets = np.where((which >= 0)[:, None], self._values[np.maximum(which, 0)], np.nan)
        asked = [str(k) if k >= 0 else "" for k in which]
        spans = []
        for run in runs(asked, self._before):
            on = [n for n, v in zip(self.names, self._values[int(run.label)], strict=True) if v > 0.5]
            spans.append(Span("+".join(on) or "none", run.start, run.stop, run.continued))
        self._before = asked[-1] if asked else self._before
        return targets, tuple(spans)

    def unused(self) -> list[str]:
        """At the end of the recording: a remark about prompts that begin after it; raises `ConfigError` when all do."""
        beyond = int((self._begins > self._until).sum())
        if not beyond:
            return []
        first = self._begins[len(self._begins) - beyond]
        when = f"at {first:g} s, and the recording ends at {self._until:g} s"
        if beyond == len(self._begins):
            raise ConfigError(f"{self._path}: its first prompt is {when}: other times, or the prompts of another file?")
        return [
            f"{beyond} of {len(self._begins)} prompts begin after the recording's end (the first {when}) and are unused"
        ]

"""Plans that one participant has announced, in order of time, and how far they reach."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.message import read_object, reading
from myoprosthesis.core.text import brief


@dataclass(frozen=True)
class TrialPlan:
    """One trial: from `from_ns` to `until_ns`, with the goal `target` (m, three coordinates) from the start and the
    go signal at `go_ns` (never in a catch trial: None). `reset`: the body is put to its start at `from_ns`. After the
    `last` one nothing more comes."""

    trial: int
    from_ns: int
    until_ns: int
    start: tuple[float, ...]
    target: tuple[float, ...]
    go_ns: int | None
    reset: bool = True
    scored: bool = True
    last: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        times = (self.trial, self.from_ns, self.until_ns, *(() if self.go_ns is None else (self.go_ns,)))
        if not all(isinstance(t, int) and not isinstance(t, bool) for t in times):
            raise ConfigError(f"a trial's number and times are whole numbers, got {', '.join(map(repr, times))}")
        if self.trial < -1:
            raise ConfigError(f"trials are numbered from 0 (-1: no trial), got {self.trial}")
        flags = (self.reset, self.scored, self.last)
        if not (all(isinstance(f, bool) for f in flags) and isinstance(self.label, str)):
            raise ConfigError(
                f"trial {self.trial} has reset, scored and last {', '.join(map(brief, flags))} and label "
                f"{brief(self.label)}: true or false, and a text, are needed"
            )
        if not all(isinstance(p, tuple) for p in (self.start, self.target)):
            where = f"from {brief(self.start)} to {brief(self.target)}"
            raise ConfigError(f"trial {self.trial} goes {where}: three coordinates each are needed")
        if not len(self.start) == len(self.target) == 3:
            where = f"from {brief(self.start)} to {brief(self.target)}"
            raise ConfigError(f"trial {self.trial} goes {where}: three coordinates each")
        if not self.from_ns < self.until_ns:
            raise ConfigError(f"trial {self.trial} ends at {self.until_ns} ns, not after its start {self.from_ns} ns")
        if not all(math.isfinite(x) for x in (*self.start, *self.target)):
            raise ConfigError(f"trial {self.trial} goes from {self.start} to {self.target}: both must be finite")

    def over(self, now_ns: int, dt_ns: int) -> bool:
        """Whether a state at `now_ns` is the trial's last one, or later; one in real time may lie off its place: half a
        period decides."""
        return now_ns + dt_ns >= self.until_ns - dt_ns // 2

    def goal(self, now_ns: int) -> dict[str, float]:
        """Channel values of the task at `now_ns`: `target/x` … in m and `go` 0 or 1."""
        values = {f"target/{a}": v for a, v in zip("xyz", self.target, strict=False)}
        values["go"] = 1.0 if self.go_ns is not None and now_ns >= self.go_ns else 0.0
        return values

    def to_json(self) -> str:
        """The text of a message on `target`."""
        return json.dumps({"party": "task", **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> TrialPlan:
        """Inverse of `to_json`."""
        with reading("a trial"):
            data = read_object(text, "a trial")
            data.pop("party", None)
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            return cls(**values)


TASK_UNITS = {"target/x": "m", "target/y": "m", "target/z": "m", "go": "1"}


TASK_CHANNELS = tuple(TASK_UNITS)
"""Channels that a policy may observe besides those of the effector, and the units of their positions."""

"""What a party has said of the time to come: the wire form of trials and of perturbations.

A plan is one JSON text that holds everything its party has to say up to `until_ns`, its horizon. In lockstep a
tick runs only when every party's horizon has reached it; since the plan and its horizon are one message, no tick
can overtake what was said about it. Times are integer nanoseconds of the graph's clock.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.message import PLAN_BYTES, read_object, reading
from myoprosthesis.core.text import brief

NS = 1_000_000_000

SITES = ("endpoint", "joint", "muscle", "observation", "hidden", "emg")
"""Sites of a perturbation that some node of this package owns."""


def ns(seconds: float) -> int:
    """Seconds as integer nanoseconds."""
    return round(seconds * NS)


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


@dataclass(frozen=True)
class Entry:
    """One perturbation at one site over one window of time; `values` belong to its `kind`.

    `law` (endpoint, joint): `core.law.Law.to_dict()`, for joints with `joints`, the names of its dimensions.
    `strength` (muscle): fraction of active force by muscle name. `fatigue` (muscle): rates `F`, `R` in 1/s.
    `rotation`, `delay`, `noise`, `withhold` (observation). Those of site `hidden`: see `policies/hidden.py`; of `emg`:
    see `emg/distorter.py`.
    The effect rises linearly over `ramp_s` from `from_ns`.
    """

    site: str
    kind: str
    values: Mapping[str, Any]
    from_ns: int = 0
    until_ns: int | None = None
    ramp_s: float = 0.0

    def __post_init__(self) -> None:
        if self.site not in SITES:
            raise ConfigError(f"no node owns the perturbation site {self.site!r}: known are {', '.join(SITES)}")
        if not isinstance(self.values, Mapping):
            raise ConfigError(f"the values of a perturbation are a mapping, got {self.values!r}")
        until_ns = self.from_ns if self.until_ns is None else self.until_ns
        if not (isinstance(self.from_ns, int) and isinstance(until_ns, int)):
            raise ConfigError(f"a perturbation's times are whole numbers, got {self.from_ns!r} and {until_ns!r}")
        if not (isinstance(self.ramp_s, (int, float)) and math.isfinite(self.ramp_s)):
            raise ConfigError(f"the ramp of a perturbation is a number, got {self.ramp_s!r}")

    def gain(self, now_ns: int) -> float:
        """0 outside the window, 1 inside, in between on the ramp."""
        if now_ns < self.from_ns or (self.until_ns is not None and now_ns >= self.until_ns):
            return 0.0
        if self.ramp_s <= 0:
            return 1.0
        return min(1.0, (now_ns - self.from_ns) / (self.ramp_s * NS))


@dataclass(frozen=True)
class PerturbationPlan:
    """All perturbations from `from_ns` up to `until_ns`, under the `name` by which people know them."""

    name: str
    until_ns: int
    trial: int = -1
    entries: tuple[Entry, ...] = ()
    from_ns: int = 0

    def at(self, *sites: str) -> tuple[Entry, ...]:
        """The entries of some sites."""
        return tuple(e for e in self.entries if e.site in sites)

    def to_json(self) -> str:
        """The text of a message on `perturbation`."""
        text = json.dumps({"party": "perturbation", **asdict(self)})
        if len(text) > PLAN_BYTES:
            raise ConfigError(f"perturbation {self.name!r} makes a plan of {len(text)} characters: {PLAN_BYTES} go")
        return text

    @classmethod
    def from_json(cls, text: str) -> PerturbationPlan:
        """Inverse of `to_json`."""
        with reading("a perturbation"):
            data = read_object(text, "a perturbation")
            entries = tuple(Entry(**e) for e in data.get("entries", ()))
            return cls(
                name=str(data["name"]),
                until_ns=int(data["until_ns"]),
                trial=int(data.get("trial", -1)),
                entries=entries,
                from_ns=int(data.get("from_ns", 0)),
            )


MOST_PLANS = 100
"""So many plans ahead are kept; a party announces one or two."""


@dataclass
class Schedule:
    """The plans (of trials or of perturbations) that one party has sent, by time, and how far it has spoken."""

    horizon_ns: int = -1
    plans: list[Any] = field(default_factory=list)

    def add(self, plan: Any) -> None:
        """Take in a plan. It replaces all that was said of the time from its `from_ns` on, so that a party which
        was restarted, and begins anew in the middle of an old plan, is the only one heard."""
        self.plans = [p for p in self.plans if p.from_ns < plan.from_ns]
        self.plans = [*self.plans[-MOST_PLANS:], plan]
        self.horizon_ns = plan.until_ns

    @property
    def ended(self) -> bool:
        """True when the party has said that nothing more will come."""
        return bool(self.plans) and bool(getattr(self.plans[-1], "last", False))

    def current(self, now_ns: int) -> Any | None:
        """The plan in force at `now_ns`; older ones are forgotten."""
        while len(self.plans) > 1 and self.plans[1].from_ns <= now_ns:
            self.plans.pop(0)
        plan = self.plans[0] if self.plans else None
        return plan if plan is not None and plan.from_ns <= now_ns < plan.until_ns else None


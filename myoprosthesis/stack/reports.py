"""What nodes report of themselves, typed: the newest diagnostics of the effector and of the policy node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

CUT = {"clipped": "beyond a limit of its contract, cut to it", "non_finite": "not finite, refused"}
"""What a policy counts of its actions, and in words."""
R = TypeVar("R", bound="EffectorReport | PolicyReport | DecisionReport")


def report(kind: type[R], values: Mapping[str, Any]) -> R:
    """A report from the values of a status; those that are missing, null or of no field keep the field's default."""
    return kind(**{f.name: values[f.name] for f in fields(kind) if values.get(f.name) is not None})


@dataclass(frozen=True)
class EffectorReport:
    """The effector's diagnostics. Empty before the first: its `effector` is "" then."""

    effector: str = ""
    text: str = ""
    lockstep: bool | None = None
    dt: float = 0.0
    tick: int = 0
    rate: float = 0.0
    """Ticks per second by the effector's own clock; 0 before it is known."""
    perturbation: str = ""
    joints: dict[str, list[float]] = field(default_factory=dict)
    """Position (rad or m) and effort (N·m or N) by joint."""
    paused: bool = False
    finished: bool = False
    stopped: bool = False
    idle: str = ""
    """Why it does not follow commands; empty while it does."""
    waiting_for: str = ""
    refused: str = ""
    error: str = ""
    events: dict[str, Any] = field(default_factory=dict)
    """Counts of the guard."""
    device: dict[str, Any] = field(default_factory=dict)
    """Counts of a hand and its line."""
    apart: dict[str, Any] | None = None
    """Largest difference from the effector whose twin this one is: `joint`, `rad`."""
    trace_sha256: str | None = None
    ticks: int = 0
    seconds: float = 0.0
    missed_ticks: int = 0
    command_age_ms: dict[str, float] = field(default_factory=dict)
    round_trip_ms: dict[str, float] = field(default_factory=dict)
    lateness_ms: dict[str, float] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    latency_since_arrival_ms: dict[str, float] = field(default_factory=dict)

    @property
    def unfollowed(self) -> str:
        """Why no commands are followed now, a pause among them; empty while they are."""
        return self.idle or ("paused" if self.paused else "")


@dataclass(frozen=True)
class PolicyReport:
    """What the policy node runs, or is about to. Empty before the first: its `text` is "" then."""

    text: str = ""
    """`active`, `ready` (loaded, waiting for the next trial), `inactive`, …"""
    policy: str = ""
    candidate: str = ""
    previous: str = ""
    refused: str = ""
    """The policy that was refused, with the reason in `why`."""
    why: str = ""
    shadow: str = ""
    """The policy that runs beside it."""
    shadow_why: str = ""
    """Why the one that was asked for does not."""
    warning: str = ""
    file: str = ""
    fitted_to: str = ""
    """The effector that it commands."""
    since_ns: int | None = None
    step_over_bound: float | None = None


@dataclass(frozen=True)
class DecisionReport:
    """What a decoder decides now. Empty before the first."""

    choice: str = ""
    confidence: float | None = None
    rejected: bool = False
    drifting: bool = False
    known: bool = False
    """Whether there was a decision."""


class ActionCounts:
    """How many actions of each policy were cut to the limits of its contract, also where its node was started again."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], int] = {}
        self.total: dict[str, Counter[str]] = {}
        """Counts of each kind of `CUT`, by policy."""

    def add(self, values: Mapping[str, Any]) -> None:
        """The newest diagnostics of the policy node."""
        policy, events = str(values.get("policy") or ""), values.get("events")
        if not isinstance(events, Mapping):
            return
        for kind in CUT:
            n, before = events.get(kind, 0), self._newest.get((policy, kind), 0)
            if isinstance(n, int) and n != before:
                self._newest[policy, kind] = n
                self.total.setdefault(policy, Counter())[kind] += n - before if n > before else n

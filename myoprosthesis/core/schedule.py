"""The plans that one participant has announced, in order of time, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Plan(Protocol):
    """What happens from `from_ns` to before `until_ns`."""

    @property
    def from_ns(self) -> int:
        """Its start, ns."""
        ...

    @property
    def until_ns(self) -> int:
        """Its end, ns."""
        ...


P = TypeVar("P", bound=Plan)
MOST_PLANS = 100
"""Plans ahead that are kept; a participant announces one or two."""


@dataclass
class Schedule(Generic[P]):
    """Plans of trials or of perturbations by time.

    Everything is announced until `horizon_ns`, and simulated time goes no further (the lookahead of conservative
    co-simulation).
    """

    horizon_ns: int = -1
    plans: list[P] = field(default_factory=list)

    def add(self, plan: P) -> None:
        """Add a plan, which replaces all that was announced from its `from_ns` on.

        So only a participant that was restarted, and begins again in the middle of an old plan, counts. One that is
        announced again stays what it was.
        """
        known = next((p for p in self.plans if p == plan), plan)
        self.plans = [p for p in self.plans if p.from_ns < plan.from_ns]
        self.plans = [*self.plans[-MOST_PLANS:], known]
        self.horizon_ns = plan.until_ns

    def unannounced_s(self, plan: P, newest_ns: int) -> float:
        """How long what a plan says had been going on by the data of `newest_ns` when it was announced, s.

        0 where those are from before it or after it, and for a plan that replaces one with the same beginning.
        """
        known = any(p.from_ns == plan.from_ns for p in self.plans)
        return 0.0 if known or not plan.from_ns <= newest_ns < plan.until_ns else (newest_ns - plan.from_ns + 1) * 1e-9

    @property
    def ended(self) -> bool:
        """True when the participant has announced its last plan."""
        return bool(self.plans) and bool(getattr(self.plans[-1], "last", False))

    def current(self, now_ns: int) -> P | None:
        """The plan in force at `now_ns`; older ones are dropped."""
        while len(self.plans) > 1 and self.plans[1].from_ns <= now_ns:
            self.plans.pop(0)
        plan = self.plans[0] if self.plans else None
        return plan if plan is not None and plan.from_ns <= now_ns < plan.until_ns else None

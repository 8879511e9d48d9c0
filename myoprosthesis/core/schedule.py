"""Plans that one participant has announced, in order of time, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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

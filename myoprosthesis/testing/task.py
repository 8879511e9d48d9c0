"""What every task must do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.testing.demand import demand


def check_task(task: Any, trials: int = 40) -> None:
    """A task plans any trial in any order, always in the same way, with a goal and a go signal within the trial."""
    plans = [task.plan(k, ns(k)) for k in range(trials)]
    for k in reversed(range(trials)):
        plan = plans[k]
        demand(plan == task.plan(k, ns(k)), f"trial {k} is not the same when planned again")
        demand((plan.trial, plan.from_ns) == (k, ns(k)), f"trial {k} became {plan.trial}, from {plan.from_ns} ns")
        demand(TrialPlan.from_json(plan.to_json()) == plan, f"trial {k} does not come back from JSON as it was")
        demand(len(plan.start) == len(plan.target) == 3, f"trial {k}: start and target need three coordinates")
        demand(
            plan.go_ns is None or plan.from_ns <= plan.go_ns < plan.until_ns,
            f"trial {k}: the go signal at {plan.go_ns} ns is not within the trial",
        )
        go_ns = None if plan.go_ns is None else plan.go_ns + 17
        moved = replace(plan, from_ns=plan.from_ns + 17, until_ns=plan.until_ns + 17, go_ns=go_ns)
        demand(task.plan(k, ns(k) + 17) == moved, f"trial {k} depends on when it begins")
    demand(plans[0].reset or not plans[0].scored, "the first trial must put the body to its start")

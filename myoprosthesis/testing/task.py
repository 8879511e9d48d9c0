"""What every task must do."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.tasks.plan_only import missing
from myoprosthesis.testing.demand import demand

SPEC = EffectorSpec(
    "checked",
    0.01,
    Channels("effort", ("muscle",), "1", (0.0,), (1.0,)),
    ("joint",),
    ("muscle",),
    "endpoint",
    resettable=True,
    home=(0.0, 0.0, 0.0),
)


def check_task(task: Any, trials: int = 40, spec: EffectorSpec = SPEC) -> None:
    """Check that a task plans any trial in any order, always in the same way.

    Its go signal is within the trial and its goals are on the channels that it names; it judges a trial by channels
    that the effector `spec` has, always in the same way.
    """
    lacks = missing(task)
    needs = () if lacks else tuple(task.needs(spec))
    for channel in needs:
        demand(channel in spec.channels, f"it needs {channel!r}, which effector {spec.name!r} does not have")
    if not lacks:
        task = task.for_effector(spec)
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
    if not lacks:
        for plan in plans:
            _check_goal(plan, {**TASK_UNITS, **task.channels})
            _check_judgement(task, plan, spec, needs)


def _check_goal(plan: TrialPlan, channels: Any) -> None:
    """The goal is on known channels, in their units, and finite from the trial's start to its end."""
    units = {channel: unit for goal in plan.goals for channel, unit in goal.units.items()}
    for channel in plan.goal(plan.from_ns):
        demand(channel in channels, f"trial {plan.trial} has a goal for {channel!r}, which `channels` does not name")
        unit = units.get(channel, "")
        demand(
            unit in ("", channels[channel]), f"{channel!r} is in {unit!r}, and `channels` says {channels[channel]!r}"
        )
    for now_ns in (plan.from_ns, (plan.from_ns + plan.until_ns) // 2, plan.until_ns):
        for channel, value in plan.goal(now_ns).items():
            demand(math.isfinite(value), f"trial {plan.trial}: the goal for {channel!r} is not finite")
    if any(channel.startswith("target/") for channel in units):
        begin = plan.goal(plan.from_ns)
        place = tuple(begin[f"target/{axis}"] for axis in "xyz")
        demand(place == plan.target, f"trial {plan.trial}: target {plan.target} is not where the goal begins, {place}")


def _check_judgement(task: Any, plan: TrialPlan, spec: EffectorSpec, needs: tuple[str, ...]) -> None:
    """A trial of any states has a result that can be sent, the same each time; and `done` answers yes or no."""
    time_ns = np.arange(plan.from_ns, plan.until_ns, ns(spec.dt))
    table = np.random.default_rng(plan.trial).normal(0.0, 0.1, (len(time_ns), 3, len(needs)))
    record = TrialRecord(plan, spec.dt, needs, time_ns, table)
    result = task.judge(record)
    demand(isinstance(result, TrialResult), f"judge returns a {type(result).__name__}; a TrialResult is needed")
    demand(result.success in (True, False, None), f"success is {result.success!r}; True, False or None is needed")
    try:
        json.dumps(dict(result.figures), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"the figures {dict(result.figures)} cannot be sent: {error}") from error
    demand(result == task.judge(record), f"trial {plan.trial} is judged otherwise the second time")
    first = TrialRecord(plan, spec.dt, needs, time_ns[:1], table[:1])
    for part in (first, record):
        demand(isinstance(task.done(part), (bool, np.bool_)), "done returns neither True nor False")

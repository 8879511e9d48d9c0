"""Tasks that have `plan` and no more, as tasks had until the protocol grew."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord, TrialResult
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.tasks.hold import Hold
from myoprosthesis.tasks.plan_only import complete, missing
from myoprosthesis.tasks.reaching import ReachOptions
from myoprosthesis.testing.task import SPEC

BLIND = Mirror(MirrorOptions()).spec


@dataclass(frozen=True)
class Options:
    """Options of reaching, by the names that tasks had."""

    home: tuple[float, ...] = ()
    between: str = "reset"
    radius: float = 0.01


@dataclass(frozen=True)
class NoOptions:
    """None."""


class Old:
    def __init__(self, options):
        self.options = options

    def plan(self, trial, from_ns):
        home = getattr(self.options, "home", (0.0, 0.0, 0.0))
        reset = getattr(self.options, "between", "reset") == "reset"
        return TrialPlan(trial, from_ns, from_ns + ns(0.5), tuple(home), (0.1, 0.0, 0.0), from_ns, reset)


def record(plan, place):
    table = np.zeros((50, 3, 3))
    table[:, 0] = place
    return TrialRecord(plan, 0.01, ENDPOINT, np.arange(50) * ns(0.01), table)


def test_a_whole_task_is_left_as_it_is():
    assert isinstance(complete(Hold, ReachOptions()), Hold) and missing(Hold(ReachOptions())) == ()


def test_it_starts_where_the_effector_does_and_returns_where_that_cannot_be_reset():
    task = complete(Old, Options())
    assert missing(Old(Options())) == ("channels", "needs", "for_effector", "judge", "done")
    assert task.needs(SPEC) == ENDPOINT and task.channels == TASK_UNITS
    fitted = task.for_effector(replace(SPEC, home=(0.1, 0.2, 0.3), resettable=False)).plan(0, 0)
    assert fitted.start == (0.1, 0.2, 0.3) and not fitted.reset
    with pytest.raises(Refused, match="effector 'mirror' has no endpoint"):
        task.needs(BLIND)


def test_it_is_judged_by_the_endpoint_within_its_radius():
    task = complete(Old, Options(home=(0.0, 0.0, 0.0))).for_effector(SPEC)
    plan = task.plan(0, 0)
    near, far = (task.judge(record(plan, [0.1 - apart, 0.0, 0.0])) for apart in (0.005, 0.02))
    assert near.success is True and far.success is False
    assert far.figures["endpoint_error_mm"] == pytest.approx(20.0) and not task.done(record(plan, [0.0, 0.0, 0.0]))


def test_without_options_of_reaching_it_needs_nothing_and_succeeds_at_nothing():
    task = complete(Old, NoOptions())
    assert task.needs(BLIND) == () and task.for_effector(BLIND).plan(0, 0).reset
    plan = task.plan(0, 0)
    assert task.judge(TrialRecord(plan, 0.01, (), np.zeros(1, int), np.zeros((1, 3, 0)))) == TrialResult()
    assert task.judge(record(plan, [0.1, 0.0, 0.0])).success is None

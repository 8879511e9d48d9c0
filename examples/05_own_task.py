"""A task of your own: a plan for each trial, how it is judged, and one shared check.

In a package of yours the line `two_sides = "my_package.tasks:TwoSides"` under
`[project.entry-points."myoprosthesis.tasks"]` gives it a name: `myoprosthesis up --task two_sides`.
"""

from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.testing import check_task


@dataclass(frozen=True)
class TwoSidesOptions:
    """Options of the task: they become ROS parameters and `--set task.…`."""

    distance: float = option(0.1, "from start to target", "m", 0.0, 1.0)
    seed: int = option(0, "seed of the order of targets", "", 0)


class TwoSides:
    """A target to the left or to the right, drawn for each trial; the right side is enough."""

    channels = TASK_UNITS

    def __init__(self, options: TwoSidesOptions, home: tuple[float, ...] = (0.0, 0.0, 0.0)) -> None:
        self.options, self.home = options, home

    def needs(self, spec: EffectorSpec) -> tuple[str, ...]:
        if not spec.endpoint:
            raise Refused(f"effector {spec.name!r} has no endpoint to go to a side with")
        return ("endpoint/x",)

    def for_effector(self, spec: EffectorSpec) -> "TwoSides":
        return TwoSides(self.options, spec.home)  # where the body is put for each trial

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        side = np.random.default_rng((self.options.seed, trial)).choice([-1.0, 1.0])
        x, y, z = self.home
        start, target = (x, y, z), (x + float(side) * self.options.distance, y, z)
        go_ns, until_ns = from_ns + ns(0.2), from_ns + ns(1.0)
        return TrialPlan(trial, from_ns, until_ns, start, target, go_ns, label="right" if side > 0 else "left")

    def judge(self, record: TrialRecord) -> TrialResult:
        side, end = np.sign(record.plan.target[0]), float(record.columns("endpoint/x")[-1, 0])
        return TrialResult(bool(side * end > 0), {"end_x": end})

    def done(self, record: TrialRecord) -> bool:
        return False


task = TwoSides(TwoSidesOptions())
check_task(task)
for trial in range(6):
    plan = task.plan(trial, from_ns=ns(trial))
    print(f"trial {trial}: {plan.label}, to x = {plan.target[0]:+.2f} m, go at {plan.go_ns * 1e-9:.1f} s")

"""The perturbations of many trials, resolved at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver
from myoprosthesis.perturbations.planner import Planner


class ImposedBatch:
    """Plans a perturbation for the trial of each simulation, and says what acts on it."""

    def __init__(self, name: str, spec: EffectorSpec, num: int, options: Mapping[str, object] | None = None) -> None:
        """`name`: a preset, a kind or a file, with `options` of its kinds.

        Raises `Refused` for what the effector `spec` cannot apply, and for what acts on joints, on observations or on a
        policy, is carried by parts of a body, or goes on from trial to trial, as fatigue does: these act in a stack
        only."""
        self._resolvers = [DisturbanceResolver(spec) for _ in range(num)]
        self._plans: list[PerturbationPlan | None] = [None] * num
        self._activation = np.zeros(len(spec.muscles))
        self.acts = False
        """Whether anything has been imposed so far, whose end is to be applied too."""
        self._planners = [self._planner(name, options or {})] * num

    def _planner(self, name: str, options: Mapping[str, object]) -> Planner:
        planner = presets.planner(name, options)
        entries = planner.entries()
        for entry in entries:
            body = entry.site == "body" and entry.kind == "force"
            if not body and (entry.site not in ("endpoint", "muscle", "object") or entry.kind == "fatigue"):
                raise Refused(
                    f"perturbation {name!r} has {entry.kind} at the {entry.site}, which acts in a stack only: many "
                    "simulations at once take fields at the endpoint, the strength of muscles, forces on parts of a "
                    "floating body, and forces on objects and their mass"
                )
        self._resolvers[0].check(PerturbationPlan(name, 1, entries=entries))
        self.acts |= bool(entries)
        return planner

    def set(self, i: int, name: str, options: Mapping[str, object]) -> None:
        """What is imposed on simulation `i` from its next trial on; raises `Refused` as above."""
        self._planners[i] = self._planner(name, options)

    def put(self, i: int, plan: TrialPlan) -> None:
        """The trial of simulation `i`, from its start on."""
        self._plans[i] = self._planners[i].plan(plan)

    def at(self, times_ns: NDArray[np.int64]) -> list[Disturbance]:
        """What acts on each simulation in the period that begins `times_ns` (num,) after its trial's start."""
        return [
            NO_DISTURBANCE if plan is None else resolver.at(plan, int(now_ns), self._activation)
            for resolver, plan, now_ns in zip(self._resolvers, self._plans, times_ns, strict=True)
        ]

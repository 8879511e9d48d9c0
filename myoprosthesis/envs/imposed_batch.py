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


class ImposedBatch:
    """Plans a perturbation for the trial of each simulation, and says what acts on it."""

    def __init__(self, name: str, spec: EffectorSpec, num: int, options: Mapping[str, object] | None = None) -> None:
        """`name`: a preset, a kind or a file, with `options` of its kinds.

        Raises `Refused` for what the effector `spec` cannot apply, and for what acts on joints, on observations or on a
        policy, or goes on from trial to trial, as fatigue does: these act in a stack only."""
        self._planner = presets.planner(name, options or {})
        entries = self._planner.entries()
        self.acts = bool(entries)
        """Whether anything is imposed at all."""
        for entry in entries:
            if entry.site not in ("endpoint", "muscle", "object") or entry.kind == "fatigue":
                raise Refused(
                    f"perturbation {name!r} has {entry.kind} at the {entry.site}, which acts in a stack only: many "
                    "simulations at once take fields at the endpoint, the strength of muscles, and forces on objects "
                    "and their mass"
                )
        resolver = DisturbanceResolver(spec)
        resolver.check(PerturbationPlan(name, 1, entries=entries))
        self._resolvers = [resolver, *(DisturbanceResolver(spec) for _ in range(num - 1))] if self.acts else []
        self._plans: list[PerturbationPlan | None] = [None] * num
        self._activation = np.zeros(len(spec.muscles))

    def put(self, i: int, plan: TrialPlan) -> None:
        """The trial of simulation `i`, from its start on."""
        if self.acts:
            self._plans[i] = self._planner.plan(plan)

    def at(self, times_ns: NDArray[np.int64]) -> list[Disturbance]:
        """What acts on each simulation in the period that begins `times_ns` (num,) after its trial's start."""
        return [
            NO_DISTURBANCE if plan is None else resolver.at(plan, int(now_ns), self._activation)
            for resolver, plan, now_ns in zip(self._resolvers, self._plans, times_ns, strict=True)
        ]

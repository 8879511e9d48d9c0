"""Resolves a perturbation plan into what acts on an effector at one instant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.message import reading
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.text import brief
from myoprosthesis.perturbations.muscle_fatigue import Fatigue

BODY = ("endpoint", "joint", "muscle", "object")
"""Sites of a perturbation that an effector applies."""


class DisturbanceResolver:
    """Resolves the entries of a plan, by name, into the `Disturbance` of an effector; keeps fatigue."""

    def __init__(self, spec: EffectorSpec) -> None:
        self.spec = spec
        self._fatigue = Fatigue(len(spec.muscles))
        self._plan: PerturbationPlan | None = None
        self._entries: tuple[tuple[PerturbationEntry, Any], ...] = ()

    def check(self, plan: PerturbationPlan) -> None:
        """Raise `Refused` where this effector cannot do what the plan says."""
        acting = plan.at(*BODY)
        try:
            with reading(f"perturbation {brief(plan.name)!r}"):
                for entry in acting:
                    self._resolve(entry)
            self.spec.require_sites([e.site for e in acting])
        except MyoError as error:
            raise Refused(str(error)) from error

    def reset(self) -> None:
        """Muscles are rested again."""
        self._fatigue = Fatigue(len(self.spec.muscles))

    def at(self, plan: PerturbationPlan, now_ns: int, activation: NDArray[np.float64]) -> Disturbance:
        """What acts during the period that begins at `now_ns`."""
        if plan is not self._plan:
            self._plan = plan
            self._entries = tuple((e, self._resolve(e)) for e in plan.at(*BODY))
        if not self._entries:
            return NO_DISTURBANCE
        endpoint: ForceField | None = None
        joint: ForceField | None = None
        strength: NDArray[np.float64] | None = None
        force: NDArray[np.float64] | None = None
        mass: NDArray[np.float64] | None = None
        for entry, value in self._entries:
            gain = entry.gain(now_ns)
            if gain == 0.0:
                continue
            if isinstance(value, ForceField):
                law = value if gain == 1.0 else value * gain
                if entry.site == "endpoint":
                    endpoint = law if endpoint is None else endpoint + law
                else:
                    joint = law if joint is None else joint + law
                continue
            if entry.site == "object":
                if entry.kind == "force":
                    force = gain * value if force is None else force + gain * value
                else:
                    part = 1.0 + gain * (value - 1.0)
                    mass = part if mass is None else mass * part
                continue
            left = self._fatigue.step(activation, value, self.spec.dt) if entry.kind == "fatigue" else value
            part = 1.0 - gain * (1.0 - left)
            strength = part if strength is None else strength * part
        return Disturbance(endpoint, joint, strength, force, mass)

    def _resolve(self, entry: PerturbationEntry) -> Any:
        """The value of an entry for this body: a law in its dimensions, strengths by muscle, or rates of fatigue."""
        try:
            return self._by_kind(entry, dict(entry.values))
        except MyoError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot be read: {error!r}") from error

    def _by_kind(self, entry: PerturbationEntry, values: dict[str, Any]) -> Any:
        if entry.kind == "law" and entry.site == "endpoint":
            law = ForceField.from_dict(values)
            if law.n != 3:
                raise ConfigError(f"a law at the endpoint has 3 dimensions, got {law.n}")
            return law
        if entry.kind == "law":
            own = values.pop("joints")
            where = [self._index(name, self.spec.joints, "joint") for name in own]
            n, part = len(self.spec.joints), ForceField.from_dict(values)
            f, K, B = np.zeros(n), np.zeros((n, n)), np.zeros((n, n))
            f[where], K[np.ix_(where, where)], B[np.ix_(where, where)] = part.f, part.K, part.B
            return ForceField(f, K, B)
        if entry.kind == "strength":
            if not 0.0 <= values["strength"] <= 1.0:
                raise ConfigError(f"a muscle's strength is 0 to 1, got {values['strength']}")
            strength = np.ones(len(self.spec.muscles))
            for name in values["muscles"] or self.spec.muscles:
                strength[self._index(name, self.spec.muscles, "muscle")] = values["strength"]
            return strength
        if entry.site == "object" and entry.kind in ("force", "mass"):
            return self._of_objects(entry.kind, values)
        if entry.kind == "fatigue":
            rates = {k: float(values[k]) for k in ("F", "R")}
            if not all(np.isfinite(r) and r >= 0 for r in rates.values()):
                raise ConfigError(f"rates of fatigue are finite and not below 0, got {rates}")
            return rates
        raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot act at the {entry.site}")

    def _of_objects(self, kind: str, values: dict[str, Any]) -> NDArray[np.float64]:
        """Forces (n_objects, 3) N, or factors of mass (n_objects,)."""
        objects = self.spec.objects
        where = [self._index(name, objects, "object") for name in values["objects"] or objects]
        if kind == "force":
            force = np.array(values["force"], float)
            if force.shape != (3,) or not np.isfinite(force).all():
                raise ConfigError(f"a force on an object has 3 finite numbers, got {values['force']}")
            out = np.zeros((len(objects), 3))
            out[where] = force
            return out
        factor = float(values["factor"])
        if not (np.isfinite(factor) and factor > 0):
            raise ConfigError(f"the mass of an object is a finite factor above 0, got {factor}")
        factors = np.ones(len(objects))
        factors[where] = factor
        return factors

    def _index(self, name: str, known: tuple[str, ...], what: str) -> int:
        if name not in known:
            there = ", ".join(known) or "none"
            raise ConfigError(f"effector {self.spec.name!r} has no {what} {name!r}; it has: {there}")
        return known.index(name)

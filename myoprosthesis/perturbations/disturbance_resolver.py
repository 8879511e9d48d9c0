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
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.text import brief
from myoprosthesis.perturbations.muscle_fatigue import Fatigue

BODY = ("endpoint", "joint", "muscle", "object", "body")
"""Sites of a perturbation that an effector applies."""


class DisturbanceResolver:
    """Resolves the entries of a plan, by name, into the `Disturbance` of an effector; keeps fatigue."""

    def __init__(self, spec: EffectorSpec) -> None:
        self.spec = spec
        self._dt_ns = round(spec.dt * NS)
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
        push: NDArray[np.float64] | None = None
        load: NDArray[np.float64] | None = None
        for entry, value in self._entries:
            gain = entry.gain(now_ns, self._dt_ns)
            if gain == 0.0:
                continue
            if isinstance(value, ForceField):
                law = value if gain == 1.0 else value * gain
                if entry.site == "endpoint":
                    endpoint = law if endpoint is None else endpoint + law
                else:
                    joint = law if joint is None else joint + law
                continue
            if entry.site == "body":
                if entry.kind == "force":
                    push = gain * value if push is None else push + gain * value
                else:
                    load = gain * value if load is None else load + gain * value
                continue
            if entry.site == "object":
                if entry.kind == "force":
                    force = gain * value if force is None else force + gain * value
                else:
                    part = 1.0 + gain * (value - 1.0)
                    mass = part if mass is None else mass * part
                continue
            left = value if entry.kind == "strength" else self._tired(activation, value)
            part = 1.0 - gain * (1.0 - left)
            strength = part if strength is None else strength * part
        return Disturbance(endpoint, joint, strength, force, mass, push, load)

    def _tired(self, activation: NDArray[np.float64], rates: dict[str, Any]) -> NDArray[np.float64]:
        """Strength of each muscle: of those that do not tire, all."""
        left = self._fatigue.step(activation, rates, self.spec.dt)
        return left if rates["tires"] is None else np.where(rates["tires"], left, 1.0)

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
        if entry.site == "body" and entry.kind in ("force", "load"):
            return self._of_bodies(entry.kind, values)
        if entry.kind == "fatigue":
            rates = {k: float(values[k]) for k in ("F", "R")}
            if not all(np.isfinite(r) and r >= 0 for r in rates.values()):
                raise ConfigError(f"rates of fatigue are finite and not below 0, got {rates}")
            named = [self._index(name, self.spec.muscles, "muscle") for name in values.get("muscles") or ()]
            return {**rates, "tires": np.isin(np.arange(len(self.spec.muscles)), named) if named else None}
        raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot act at the {entry.site}")

    def _of_objects(self, kind: str, values: dict[str, Any]) -> NDArray[np.float64]:
        """Forces (n_objects, 3) N, or factors of mass (n_objects,)."""
        objects = self.spec.objects
        where = [self._index(name, objects, "object") for name in values["objects"] or objects]
        if kind == "force":
            return _forces(values["force"], where, len(objects), "an object")
        factor = float(values["factor"])
        if not (np.isfinite(factor) and factor > 0):
            raise ConfigError(f"the mass of an object is a finite factor above 0, got {factor}")
        factors = np.ones(len(objects))
        factors[where] = factor
        return factors

    def _of_bodies(self, kind: str, values: dict[str, Any]) -> NDArray[np.float64]:
        """Forces (n_bodies, 3) N, or loads (n_bodies,) kg."""
        bodies = self.spec.bodies
        where = [self._index(name, bodies, "free part") for name in values["bodies"]]
        if not where:
            raise ConfigError(f"a perturbation of a body names its parts, such as bodies=[pelvis]: {', '.join(bodies)}")
        if kind == "force":
            return _forces(values["force"], where, len(bodies), "a body")
        kg = float(values["kg"])
        if not (np.isfinite(kg) and kg >= 0):
            raise ConfigError(f"a load is a finite number of kg, 0 or more, got {kg}")
        loads = np.zeros(len(bodies))
        loads[where] = kg
        return loads

    def _index(self, name: str, known: tuple[str, ...], what: str) -> int:
        if name not in known:
            there = ", ".join(known) or "none"
            raise ConfigError(f"effector {self.spec.name!r} has no {what} {name!r}; it has: {there}")
        return known.index(name)


def _forces(value: Any, where: list[int], n: int, what: str) -> NDArray[np.float64]:
    """A force (3,) N at some of n places, (n, 3)."""
    force = np.array(value, float)
    if force.shape != (3,) or not np.isfinite(force).all():
        raise ConfigError(f"a force on {what} has 3 finite numbers, got {value}")
    out = np.zeros((n, 3))
    out[where] = force
    return out

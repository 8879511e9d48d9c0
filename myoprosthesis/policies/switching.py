"""Switching between controllers without a jump of the command.

When a switch is due is decided in `nodes/policy_swaps.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError, PolicyLost, Refused
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.observation_history import ObservationHistory

Array = NDArray[np.float64]


def _lost(controller: Controller | None) -> list[PolicyLost]:
    """The error of a controller whose policy cannot be run any more; none while it can."""
    why = "" if controller is None else str(getattr(controller.policy, "broken", ""))
    return [] if controller is None or not why else [PolicyLost(controller.name, why)]


@dataclass
class _Fade:
    controller: Controller
    weight: float = 0.0
    before: tuple[Array, Array, Array] | None = None
    """Commands of the last tick: old, new, mixed."""


class ControllerSwitcher:
    """Runs the active controller; one that is switched to is cross-faded in over `blend_s`, a shadow runs beside it.

    The command moves in one tick of a switch by at most the larger of the two controllers' own steps plus
    |u_new − u_old|·dt/blend_s; `step_over_bound` is the most by which any step was larger (negative: none was).
    """

    def __init__(
        self, spec: EffectorSpec, make: Callable[[str, Any], Controller], blend_s: float, memory_s: float = 2.0
    ) -> None:
        """Switcher of controllers for the effector `spec`.

        `make` fits a policy, under a name, to the effector and its observations; it refuses one that does not fit. The
        tables of the last `memory_s` are kept for controllers that are switched to.
        """
        self.spec, self._make, self.blend_s = spec, make, blend_s
        self.active: Controller | None = None
        self.previous: Controller | None = None
        self.shadow: Controller | None = None
        self.step_over_bound = -np.inf
        self._fade: _Fade | None = None
        self._past = ObservationHistory(memory_s)
        self._trial, self._count = 0, 0
        self._entries: tuple[PerturbationEntry, ...] = ()

    def fit(self, name: str, policy: Any) -> Controller:
        """A controller of `policy` for this effector; raises `ContractError` where it does not fit.

        Safe in any thread.
        """
        controller = self._make(name, policy)
        with contextlib.suppress(Refused):  # it was reported when the perturbation began
            controller.perturb(self._entries)
        return controller

    def replay_history(
        self, controller: Controller, mark: tuple[int, int] | None = None, most: int | None = None
    ) -> tuple[int, int]:
        """Have `controller` replay at most `most` tables of this trial that came after `mark`; returns the new mark.

        Call it from the thread of the loop, a few tables each tick, until `is_current`: a worker that replayed all at
        once would hold Python's lock again and again, and the loop would miss ticks.
        """
        first = self._count - len(self._past)
        if mark is None or mark[0] != self._trial or mark[1] < first:
            begin = first + -first % controller.period
            controller.reset()
        else:
            begin = mark[1]
        tables = self._past.after(begin - first, most)
        rng = np.random.default_rng(0)
        for table, moment in tables:
            if not np.isfinite(controller.update(table, replace(moment, rng=rng))).all():
                raise ContractError(f"policy {controller.name!r} returns numbers that are not finite")
        return self._trial, min(begin, self._count) + len(tables)

    def is_current(self, mark: tuple[int, int]) -> bool:
        """Whether no table came after `mark`."""
        return mark == (self._trial, self._count)

    def reset(self) -> None:
        """Start of a trial: every controller forgets the past."""
        self._past.clear()
        self._trial += 1
        self._count = 0
        for controller in self.controllers():
            controller.reset()

    def perturb(self, entries: Sequence[PerturbationEntry]) -> None:
        """Apply these perturbations to the observations and states of all controllers.

        Raises `Refused`, once at a change, for what one of them cannot apply; all else is applied.
        """
        if tuple(entries) == self._entries:
            return
        self._entries = tuple(entries)
        refusals: list[Refused] = []
        for controller in self.controllers():
            try:
                controller.perturb(self._entries)
            except Refused as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]

    def switch(self, controller: Controller) -> None:
        """Make `controller` the active one, from this tick on, faded in."""
        if self.fading:
            raise ConfigError("one switch at a time: the last one is still being faded in")
        self.previous = self.active or self.previous
        if self.active is not None and self.active.command is not None:
            controller.on_activate(self.active.command)
        if self.active is None or self.blend_s <= 0:
            self.active = controller
            return
        old, new = self.active.command, controller.command
        self._fade = _Fade(controller, before=None if old is None or new is None else (old, new, old))

    def drop_lost(self) -> list[PolicyLost]:
        """Drop the controllers whose policies cannot be run any more, and return the error of each.

        If it was being faded in, the one before goes on; without an active one no command is computed, and a switch
        back is possible.
        """
        if faded := _lost(None if self._fade is None else self._fade.controller):
            self._fade, self.previous = None, None
        if active := _lost(self.active):
            self.active, self._fade = None if self._fade is None else self._fade.controller, None
        if shadow := _lost(self.shadow):
            self.shadow = None
        return [*faded, *active, *shadow]

    @property
    def fading(self) -> bool:
        """True while a switch is being faded in."""
        return self._fade is not None

    @property
    def current(self) -> Controller | None:
        """The controller that is active or being faded in."""
        return self._fade.controller if self._fade is not None else self.active

    @property
    def name(self) -> str:
        """Name of the current controller, empty before the first."""
        return self.current.name if self.current is not None else ""

    def update(self, table: Array, moment: Moment) -> tuple[Array, bool]:
        """The command after this table, and whether it is a new one; `moment` says how long the table is valid.

        Raises `ConfigError` without an active controller.
        """
        if self.active is None:
            raise ConfigError("no policy is active")
        self._past.append(table, moment)
        self._count += 1
        if self.shadow is not None:
            self.shadow.update(table, moment)
        command = self.active.update(table, moment)
        fresh = self.active.fresh
        fade = self._fade
        if fade is None:
            return command, fresh
        new = fade.controller.update(table, moment)
        fade.weight = min(1.0, fade.weight + moment.seconds / self.blend_s)
        mixed = command + fade.weight * (new - command)
        if fade.before is not None:
            old_step, new_step, step = (np.abs(b - a) for a, b in zip(fade.before, (command, new, mixed), strict=True))
            bound = np.maximum(old_step, new_step) + np.abs(new - command) * moment.seconds / self.blend_s
            self.step_over_bound = max(self.step_over_bound, float((step - bound).max()))
        fade.before = (command, new, mixed)
        if fade.weight >= 1.0:
            self.active, self._fade = fade.controller, None
        return mixed, True

    def controllers(self) -> list[Controller]:
        """All controllers that are updated now."""
        fading = [self._fade.controller] if self._fade is not None else []
        return [c for c in (self.active, *fading, self.shadow) if c is not None]

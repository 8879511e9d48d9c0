"""Switching between controllers without a jump of the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.observation_history import ObservationHistory

Array = NDArray[np.float64]


def _broken(voice: Controller) -> str:
    """Empty, or why the policy of a voice cannot answer any more."""
    return str(getattr(voice.policy, "broken", ""))


@dataclass
class _Fade:
    voice: Controller
    weight: float = 0.0
    before: tuple[Array, Array, Array] | None = None
    """Commands of the last tick: old, new, mixed."""


class ControllerSwitcher:
    """Plays the active voice; a candidate is cross-faded in over `blend_s`, a shadow is only listened to.

    The command at a change moves in one tick by at most the larger of the two policies' own steps plus
    |u_new − u_old|·dt/blend_s; `step_over_bound` is the most by which any step was larger (negative: none was).
    """

    def __init__(
        self, spec: EffectorSpec, make: Callable[[str, Any], Controller], blend_s: float, memory_s: float = 2.0
    ) -> None:
        """`make` fits a policy, under a name, to what it will hear; it refuses one that does not fit. The tables of
        the last `memory_s` are kept for policies that come."""
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
        """A voice for this effector; refuses a policy that does not fit. Safe in any thread."""
        voice = self._make(name, policy)
        voice.perturb(self._entries)
        return voice

    def replay_history(
        self, voice: Controller, mark: tuple[int, int] | None = None, most: int | None = None
    ) -> tuple[int, int]:
        """Let `voice` live through the tables of this trial after `mark`, at most so many; returns the new mark.

        Call it from the thread that plays, a few tables each tick, until `is_current`: a worker that did it all at once
        would hold Python's lock again and again, and the loop would miss ticks.
        """
        first = self._count - len(self._past)
        if mark is None or mark[0] != self._trial or mark[1] < first:
            heard = first + -first % voice.period
            voice.reset()
        else:
            heard = mark[1]
        tables = self._past.after(heard - first, most)
        rng = np.random.default_rng(0)
        for table, moment in tables:
            if not np.isfinite(voice.hear(table, replace(moment, rng=rng))).all():
                raise ContractError(f"policy {voice.name!r} returns numbers that are not finite")
        return self._trial, min(heard, self._count) + len(tables)

    def is_current(self, mark: tuple[int, int]) -> bool:
        """True when nothing came after `mark`."""
        return mark == (self._trial, self._count)

    def reset(self) -> None:
        """Start of a trial: every voice forgets the past."""
        self._past.clear()
        self._trial += 1
        self._count = 0
        for voice in self.voices():
            voice.reset()

    def perturb(self, entries: Sequence[PerturbationEntry]) -> str:
        """Distort what all voices see and remember; empty, or what one of them cannot be given (said at a change, and
        only then)."""
        if tuple(entries) == self._entries:
            return ""
        self._entries = tuple(entries)
        return next(filter(None, [voice.perturb(self._entries) for voice in self.voices()]), "")

    def commit(self, voice: Controller) -> None:
        """Make `voice` the active one, from this tick on, faded in."""
        if self.fading:
            raise ConfigError("one change at a time: the last one is still being faded in")
        self.previous = self.active or self.previous
        if self.active is not None and self.active.command is not None:
            voice.adopt(self.active.command)
        if self.active is None or self.blend_s <= 0:
            self.active = voice
        else:
            last, coming = self.active.command, voice.command
            ready = last is not None and coming is not None
            self._fade = _Fade(voice, before=(last, coming, last) if ready else None)  # type: ignore[arg-type]

    def drop_broken(self) -> tuple[str, str]:
        """Let go of what cannot answer any more: its name and why, both empty where there is nothing. While it was
        being faded in, the policy before goes on; once active, nothing is played, and one can go back."""
        out = ("", "")
        if self._fade is not None and (why := _broken(self._fade.voice)):
            out = self._fade.voice.name, why
            self._fade, self.previous = None, None
        if self.active is not None and (why := _broken(self.active)):
            out = self.active.name, why
            self.active, self._fade = None if self._fade is None else self._fade.voice, None
        if self.shadow is not None and (why := _broken(self.shadow)):
            out = self.shadow.name, why
            self.shadow = None
        return out

    @property
    def fading(self) -> bool:
        """True while a change is being faded in."""
        return self._fade is not None

    @property
    def current(self) -> Controller | None:
        """The voice that is active or becoming so."""
        return self._fade.voice if self._fade is not None else self.active

    @property
    def name(self) -> str:
        """Name of the current voice, empty before the first."""
        return self.current.name if self.current is not None else ""

    def play(
        self,
        table: Array,
        rng: np.random.Generator,
        seconds: float = 0.0,
        now_ns: int = 0,
        trial: TrialPlan | None = None,
    ) -> tuple[Array, bool]:
        """The command after this table, and whether it was computed anew. A table stands for `seconds`; 0: a tick.
        `now_ns` is its time on the clock of the plans, by which the windows of hidden perturbations are kept."""
        moment = Moment(rng, now_ns, seconds or self.spec.dt, trial)
        assert self.active is not None
        self._past.append(table, moment)
        self._count += 1
        if self.shadow is not None:
            self.shadow.hear(table, moment)
        command = self.active.hear(table, moment)
        fresh = self.active.fresh
        fade = self._fade
        if fade is None:
            return command, fresh
        new = fade.voice.hear(table, moment)
        fade.weight = min(1.0, fade.weight + moment.seconds / self.blend_s)
        mixed = command + fade.weight * (new - command)
        if fade.before is not None:
            old_step, new_step, step = (np.abs(b - a) for a, b in zip(fade.before, (command, new, mixed), strict=True))
            bound = np.maximum(old_step, new_step) + np.abs(new - command) * moment.seconds / self.blend_s
            self.step_over_bound = max(self.step_over_bound, float((step - bound).max()))
        fade.before = (command, new, mixed)
        if fade.weight >= 1.0:
            self.active, self._fade = fade.voice, None
        return mixed, True

    def voices(self) -> list[Controller]:
        """Whoever hears what comes now."""
        fading = [self._fade.voice] if self._fade is not None else []
        return [v for v in (self.active, *fading, self.shadow) if v is not None]

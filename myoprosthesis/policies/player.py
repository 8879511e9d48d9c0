"""Plays one policy, and changes it for another without a jump."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import bounded
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError, MyoError
from myoprosthesis.core.message import reading
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.observation import ObservationBuilder
from myoprosthesis.core.plan import Entry
from myoprosthesis.core.text import brief
from myoprosthesis.policies.hidden import SITE, HiddenDistorter
from myoprosthesis.policies.past import Past

Array = NDArray[np.float64]
SPARE_S = 0.5
"""Room for delays that a perturbation adds."""


class Policy(Protocol):
    """Anything with a contract that turns observations into actions."""

    contract: Contract

    def step(self, observation: NDArray[np.float32]) -> Array:
        """Action for an observation."""
        ...

    def reset(self) -> None:
        """Recurrent state as at the start of a trial."""
        ...

    @property
    def hidden(self) -> NDArray[np.float32]:
        """All recurrent state, flat."""
        ...


@runtime_checkable
class Changeable(Protocol):
    """A policy that can also be given its recurrent state."""

    def prepare_changes(self) -> None:
        """Make ready for `change`; raises `ContractError` where that is not possible."""
        ...

    def change(self, hidden: NDArray[np.float32]) -> Array:
        """Put `hidden`, flat, in place of all recurrent state; the action for the newest observation then."""
        ...


class Voice(Protocol):
    """A policy fitted to one effector: what it hears in, a command in the effector's order out."""

    name: str
    policy: Any
    contract: Contract
    fresh: bool
    """Whether the newest command was computed anew."""

    @property
    def period(self) -> int:
        """It answers every so many tables that it hears."""
        ...

    @property
    def command(self) -> Array | None:
        """The newest command; None before the first."""
        ...

    def reset(self) -> None:
        """As at the start of a trial."""
        ...

    def adopt(self, command: Array) -> None:
        """The effector was commanded this until now, by another."""
        ...

    def perturb(self, entries: Sequence[Entry]) -> str:
        """Distort what is heard; empty, or why part of it cannot be done."""
        ...

    def hear(self, table: Array, moment: Moment) -> Array:
        """The command after this table."""
        ...


class StateVoice:
    """Hears tables of the effector's state and of the task, shape (3, n)."""

    def __init__(
        self, name: str, policy: Policy, spec: EffectorSpec, names: Sequence[str], extra: tuple[str, ...]
    ) -> None:
        self.name, self.policy, self.contract = name, policy, policy.contract
        self._order = self.contract.match(spec, extra)
        self.period = round(self.contract.dt / spec.dt)
        self._builder = ObservationBuilder(self.contract.observation, names, self.contract.dt, SPARE_S)
        self._columns = {n: i for i, n in enumerate(names)}
        self._turns: list[tuple[Array, Array]] = []
        units = sum(int(np.prod(shape)) for _, shape in self.contract.hidden)
        self._hidden = HiddenDistorter(self.contract.name, units, self.contract.dt)
        self._changeable = policy if isinstance(policy, Changeable) else None
        self._low, self._high = self.contract.action.bounds()
        self.events: Counter[str] = Counter()
        """Actions that were `clipped` to the bounds of the contract, or `non_finite`."""
        self._count = 0
        self.command: Array | None = None
        self.fresh = False

    def reset(self) -> None:
        """As at the start of a trial."""
        self.policy.reset()
        self._builder.reset()
        self._hidden.reset()
        self._count = 0

    def adopt(self, command: Array) -> None:
        """A state tells where the effector is."""

    def perturb(self, entries: Sequence[Entry]) -> str:
        """Distort what the policy sees by these entries of site `observation`, and what it remembers by those of site
        `hidden` in their windows, until told otherwise. An entry that cannot be applied is left out; the sentence that
        says why is returned, empty when all were applied."""
        delays: dict[str, float] = {}
        noise: dict[str, float] = {}
        withheld: list[str] = []
        self._turns = []
        refused = self._disturb([e for e in entries if e.site == SITE])
        for entry in entries:
            if entry.site == SITE:
                continue
            try:
                with reading(f"a perturbation of kind {brief(entry.kind)!r}"):
                    self._alter(entry, delays, noise, withheld)
            except MyoError as error:
                refused = refused or str(error)
        self._builder.perturb(delays, noise, withheld)
        return refused

    def _alter(
        self, entry: Entry, delays: dict[str, float], noise: dict[str, float], withheld: list[str]
    ) -> None:
        """Add what one entry of site `observation` asks for; refuses what the observation has not."""
        if entry.kind == "rotation":
            self._turns.append(self._turn(entry))
            return
        if entry.kind == "withhold":
            names = [str(name) for name in entry.values.get("terms", ())]
            self._builder.perturb({}, {}, names)
            withheld += names
            return
        values = self._terms(entry)
        if entry.kind == "delay":
            more = {k: delays.get(k, 0.0) + v for k, v in values.items()}
            self._builder.perturb({**delays, **more})
            delays.update(more)
        else:
            more = {k: float(np.hypot(noise.get(k, 0.0), v)) for k, v in values.items()}
            self._builder.perturb({}, {**noise, **more})
            noise.update(more)

    def _disturb(self, entries: Sequence[Entry]) -> str:
        """Let these entries act on the hidden state; empty, or why one of them cannot."""
        refused = self._hidden.take(entries)
        if self._hidden.idle:
            return refused
        try:
            if self._changeable is None:
                raise ConfigError(f"policy {self.contract.name!r} cannot be given a hidden state")
            self._changeable.prepare_changes()
        except MyoError as error:
            self._hidden.take(())
            return str(error)
        return refused

    def _turn(self, entry: Entry) -> tuple[Array, Array]:
        """A rotation's matrix and centre."""
        try:
            angle, centre = float(entry.values["angle_rad"]), np.array(entry.values["centre"], float)[:2]
            if not (np.isfinite(angle) and centre.shape == (2,) and np.isfinite(centre).all()):
                raise ValueError("neither may be missing or not finite")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigError(f"a rotation needs an angle_rad and a centre with x and y: {error!r}") from error
        if not any(c.startswith("endpoint/") for t in self.contract.observation for c in t.channels):
            raise ConfigError(f"policy {self.contract.name!r} does not see the endpoint, so that nothing can be turned")
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), centre

    def _terms(self, entry: Entry) -> dict[str, float]:
        """What a delay or noise gives for each term."""
        if entry.kind not in ("delay", "noise"):
            raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot act at the observation")
        try:
            return {k: float(v) for k, v in entry.values.items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"a {entry.kind} needs a number for each term, got {entry.values!r}") from error

    def hear(self, table: Array, moment: Moment) -> Array:
        """The command after this tick's table, shape (n_command,); computed anew every `period` ticks."""
        self.fresh = self._count % self.period == 0
        self._count += 1
        if self.fresh:
            action = self.policy.step(self._builder.observe(self._seen(table), moment.rng))
            if not self._hidden.idle:
                action = self._disturbed(action, moment.now_ns)
            self.command = self._within(action)
        assert self.command is not None
        return self.command

    def _within(self, action: Array) -> Array:
        """The command within the bounds that the contract promises; NaN where the action is not finite, so that whoever
        obeys it sees that."""
        command = bounded(action, self._low, self._high)
        if not np.isfinite(command).all():
            self.events["non_finite"] += 1
        elif not np.array_equal(command, action):
            self.events["clipped"] += 1
        return command[self._order]

    def _disturbed(self, action: Array, now_ns: int) -> Array:
        """The action once the hidden state is disturbed; the same one where that changes nothing."""
        before = self.policy.hidden
        after = self._hidden.apply(before, now_ns)
        if np.array_equal(before, after) or self._changeable is None:
            return action
        return self._changeable.change(after)

    def _seen(self, table: Array) -> Array:
        """The table with the endpoint turned about a centre (visuomotor rotation)."""
        if not self._turns:
            return table
        where = [self._columns["endpoint/x"], self._columns["endpoint/y"]]
        out = table.copy()
        for turn, centre in self._turns:
            out[0, where] = centre + turn @ (out[0, where] - centre)
            out[1, where] = turn @ out[1, where]
        return out


def _broken(voice: Voice) -> str:
    """Empty, or why the policy of a voice cannot answer any more."""
    return str(getattr(voice.policy, "broken", ""))


@dataclass
class _Fade:
    voice: Voice
    weight: float = 0.0
    before: tuple[Array, Array, Array] | None = None
    """Commands of the last tick: old, new, mixed."""


class Player:
    """Plays the active voice; a candidate is cross-faded in over `blend_s`, a shadow is only listened to.

    The command at a change moves in one tick by at most the larger of the two policies' own steps plus
    |u_new − u_old|·dt/blend_s; `step_over_bound` is the most by which any step was larger (negative: none was).
    """

    def __init__(
        self, spec: EffectorSpec, make: Callable[[str, Any], Voice], blend_s: float, memory_s: float = 2.0
    ) -> None:
        """`make` fits a policy, under a name, to what it will hear; it refuses one that does not fit. The tables of
        the last `memory_s` are kept for policies that come."""
        self.spec, self._make, self.blend_s = spec, make, blend_s
        self.active: Voice | None = None
        self.previous: Voice | None = None
        self.shadow: Voice | None = None
        self.step_over_bound = -np.inf
        self._fade: _Fade | None = None
        self._past = Past(memory_s)
        self._trial, self._count = 0, 0
        self._entries: tuple[Entry, ...] = ()

    def fit(self, name: str, policy: Any) -> Voice:
        """A voice for this effector; refuses a policy that does not fit. Safe in any thread."""
        voice = self._make(name, policy)
        voice.perturb(self._entries)
        return voice

    def catch_up(self, voice: Voice, mark: tuple[int, int] | None = None, most: int | None = None) -> tuple[int, int]:
        """Let `voice` live through the tables of this trial after `mark`, at most so many; returns the new mark.

        Call it from the thread that plays, a few tables each tick, until `caught_up`: a worker that did it all at once
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

    def caught_up(self, mark: tuple[int, int]) -> bool:
        """True when nothing came after `mark`."""
        return mark == (self._trial, self._count)

    def reset(self) -> None:
        """Start of a trial: every voice forgets the past."""
        self._past.clear()
        self._trial += 1
        self._count = 0
        for voice in self.voices():
            voice.reset()

    def perturb(self, entries: Sequence[Entry]) -> str:
        """Distort what all voices see and remember; empty, or what one of them cannot be given (said at a change, and
        only then)."""
        if tuple(entries) == self._entries:
            return ""
        self._entries = tuple(entries)
        return next(filter(None, [voice.perturb(self._entries) for voice in self.voices()]), "")

    def commit(self, voice: Voice) -> None:
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
    def current(self) -> Voice | None:
        """The voice that is active or becoming so."""
        return self._fade.voice if self._fade is not None else self.active

    @property
    def name(self) -> str:
        """Name of the current voice, empty before the first."""
        return self.current.name if self.current is not None else ""

    def play(
        self, table: Array, rng: np.random.Generator, seconds: float = 0.0, now_ns: int = 0
    ) -> tuple[Array, bool]:
        """The command after this table, and whether it was computed anew. A table stands for `seconds`; 0: a tick.
        `now_ns` is its time on the clock of the plans, by which the windows of hidden perturbations are kept."""
        moment = Moment(rng, now_ns, seconds or self.spec.dt)
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

    def voices(self) -> list[Voice]:
        """Whoever hears what comes now."""
        fading = [self._fade.voice] if self._fade is not None else []
        return [v for v in (self.active, *fading, self.shadow) if v is not None]

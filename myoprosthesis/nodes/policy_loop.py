"""The policy's control loop: a state in, a command out; plans, swaps and stops in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import permutation
from myoprosthesis.core.effector import EffectorSpec
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.plan import TASK_CHANNELS, PerturbationPlan, Schedule, TrialPlan
from myoprosthesis.nodes.control_loop import ControlLoop, hasten
from myoprosthesis.nodes.wire import Frame
from myoprosthesis.policies.player import Player, Voice

Array = NDArray[np.float64]
CATCH_UP = 0.25
"""Share of each period, after the command is sent, in which a policy that comes lives through the past."""


class Port(Protocol):
    """What the loop needs of the world."""

    def wait(self, timeout_s: float) -> None:
        """Until something has come, or the time is over."""

    def states(self) -> list[Frame]:
        """States that came since the last call, oldest first."""

    def plans(self) -> list[TrialPlan | PerturbationPlan]:
        """Plans that came since the last call, oldest first."""

    def command(self, stamp_ns: int, command: Array) -> None:
        """Tell the effector what to do."""

    def heard(self, stamp_ns: int, player: Player) -> None:
        """Tell whoever listens what the shadow would do and what is hidden."""

    def say(self, level: str, text: str) -> None:
        """Tell people."""


@dataclass
class _Coming:
    """A voice on its way in: what takes it, and whom to tell."""

    voice: Voice
    take: Callable[[Voice], None]
    done: Callable[[], None]
    failed: Callable[[str], None]
    mark: tuple[int, int] | None = None


class PolicyLoop(ControlLoop):
    """Runs a `Player` in a thread of its own. In lockstep every state is answered under its own stamp, once the
    task and the perturbation have spoken beyond it; a swap then begins with the next trial."""

    def __init__(self, player: Player, port: Port, *, lockstep: bool, parties: tuple[str, ...], seed: int = 0) -> None:
        super().__init__(lockstep=lockstep)
        self.player, self.port, self.parties, self.seed = player, port, parties, seed
        self.active = False
        self.errors = 0
        self._coming: list[_Coming] = []
        self._schedules: dict[str, Schedule] = {"task": Schedule(), "perturbation": Schedule()}
        self._pending: list[Frame] = []
        self._trial: tuple[int, int] | None = None
        self._rng = np.random.default_rng(seed)
        self._names: tuple[str, ...] | None = None
        self._order: NDArray[np.intp] | None = None
        self._answered: tuple[int, Array] | None = None
        self._data_ns = 0
        self._said = ""

    def commit(self, voice: Voice, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Make `voice` the active one as soon as it has lived through the recent past (lockstep: with a trial)."""
        self.request(lambda: self._coming.append(_Coming(voice, self.player.commit, done, failed)))

    def forget(self) -> None:
        """Between two ticks: whoever is on its way to become the active one does not come."""
        self._coming = [c for c in self._coming if c.take != self.player.commit]

    def listen(self, voice: Voice | None, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Make `voice` the shadow, likewise; None takes it off."""

        def take(coming: Voice | None) -> None:
            self.player.shadow = coming

        if voice is None:
            self.request(lambda: take(None))
        else:
            self.request(lambda: self._coming.append(_Coming(voice, take, done, failed)))

    def _advance(self, seconds: float) -> None:
        """Let the first of those who come live through some more of the past, for at most so long."""
        coming = self._coming[0]
        until = time.perf_counter() + seconds
        try:
            coming.mark = self.player.catch_up(coming.voice, coming.mark, 0)
            while not self.player.caught_up(coming.mark) and (self.lockstep or time.perf_counter() < until):
                coming.mark = self.player.catch_up(coming.voice, coming.mark, 2)
        except MyoError as error:
            self._coming.pop(0)
            coming.failed(str(error))

    def _welcome(self) -> None:
        """Let the first of those who come in, if it has caught up."""
        coming = self._coming[0]
        if coming.mark is None or not self.player.caught_up(coming.mark):
            return
        self._coming.pop(0)
        coming.take(coming.voice)
        coming.done()

    def _run(self) -> None:
        if not self.lockstep:
            hasten()
        while not self._stop.is_set():
            self.port.wait(0.1)
            for plan in self.port.plans():
                self._schedules["task" if isinstance(plan, TrialPlan) else "perturbation"].add(plan)
            self._pending.extend(self.port.states())
            self._serve()
            self._answer()

    def _answer(self) -> None:
        while self._pending:
            frame = self._pending[0]
            if self.lockstep and any(self._schedules[p].horizon_ns <= frame.stamp_ns for p in self.parties):
                self._pending = self._pending[-1:]
                return
            self._pending.pop(0)
            try:
                self._tick(frame, newest=not self._pending)
            except MyoError as error:
                self.errors += 1
                if str(error) != self._said:
                    self._said = str(error)
                    self.port.say("error", f"no command: {error}")

    def _tick(self, frame: Frame, newest: bool) -> None:
        now = frame.stamp_ns
        if self._answered is not None and self._answered[0] == now:  # said again by an effector that waits
            if self.active:
                self.port.command(*self._answered)
            return
        plan = self._schedules["task"].current(now)
        began = plan is not None and (plan.trial, plan.from_ns) != self._trial
        if began:
            self._trial = (plan.trial, plan.from_ns)  # type: ignore[union-attr]
            self._rng = np.random.default_rng((self.seed, max(0, self._trial[0])))
            self.player.reset()
        if self._coming and not self.player.fading and (began or not self.lockstep or not self.parties):
            if self.lockstep:
                self._advance(0.0)
            if self._coming:
                self._welcome()
        imposed = self._schedules["perturbation"].current(now)
        entries = [] if imposed is None else [e for e in imposed.at("observation") if e.gain(now)]
        refused = self.player.perturb(entries)
        if refused:
            self.port.say("error", f"part of the perturbation is refused, the policy goes on without it: {refused}")
        if self.player.active is None:
            return
        command, fresh = self.player.play(self._table(frame, plan), self._rng)
        if fresh or self.lockstep:
            self._data_ns = now
        if self.active and newest:
            self.port.command(self._data_ns, command)
        self._answered = (now, command) if self.lockstep else None
        self.port.heard(now, self.player)
        if self._coming and not self.lockstep:
            self._advance(CATCH_UP * self.player.spec.dt)

    def _table(self, frame: Frame, plan: TrialPlan | None) -> Array:
        """Columns of the state in the effector's order, then those of the task. Without a trial the goal is to stay."""
        if frame.names is not self._names:
            order = permutation(self.player.spec.channels, frame.names)
            self._names, self._order = frame.names, None if np.array_equal(order, np.arange(order.size)) else order
        n = len(frame.names)
        table = np.zeros((3, n + len(TASK_CHANNELS)))
        for row, values in zip(table, frame.rows(), strict=True):
            row[:n] = values if self._order is None else values[self._order]
        if plan is not None:
            goal = plan.goal(frame.stamp_ns)
            table[0, n:] = [goal.get(c, 0.0) for c in TASK_CHANNELS]
        elif self.player.spec.endpoint:
            table[0, n : n + 3] = table[0, n - 3 : n]
        return table


def player_for(spec: EffectorSpec, blend_s: float) -> Player:
    """A player for an effector and the task's channels."""
    return Player(spec, spec.channels + TASK_CHANNELS, TASK_CHANNELS, blend_s)

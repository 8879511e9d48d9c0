"""A control loop around a player: voices that come are brought up to date in it, a little each tick, and let in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import MyoError
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.switching import ControllerSwitcher

Array = NDArray[np.float64]
CATCH_UP = 0.25
"""Share of each period, after the command is sent, in which a policy that comes lives through the past."""


class SwitchingPort(Protocol):
    """What every loop around a player needs of the world."""

    def wait(self, timeout_s: float) -> None:
        """Until something has come, or the time is over."""

    def command(self, stamp_ns: int, command: Array) -> None:
        """Tell the effector what to do."""

    def heard(self, stamp_ns: int, player: ControllerSwitcher) -> None:
        """Tell whoever listens what the shadow would do and what is hidden."""

    def say(self, level: str, text: str) -> None:
        """Tell people."""


END_S = 0.3
"""How long a loop is waited for before what its policy computes is broken off."""


@dataclass
class _PendingSwitch:
    """A voice on its way in: what takes it, and whom to tell."""

    voice: Controller
    take: Callable[[Controller], None]
    done: Callable[[], None]
    failed: Callable[[str], None]
    mark: tuple[int, int] | None = None


class SwitchingLoop(ControlLoop):
    """Changes voices between two ticks; subclasses play, and call `_let_in` before a tick and `_bring_up` after it."""

    join_s = 1.0

    def __init__(self, player: ControllerSwitcher, *, lockstep: bool) -> None:
        super().__init__(lockstep=lockstep)
        self.player = player
        self.active = False
        self.errors = 0
        self.since_ns: int | None = None
        """The time of the first data that the policy in use has answered; None before."""
        self.lost: Callable[[str, str], None] = lambda name, why: None
        """Told the name of a policy that cannot answer any more and is let go of, and why."""
        self._coming: list[_PendingSwitch] = []
        self._said = ""

    def stop(self) -> None:
        """End, also of a policy that is computing and does not come to an end; safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(END_S)
            if self._thread.is_alive():
                for voice in (*self.player.voices(), *(c.voice for c in self._coming)):
                    if hasattr(voice.policy, "end"):
                        voice.policy.end()
        super().stop()

    def commit(self, voice: Controller, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Make `voice` the active one as soon as it has lived through the recent past (lockstep: with a trial)."""
        self.request(lambda: self._coming.append(_PendingSwitch(voice, self.player.commit, done, failed)))

    def forget(self) -> None:
        """Between two ticks: whoever is on its way to become the active one does not come."""
        self._coming = [c for c in self._coming if c.take != self.player.commit]

    def listen(self, voice: Controller | None, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Make `voice` the shadow, likewise; None takes it off."""

        def take(coming: Controller | None) -> None:
            self.player.shadow = coming

        if voice is None:
            self.request(lambda: take(None))
        else:
            self.request(lambda: self._coming.append(_PendingSwitch(voice, take, done, failed)))

    def _advance(self, seconds: float) -> None:
        """Let the first of those who come live through some more of the past, for at most so long."""
        coming = self._coming[0]
        until = time.perf_counter() + seconds
        try:
            coming.mark = self.player.replay_history(coming.voice, coming.mark, 0)
            while not self.player.is_current(coming.mark) and (self.lockstep or time.perf_counter() < until):
                coming.mark = self.player.replay_history(coming.voice, coming.mark, 2)
        except MyoError as error:
            self._coming.pop(0)
            coming.failed(str(error))

    def _welcome(self, now_ns: int) -> None:
        """Let the first of those who come in, if it has caught up; it answers the data of `now_ns` first."""
        coming = self._coming[0]
        if coming.mark is None or not self.player.is_current(coming.mark):
            return
        self._coming.pop(0)
        coming.take(coming.voice)
        if coming.take == self.player.commit:
            self.since_ns = now_ns
        coming.done()

    def _let_in(self, now_ns: int) -> None:
        """Before the tick of `now_ns`: whoever has caught up becomes what it came for."""
        if self._coming and not self.player.fading:
            if self.lockstep:
                self._advance(0.0)
            if self._coming:
                self._welcome(now_ns)

    def _bring_up(self, seconds: float) -> None:
        """After a tick of real time that stands for `seconds`: some more of the past for whoever comes."""
        if self._coming and not self.lockstep:
            self._advance(CATCH_UP * seconds)

    def _fail(self, error: MyoError, port: SwitchingPort) -> None:
        """A tick without a command; it is said once."""
        self.errors += 1
        if str(error) != self._said:
            self._said = str(error)
            port.say("error", f"no command: {error}")
        name, why = self.player.drop_broken()
        if why:
            self.lost(name, why)

"""Control loop with policy switching.

A pending controller replays recent observations, a few each tick, and is activated once it is current.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import MyoError, PolicyLost
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.switching import ControllerSwitcher

Array = NDArray[np.float64]
REPLAY = 0.25
"""Share of each period, after the command is sent, in which a pending controller replays."""
REPLAY_TABLES = 2
"""Tables that are replayed between two looks at the clock."""
END_S = 0.3
"""Time that a loop has to end before the policy that is computing is stopped."""


class SwitchingPort(Protocol):
    """What every loop around a switcher needs of the world."""

    def wait(self, timeout_s: float) -> None:
        """Wait for messages, or until the time is over."""

    def command(self, stamp_ns: int, command: Array) -> None:
        """Send a command, shape (n_command,), that answers data of `stamp_ns`."""

    def updated(self, stamp_ns: int, switcher: ControllerSwitcher) -> None:
        """Publish the shadow's command and the recurrent state."""

    def say(self, level: str, text: str) -> None:
        """Log a sentence for people."""


@dataclass
class PendingSwitch:
    """A controller that replays: what makes use of it once it is current, and who is called then or when it fails."""

    controller: Controller
    apply: Callable[[Controller], None]
    done: Callable[[], None]
    failed: Callable[[str], None]
    mark: tuple[int, int] | None = None
    """How far it has replayed."""


class SwitchingLoop(ControlLoop):
    """Control loop that switches controllers between two ticks.

    A subclass calls `_activate_ready` before each tick and `_replay_some` after it.
    """

    join_s = 1.0

    def __init__(self, switcher: ControllerSwitcher, *, lockstep: bool) -> None:
        super().__init__(lockstep=lockstep)
        self.switcher = switcher
        self.active = False
        self.errors = 0
        self.since_ns: int | None = None
        """The time of the first data that the active policy has answered; None before."""
        self.on_lost: Callable[[PolicyLost], None] = lambda error: None
        """Called with the error of a policy that was dropped since it cannot be run any more."""
        self._switches: list[PendingSwitch] = []
        self._reported = ""

    def stop(self) -> None:
        """End, also of a policy whose computation does not end by itself; safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(END_S)
            if self._thread.is_alive():
                for controller in (*self.switcher.controllers(), *(s.controller for s in self._switches)):
                    if hasattr(controller.policy, "end"):
                        controller.policy.end()
        super().stop()

    def switch(self, controller: Controller, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Make `controller` the active one as soon as it has replayed the recent past (lockstep: with a trial)."""
        pending = PendingSwitch(controller, self.switcher.switch, done, failed)
        self.request(lambda: self._switches.append(pending))

    def cancel_switch(self) -> None:
        """Drop the controllers that are to become active; call it between two ticks."""
        self._switches = [s for s in self._switches if s.apply != self.switcher.switch]

    def set_shadow(
        self, controller: Controller | None, done: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        """Make `controller` the shadow once it has replayed the recent past; None: no shadow any more."""

        def apply(shadow: Controller | None) -> None:
            self.switcher.shadow = shadow

        if controller is None:
            self.request(lambda: apply(None))
        else:
            pending = PendingSwitch(controller, apply, done, failed)
            self.request(lambda: self._switches.append(pending))

    def _replay(self, seconds: float) -> None:
        """Replay for the oldest pending switch, for at most `seconds` (lockstep: until it is current)."""
        pending, until = self._switches[0], time.perf_counter() + seconds
        try:
            pending.mark = self.switcher.replay_history(pending.controller, pending.mark, 0)
            while not self.switcher.is_current(pending.mark) and (self.lockstep or time.perf_counter() < until):
                pending.mark = self.switcher.replay_history(pending.controller, pending.mark, REPLAY_TABLES)
        except MyoError as error:
            self._switches.pop(0)
            pending.failed(str(error))

    def _activate_ready(self, now_ns: int) -> None:
        """Activate the oldest pending controller if its replay is complete; it answers the data of `now_ns` first."""
        if not self._switches or self.switcher.fading:
            return
        if self.lockstep:
            self._replay(0.0)
        if not self._switches:
            return
        pending = self._switches[0]
        if pending.mark is None or not self.switcher.is_current(pending.mark):
            return
        self._switches.pop(0)
        pending.apply(pending.controller)
        if pending.apply == self.switcher.switch:
            self.since_ns = now_ns
        pending.done()

    def _replay_some(self, seconds: float) -> None:
        """After a tick of real time that stands for `seconds`: replay in a share of it."""
        if self._switches and not self.lockstep:
            self._replay(REPLAY * seconds)

    def _fail(self, error: MyoError, port: SwitchingPort) -> None:
        """Count a tick without a command, report its reason once, and drop a policy that cannot be run any more."""
        self.errors += 1
        if str(error) != self._reported:
            self._reported = str(error)
            port.say("error", f"no command: {error}")
        for lost in self.switcher.drop_lost():
            self.on_lost(lost)

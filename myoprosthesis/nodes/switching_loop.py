"""Control loop whose policy can be swapped; when one takes over is decided in `policy_swaps.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import MyoError, PolicyLost
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.nodes.policy_swaps import PendingSwap, PolicySwaps
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.switching import ControllerSwitcher

Array = NDArray[np.float64]
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


class SwitchingLoop(ControlLoop):
    """Control loop that switches controllers between two ticks.

    A subclass calls `activate_ready` of `_swaps` before each tick and `replay_some` after it.
    """

    join_s = 1.0

    def __init__(self, switcher: ControllerSwitcher, *, lockstep: bool) -> None:
        super().__init__(lockstep=lockstep)
        self.switcher = switcher
        self.active = False
        self.errors = 0
        self.on_lost: Callable[[PolicyLost], None] = lambda error: None
        """Called with the error of a policy that was dropped since it cannot be run any more."""
        self._swaps = PolicySwaps(switcher, lockstep=lockstep)
        self._reported = ""

    @property
    def since_ns(self) -> int | None:
        """The time of the first data that the active policy has answered; None before the first swap."""
        return self._swaps.since_ns

    def stop(self) -> None:
        """End, also of a policy whose computation does not end by itself; safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(END_S)
            if self._thread.is_alive():
                for controller in (*self.switcher.controllers(), *self._swaps.controllers()):
                    if hasattr(controller.policy, "end"):
                        controller.policy.end()
        super().stop()

    def switch(self, controller: Controller, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Make `controller` the active one as soon as it has replayed the recent past (lockstep: with a trial)."""
        swap = PendingSwap(controller, self.switcher.switch, done, failed)
        self.request(lambda: self._swaps.add(swap))

    def cancel_switch(self) -> None:
        """Drop the controllers that are to become active; call it between two ticks."""
        self._swaps.cancel(self.switcher.switch)

    def set_shadow(
        self, controller: Controller | None, done: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        """Make `controller` the shadow once it has replayed the recent past; None: no shadow any more.

        One that still replays for an earlier request is dropped.
        """

        def begin() -> None:
            self._swaps.cancel(self._run_beside)
            if controller is None:
                self._run_beside(None)
                done()
            else:
                self._swaps.add(PendingSwap(controller, self._run_beside, done, failed))

        self.request(begin)

    def _run_beside(self, controller: Controller | None) -> None:
        self.switcher.shadow = controller

    def _fail(self, error: MyoError, port: SwitchingPort) -> None:
        """Count a tick without a command, report its reason once, and drop a policy that cannot be run any more."""
        self.errors += 1
        if str(error) != self._reported:
            self._reported = str(error)
            port.say("error", f"no command: {error}")
        for lost in self.switcher.drop_lost():
            self.on_lost(lost)

"""When a policy that was loaded takes over: once it has replayed the recent past, a few observations each tick.

It is loaded in `policy_loader.py`, and cross-faded in by `policies/switching.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from myoprosthesis.core.errors import MyoError
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.switching import ControllerSwitcher

REPLAY = 0.25
"""Share of each period, after the command is sent, in which a pending controller replays."""
REPLAY_TABLES = 2
"""Tables that are replayed between two looks at the clock."""


@dataclass
class PendingSwap:
    """A controller that replays: what makes use of it once it is current, and who is called then or when it fails."""

    controller: Controller
    apply: Callable[[Controller], None]
    done: Callable[[], None]
    failed: Callable[[str], None]
    mark: tuple[int, int] | None = None
    """How far it has replayed."""


class PolicySwaps:
    """Controllers that wait for their turn; the oldest is activated between two ticks, once its replay is complete."""

    def __init__(self, switcher: ControllerSwitcher, *, lockstep: bool) -> None:
        self._switcher, self._lockstep = switcher, lockstep
        self._pending: list[PendingSwap] = []
        self.since_ns: int | None = None
        """The time of the first data that the active policy has answered; None before the first swap."""

    def add(self, swap: PendingSwap) -> None:
        """Let it replay, and be activated after those that wait already."""
        self._pending.append(swap)

    def cancel(self, apply: Callable[[Controller], None]) -> None:
        """Drop the controllers of which `apply` would make use."""
        self._pending = [swap for swap in self._pending if swap.apply != apply]

    def controllers(self) -> tuple[Controller, ...]:
        """Those that wait."""
        return tuple(swap.controller for swap in self._pending)

    def activate_ready(self, now_ns: int) -> None:
        """Make use of the oldest one if its replay is complete (lockstep: complete it now).

        One that becomes active answers the data of `now_ns` first."""
        if not self._pending or self._switcher.fading:
            return
        if self._lockstep:
            self._replay(0.0)
        if not self._pending:
            return
        swap = self._pending[0]
        if swap.mark is None or not self._switcher.is_current(swap.mark):
            return
        self._pending.pop(0)
        swap.apply(swap.controller)
        if self._activates(swap):
            self.since_ns = now_ns
        swap.done()

    def replay_some(self, seconds: float) -> None:
        """After a tick of real time that stands for `seconds`: replay in a share of it."""
        if self._pending and not self._lockstep:
            self._replay(REPLAY * seconds)

    def _activates(self, swap: PendingSwap) -> bool:
        return swap.apply == self._switcher.switch

    def _replay(self, seconds: float) -> None:
        """Replay for the oldest one, for about `seconds` (lockstep: until it is current).

        However little time there is, it replays more than one tick brings: it would never be current otherwise.
        """
        swap, until = self._pending[0], time.perf_counter() + seconds
        try:
            swap.mark = self._switcher.replay_history(swap.controller, swap.mark, 0)
            while not self._switcher.is_current(swap.mark):
                swap.mark = self._switcher.replay_history(swap.controller, swap.mark, REPLAY_TABLES)
                if not self._lockstep and time.perf_counter() >= until:
                    break
        except MyoError as error:
            self._pending.pop(0)
            swap.failed(str(error))

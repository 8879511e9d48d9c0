"""The guard that always stands before an effector: when in doubt, the fail state."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector import Device, Effector, Initial, Simulation
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.fail import FailState

Array = NDArray[np.float64]
STOPPED, NOT_STARTED = "emergency stop", "not started"


class GuardedEffector:
    """An effector that only ever receives finite commands within its limits, not older than its time-out.

    Anything else, and an emergency stop, puts it into its fail state, which begins once, where the effector is at that
    moment, and stays as it began until commands are followed again. `events` counts what the guard did;
    `reason` says why the effector is in its fail state, and is empty while it follows commands.
    """

    def __init__(self, effector: Effector, spec: EffectorSpec | None = None) -> None:
        """`spec`: the effector's own, with what else is known of it here, such as its fingerprint; None: its own."""
        self._effector, self._spec = effector, spec or effector.spec
        self._device = effector if isinstance(effector, Device) else None
        self._low, self._high = self._spec.command.bounds()
        self._last: Array | None = None
        self._state: EffectorState | None = None
        self._fail: FailState | None = None
        self._failing = 0
        self._ease_s = self._eased_s = 0.0
        self._stopped = False
        self.timeout_s = self._spec.timeout_s
        """A command older than this is dead; a slower policy may need more than the effector's own."""
        self.events: Counter[str] = Counter()
        self.reason = NOT_STARTED

    @property
    def spec(self) -> EffectorSpec:
        """That of the effector, as it is known here."""
        return self._spec

    @property
    def stopped(self) -> bool:
        """True between `estop` and `resume`."""
        return self._stopped

    @property
    def held(self) -> str:
        """Why nothing may put the effector elsewhere now; empty where it follows commands or has yet to begin."""
        if self._stopped:
            return STOPPED
        return "" if self.reason == NOT_STARTED else self.reason

    @property
    def easing(self) -> bool:
        """True until the commands that are followed are followed in full; see `ease`."""
        return self._eased_s < self._ease_s

    @property
    def device_events(self) -> dict[str, int]:
        """What a real device counts: frames sent, damaged frames, faults, recoveries; empty for a simulated one."""
        return dict(getattr(self._device, "events", {}))

    def estop(self) -> None:
        """Latched: the effector stays in its fail state until `resume`."""
        self._stopped = True
        self.events["estop"] += 1

    def resume(self) -> None:
        """Take the emergency stop off; the next command moves again, from where the effector is."""
        self._stopped = False
        self._last = self._fail = None

    def ease(self, seconds: float) -> None:
        """Mix the commands of the next `seconds` with the place where the effector is, less and less of it.

        Until the next reset; in the end they are followed in full."""
        self._ease_s, self._eased_s = seconds, 0.0

    def reset(self, seed: int = 0, initial: Initial | None = None) -> EffectorState:
        """The effector's own start, or another one by channel. Raises `ConfigError` where it has no other."""
        if initial is None:
            state = self._effector.reset(seed)
        elif isinstance(self._effector, Simulation):
            state = self._effector.reset(seed, initial)
        else:
            raise ConfigError(f"effector {self.spec.name!r} has a start of its own, and cannot begin anywhere else")
        self._last = self._fail = None
        self._ease_s = 0.0
        self._state = state
        return state

    def step(
        self,
        command: Array | None,
        disturbance: Disturbance = NO_DISTURBANCE,
        *,
        age_s: float = 0.0,
        idle: str = "",
        stale: str = "",
        waiting: str = "no command yet",
    ) -> EffectorState:
        """Run one period with a command, or in the fail state, in which no force of a disturbance acts.

        `command` None: none has come, for the reason `waiting`. `age_s`: how old its data are, and `stale` why, where
        it is too old and that is known. `idle`: a reason to be idle."""
        if self._state is None:
            raise ConfigError("the effector was not reset before its first step")
        self.spec.require_sites(disturbance.sites)
        followed = self._checked(command, age_s, idle, stale, waiting)
        state = self._state
        self._last = self._failing_command(state) if followed is None else self._limited(followed, state)
        act = self._device.idle if self._device is not None and followed is None else self._effector.step
        self._state = act(self._last, disturbance if followed is not None else disturbance.unforced)
        return self._state

    def close(self) -> None:
        """Fail state, device released; safe to call twice."""
        self._effector.close()

    def _checked(self, command: Array | None, age_s: float, idle: str, stale: str, waiting: str) -> Array | None:
        """The command, within its limits, if there is nothing to say against it, else None, with `reason` set."""
        if self._stopped:
            reason, event = STOPPED, ""
        elif idle:
            reason, event = idle, "idle"
        elif self._device is not None and self._device.fault:
            reason, event = self._device.fault, "fault"
            self._last = self._fail = None  # wherever it is when it comes back
        elif command is None:
            reason, event = waiting, ""
        elif command.shape != self._low.shape:
            reason, event = f"a command of {command.size} values, {self._low.size} are needed", "wrong_size"
        elif not age_s <= self.timeout_s:
            reason, event = f"the newest command is older than {self.timeout_s * 1e3:.0f} ms", "stale"
            reason += f": {stale}" if stale else ""
        elif not np.isfinite(command).all():
            reason, event = "a command that is not finite", "non_finite"
        else:
            self.reason, self._fail = "", None
            clipped = np.minimum(np.maximum(command, self._low), self._high)
            if not np.array_equal(clipped, command):
                self.events["clipped"] += 1
            return clipped
        if event:
            self.events[event] += 1
        self.reason = reason
        return None

    def _failing_command(self, state: EffectorState) -> Array:
        """The next command of the fail state, shape (n_command,), which begins where the effector is now measured."""
        spec = self.spec
        if self._fail is None:
            self._fail = FailState(
                spec.fail_each, spec.command, spec.rate_limit, state.measured, self._begin(state), spec.relaxed_command
            )
            self._failing = 0
        self._failing += 1
        return self._fail.command(self._failing * spec.dt)

    def _begin(self, state: EffectorState) -> Array:
        """The newest command; before the first, where the channels are, and relaxed where that is not known."""
        if self._last is not None:
            return self._last
        measured = state.measured
        return np.clip(np.where(np.isfinite(measured), measured, self.spec.relaxed_command), self._low, self._high)

    def _limited(self, command: Array, state: EffectorState) -> Array:
        if self.easing:  # of what is left of the way, the share that leads there in a straight line
            share = min(1.0, self.spec.dt / (self._ease_s - self._eased_s))
            last = self._begin(state)
            command = last + share * (command - last)
            self._eased_s += self.spec.dt
        if self.spec.rate_limit is not None:
            last = self._begin(state)
            most = np.asarray(self.spec.rate_limit) * self.spec.dt
            limited = last + np.clip(command - last, -most, most)
            if not np.array_equal(limited, command):
                self.events["rate_limited"] += 1
            command = limited
        return command

"""The fail state of an effector, channel by channel: hold the place, relax, or go to a value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
HOLD, RELAX = "hold", "relax"
SHARE = 0.5
"""Share of the stated braking distance at which a channel is held, so that what a servo overshoots stays within it."""


def fail_state(name: str, fail: str | float | Sequence[str | float], command: Channels) -> tuple[str | float, ...]:
    """`hold`, `relax` or a value for each channel of `command`; one word or number stands for all. Raises `ConfigError`
    in the name of the effector."""
    single = isinstance(fail, (str, int, float))
    each: tuple[str | float, ...] = (fail,) * command.size if single else tuple(fail)  # type: ignore[assignment,arg-type]
    if len(each) != command.size:
        raise ConfigError(
            f"the fail state of effector {name!r} has {len(each)} entries; its command has {command.size}: give one "
            f"word for all, or {HOLD}, {RELAX} or a value for each"
        )
    out: list[str | float] = []
    for channel, entry, low, high in zip(command.names, each, command.low, command.high, strict=True):
        if isinstance(entry, str):
            if entry not in (HOLD, RELAX):
                raise ConfigError(
                    f"effector {name!r} cannot {entry!r} with {channel} when in doubt: hold, relax or a value"
                )
            out.append(entry)
        elif not low - 1e-9 <= entry <= high + 1e-9:
            raise ConfigError(
                f"the fail state of effector {name!r} has {entry:g} for {channel}, outside {low:g} to {high:g}"
            )
        else:
            out.append(float(entry))
    return tuple(out)


def braking_way(velocity: Array, braking: Array, seconds: float) -> Array:
    """How far a channel comes in `seconds` that slows down from `velocity` by `braking` (unit/s², above 0) and then
    stands: v t − ½ a t² until it stands, v²/2a afterwards. 0 where `braking` is 0: none is known."""
    known = braking > 0
    rate = np.where(known, braking, 1.0)
    time = np.minimum(seconds, np.abs(velocity) / rate)
    return np.where(known, velocity * time - 0.5 * np.sign(velocity) * rate * time**2, 0.0)


class FailState:
    """The commands of a fail state that begins now.

    A channel that holds is held where it was at this moment, once and for all: it slows down from the velocity that it
    had and stands at `SHARE` of its braking distance. One whose place is not known (NaN) relaxes. One that relaxes goes
    to 0 or the bound nearest to it, one with a value goes there, both from where they are and not faster than
    `rate_limit`.
    """

    def __init__(
        self,
        fail: Sequence[str | float],
        command: Channels,
        braking: Sequence[float],
        rate_limit: float | None,
        place: Array,
        velocity: Array,
        last: Array,
    ) -> None:
        """`place` and `velocity` as measured, NaN where not known; `last` is the newest command, for channels without a
        place. All shape (n_command,)."""
        self._low, self._high = command.bounds()
        known = np.isfinite(place)
        self._begin = np.clip(np.where(known, place, last), self._low, self._high)
        self._hold = known & np.array([entry == HOLD for entry in fail])
        self._velocity = np.where(self._hold & np.isfinite(velocity), velocity, 0.0)
        self._braking = np.array(braking, float) / SHARE if len(braking) else np.zeros(command.size)
        self._rate = np.inf if rate_limit is None else rate_limit
        goal = np.array([0.0 if isinstance(entry, str) else entry for entry in fail])
        self._goal = np.clip(goal, self._low, self._high)

    def command(self, seconds: float) -> Array:
        """The command `seconds` (above 0) after the beginning, shape (n_command,)."""
        held = np.clip(
            self._begin + braking_way(self._velocity, self._braking, seconds), self._low, self._high
        )
        most = self._rate * seconds
        return np.where(self._hold, held, np.clip(self._goal, self._begin - most, self._begin + most))

"""The fail state of an effector, channel by channel: hold the place, relax, or go to a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError, Refused, unknown

Array = NDArray[np.float64]
HOLD, RELAX = "hold", "relax"
OUTSIDE = 0.01
"""Share of its range by which a channel may stand outside of it and still be said to be held."""


def fail_state(name: str, fail: str | float | Sequence[str | float], command: Channels) -> tuple[str | float, ...]:
    """`hold`, `relax` or a value for each channel of `command`; one word or number stands for all.

    Raises `ConfigError` in the name of the effector."""
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
                    f"effector {name!r} cannot {entry!r} with {channel} in its fail state: hold, relax or a value"
                )
            out.append(entry)
        elif not low - 1e-9 <= entry <= high + 1e-9:
            raise ConfigError(
                f"the fail state of effector {name!r} has {entry:g} for {channel}, outside {low:g} to {high:g}"
            )
        else:
            out.append(float(entry))
    return tuple(out)


def chosen(
    words: Mapping[str, Any] | Sequence[str], command: Channels, own: Sequence[str | float]
) -> tuple[str | float, ...]:
    """The fail state of each channel, where some are wanted otherwise than `own`.

    `words` is one word for all channels, or `name=hold`, `name=relax`, `name=value` for some, or the same as a mapping.
    Raises `ConfigError`."""
    if not isinstance(words, Mapping):
        if len(words) == 1 and "=" not in words[0]:
            words = dict.fromkeys(command.names, words[0])
        else:
            pairs = [word.partition("=") for word in words]
            if not all(equals and text for _, equals, text in pairs):
                example = f"{command.names[0]}={HOLD}"
                raise ConfigError(f"fail takes one word, or pairs such as {example}; got {' '.join(words)}")
            words = {name: text for name, _, text in pairs}
    each = list(own)
    for name, entry in words.items():
        if name not in command.names:
            raise unknown("command channel", name, command.names)
        each[command.names.index(name)] = _entry(entry, name)
    return tuple(each)


def _entry(text: Any, name: str) -> str | float:
    if text in (HOLD, RELAX):
        return str(text)
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ConfigError(
            f"{text!r} is no fail state of a channel: {HOLD}, {RELAX} or a number, or pairs such as {name}={HOLD}"
        ) from None


def check_holds(command: Channels, each: Sequence[str | float]) -> None:
    """Raise `Refused` for channels that command a speed: no fail state, `each` of them, holds these in their place."""
    speeds = [n for n, unit, entry in zip(command.names, command.units, each, strict=True)
              if unit.endswith("/s") and entry in (RELAX, 0.0)]  # fmt: skip
    if not speeds:
        return
    verb = "is" if len(speeds) == 1 else "are"
    raise Refused(
        f"in the fail state, an emergency stop too, {', '.join(speeds)} {verb} commanded "
        "speed 0: under a load, such as gravity, that creeps; a position servo holds its place"
    )


def check_start(command: Channels, each: Sequence[str | float], place: Array) -> None:
    """Raise `Refused` for channels that are to hold, but stand outside of their bounds: the nearest command moves them.

    `place`, shape (n_command,), is where they are; NaN where that is not known.
    """
    low, high = command.bounds()
    outside = [
        f"{name} stands at {at:.3g} and is commanded {lo:g} to {hi:g}"
        for name, entry, at, lo, hi in zip(command.names, each, place, low, high, strict=True)
        if entry == HOLD and (at < lo - OUTSIDE * (hi - lo) or at > hi + OUTSIDE * (hi - lo))
    ]
    if outside:
        raise Refused(f"in the fail state, before the first command too, this moves: {'; '.join(outside)}")


class FailState:
    """The commands of a fail state that begins now.

    A channel that holds is held where it is at this moment, once and for all. One whose place is not known (NaN)
    relaxes. One that relaxes goes to its relaxed command, one with a value goes there, both from where they are and not
    faster than `rate_limit` (unit/s; None: at once).
    """

    def __init__(
        self,
        fail: Sequence[str | float],
        command: Channels,
        rate_limit: float | Sequence[float] | None,
        place: Array,
        last: Array,
        relaxed: Array,
    ) -> None:
        """`place` as measured, NaN where not known; `last` is the newest command, for channels without a place.

        `relaxed` the command at which each channel does nothing. All of shape (n_command,)."""
        low, high = command.bounds()
        known = np.isfinite(place)
        self._begin = np.clip(np.where(known, place, last), low, high)
        goal = np.clip([r if isinstance(e, str) else e for e, r in zip(fail, relaxed, strict=True)], low, high)
        hold = known & np.array([entry == HOLD for entry in fail])
        self._goal = np.where(hold, self._begin, goal)
        self._rate = np.asarray(np.inf if rate_limit is None else rate_limit)

    def command(self, seconds: float) -> Array:
        """The command `seconds` (above 0) after the beginning, shape (n_command,)."""
        most = self._rate * seconds
        return np.clip(self._goal, self._begin - most, self._begin + most)

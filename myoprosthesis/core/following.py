"""When an effector followed commands and when not: what decides whether a trial counts."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.trial_plan import TrialPlan

KEPT = 32
"""Lapses that are kept: of a longer series the newest, which is enough to say that a trial had one."""


@dataclass(frozen=True)
class Lapse:
    """From `from_ns` to before `until_ns` the effector did not follow commands, for the reason `why`."""

    from_ns: int
    until_ns: int
    why: str


@dataclass(frozen=True)
class Following:
    """What an effector says of its following commands from `from_ns` on, when it was started, up to `until_ns`.

    `held`: why it does not follow commands now; empty while it does.
    """

    from_ns: int
    until_ns: int
    lapses: tuple[Lapse, ...] = ()
    held: str = ""

    def fault(self, trial: TrialPlan) -> str:
        """Empty when commands were followed all through the trial, or why not."""
        if trial.from_ns < self.from_ns:
            return "the effector was started within it"
        of_it = (x for x in self.lapses if x.from_ns < trial.until_ns and x.until_ns > trial.from_ns)
        return next((x.why for x in of_it), "")

    def to_json(self) -> str:
        """The text of a message on `effector/following`."""
        lapses = [[x.from_ns, x.until_ns, x.why] for x in self.lapses]
        return json.dumps({"from_ns": self.from_ns, "until_ns": self.until_ns, "lapses": lapses, "held": self.held})

    @classmethod
    def from_json(cls, text: str) -> Following:
        """Inverse of `to_json`."""
        try:
            data: dict[str, Any] = json.loads(text)
            lapses = tuple(Lapse(int(a), int(b), str(why)) for a, b, why in data["lapses"])
            return cls(int(data["from_ns"]), int(data["until_ns"]), lapses, str(data["held"]))
        except MyoError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ConfigError(f"what an effector says of its following commands cannot be read: {error!r}") from error


class Attendance:
    """Notes, tick by tick, when commands were followed. `dt_ns` is the period of a tick."""

    def __init__(self, dt_ns: int) -> None:
        self._dt_ns = dt_ns
        self._from_ns: int | None = None
        self._until_ns = 0
        self._lapses: deque[Lapse] = deque(maxlen=KEPT)
        self.held = ""

    def note(self, now_ns: int, why: str) -> None:
        """The tick at `now_ns` followed commands (`why` empty), or did not."""
        self._reach(now_ns)
        self.held = why
        if not why:
            return
        last = self._lapses[-1] if self._lapses else None
        end_ns = now_ns + self._dt_ns
        if last is not None and last.why == why and last.from_ns <= now_ns <= last.until_ns + self._dt_ns // 2:
            self._lapses[-1] = Lapse(last.from_ns, max(last.until_ns, end_ns), why)
        else:
            self._lapses.append(Lapse(now_ns, end_ns, why))

    def following(self, now_ns: int) -> Following:
        """The message about the time up to `now_ns`."""
        return Following(self._reach(now_ns), self._until_ns, tuple(self._lapses), self.held)

    def _reach(self, now_ns: int) -> int:
        """Go on to `now_ns`; where time went back, as when a clock was set, begin again. Returns the beginning."""
        begin_ns = self._from_ns
        if begin_ns is None or now_ns < self._until_ns - 4 * self._dt_ns:
            begin_ns = self._from_ns = self._until_ns = now_ns
            self._lapses.clear()
        self._until_ns = max(self._until_ns, now_ns)
        return begin_ns

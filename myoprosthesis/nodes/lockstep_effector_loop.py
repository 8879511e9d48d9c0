"""The effector's loop in simulated time: a tick as soon as everything that it depends on is known."""

from __future__ import annotations

import time
from typing import Any

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.nodes.command_input import Command
from myoprosthesis.nodes.effector_loop import EffectorLoop, EffectorLoopPort

RECORDER, RECORDER_S = "recorder", 5.0
"""Wall time within which it is nothing to tell of that a recorder is waited for."""
SLOW_S = 20.0
"""Wall time after which one that is alive, and takes its time, is named as well."""
PATIENCE_S = 0.1
"""Wall time after which a participant that is waited for is named, and the state published again."""


class LockstepEffectorLoop(EffectorLoop):
    """Time is tick·dt, and a run is the same every time.

    The state of a tick is published when the plans of every participant reach beyond it (conservative co-simulation
    with lookahead), and the tick runs when the command that answers this state has come. `start_s` is the time of the
    first tick, which waits for a recorder as well with `recorded`, until `begin_recorded`: time that is as fast as it
    goes would be over before one has found all topics.
    """

    def __init__(
        self,
        guard: GuardedEffector,
        port: EffectorLoopPort,
        *,
        start_s: float = 0.0,
        recorded: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(guard, port, lockstep=True, **options)
        self._awaited = RECORDER if recorded else ""
        self._begun_s = time.perf_counter()
        self.tick = round(start_s / guard.spec.dt)
        self._last_tick = self.tick + self._duration_ticks if self._duration_ticks > 0 else 0
        self._published = -1
        """The tick whose state was published last."""
        self._closed_s = 0.0
        self._waiting_s = 0.0
        """Wall time since which the same one is waited for."""
        self._deadline_s = 0.0
        """Wall time at which what is missing is named."""

    def begin_recorded(self) -> None:
        """A recorder receives everything now."""
        self.request(lambda: setattr(self, "_awaited", ""))

    def _now_ns(self) -> int:
        return self.tick * self._dt_ns

    def _run_ticks(self) -> None:
        self._deadline_s = time.perf_counter() + PATIENCE_S
        while not self._stop.is_set():
            now = self._now_ns()
            self._serve()
            self._take(now)
            missing = self._missing(now)
            self._note_hold(now, bool(missing))
            if not missing and self._published != self.tick and self._may_tick(peek=True):
                self._publish_tick(now)
                self._deadline_s = time.perf_counter() + PATIENCE_S
            if self.finished and self._published != self.tick:  # what the last tick has led to
                self._publish(now)
                self._published = self.tick
            command = self.input.newest
            if not missing and command is not None and command.stamp_ns == now and self._may_tick():
                self._tick(command, now)
                continue
            if time.perf_counter() >= self._deadline_s:
                self._name_missing(missing, now)
            self.port.wait(self._deadline_s - time.perf_counter())

    def _tick(self, command: Command, now: int) -> None:
        done = self._do(command, 0.0, "" if self.active else "not active", now)
        self.tick += 1
        if not self._missing(now + self._dt_ns) and self._may_tick(peek=True):
            self._publish_tick(now + self._dt_ns)  # what follows overlaps with the policy's inference
        self._record(done, command, now)
        self.statistics.tick()
        before, self._closed_s = self._closed_s, time.perf_counter()
        if before:
            self.statistics.note("round_trip", self._closed_s - before)
        self._deadline_s, self.waiting_for = self._closed_s + PATIENCE_S, ""

    def _publish_tick(self, now: int) -> None:
        self._begin_trial(now)
        self._publish(now)
        self._published = self.tick

    def _name_missing(self, missing: str, now: int) -> None:
        """Name what is waited for, and publish the state again for those who came late."""
        here_s, before = time.perf_counter(), self.waiting_for
        self._deadline_s = here_s + PATIENCE_S
        self.waiting_for = missing or ("" if self.finished or self.paused else "policy")
        self._waiting_s = self._waiting_s if self.waiting_for == before else here_s
        patient = missing == RECORDER and here_s < self._begun_s + RECORDER_S
        lives = bool(missing) and self.port.alive(missing)  # it takes its time
        if self.waiting_for and not patient and (not lives or here_s > self._waiting_s + SLOW_S):
            though = f", for more than {SLOW_S:g} s, though it is alive" if lives else ""
            self._say_once("warning", f"paused at {now * 1e-9:.3f} s: waiting for {self.waiting_for}{though}")
        # a trial may yet begin at this tick, with a reset: until that is known, the state before it is published
        if missing and self.tick:
            self._publish_again(now - self._dt_ns)
        else:
            self._publish(now)

    def _missing(self, now: int) -> str:
        """The first participant whose plans do not reach beyond this tick, a recorder that is awaited, or nothing."""
        if self._awaited:
            return self._awaited
        for name in self.participants:
            if self._schedules[name].horizon_ns <= now:
                self.finished = name == "task" and self._schedules[name].ended
                return "" if self.finished else name
        return ""

    def _may_tick(self, peek: bool = False) -> bool:
        if self._last_tick and self.tick >= self._last_tick:
            self.finished = True
        return not self.finished and self._unpaused(peek)

    def _note_hold(self, now: int, waiting: bool) -> None:
        """Note why time stands still at `now`.

        A trial that runs is held up by a pause; what else holds the effector is noted with the ticks that it befalls.
        """
        if self.finished:
            return
        if self.paused and not waiting:
            self.account.note(now, "paused")
        else:
            stopped = "emergency stop" if self.guard.stopped else "" if self.active else "not active"
            self.account.hold(now, stopped or ("paused" if self.paused else ""))

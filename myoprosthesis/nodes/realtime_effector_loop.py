"""The effector's loop in wall time: a tick each period, with the newest command."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.loop_rate import LoopRate
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.nodes.command_input import Command
from myoprosthesis.nodes.effector_loop import NO_COMMAND, OVER, PLACED, EffectorLoop, EffectorLoopPort

AHEAD_S = 0.01
"""A stamp that is further ahead of this clock is of another one, and is said."""


class RealtimeEffectorLoop(EffectorLoop):
    """Waits for nobody: the guard makes the effector idle when the newest command is too old or a participant is dead.

    After `duration_s` the effector is idle.
    """

    def __init__(
        self,
        guard: GuardedEffector,
        port: EffectorLoopPort,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        **options: Any,
    ) -> None:
        super().__init__(guard, port, lockstep=False, **options)
        self._clock_ns = clock_ns
        self._followed: Command | None = None

    def _now_ns(self) -> int:
        return self._clock_ns()

    def _run_ticks(self) -> None:
        request_fifo_scheduling()
        rate = LoopRate(self.guard.spec.dt)
        rate.start()
        self._publish(self._clock_ns())
        while not self._stop.is_set():
            late, skipped = rate.wait()
            self.port.wait(0.0)
            self._take()
            self._serve()
            if not self._may_tick():
                now = self._clock_ns()
                self.account.note(now, "paused")
                self._publish(now)
                continue
            self._tick(late, skipped)
            now = self._clock_ns()  # one stamp, by which body and policy begin a trial with the same state
            self._begin_trial(now)
            self._publish(now)

    def _may_tick(self) -> bool:
        if self._duration_ticks and self.statistics.ticks >= self._duration_ticks:
            self.finished = True
        return self.finished or self._unpaused()  # at its end it holds still, rather than being left with a last target

    def _tick(self, late_s: float, skipped: int) -> None:
        now = self._clock_ns()
        dead = next((p for p in self.participants if not self.port.alive(p)), "")
        idle = "" if self.active else "not active"
        if dead and not idle:
            idle = f"the node {dead} is not alive"
        command, age, stale, waiting = self.input.newest, 0.0, "", NO_COMMAND
        if self.finished:
            command, idle, waiting = None, "", OVER
        elif command is not None and now - 1e9 * self.guard.timeout_s <= command.stamp_ns < self._placed_ns:
            command, waiting = None, PLACED
        if command is not None:
            age = (now - command.stamp_ns) * 1e-9
            since = (time.monotonic_ns() - self.input.received_ns) * 1e-9
            if age < -1.0:  # a stamp from another clock is as good as none
                command = None
                idle = idle or f"a command stamped {-age:.3g} s in the future: set use_sim_time alike everywhere"
            elif age < -AHEAD_S:
                self.guard.events["stamped_ahead"] += 1
                self._say_once(
                    "warning",
                    f"commands are stamped more than {AHEAD_S * 1e3:.0f} ms ahead of this clock: they are followed, "
                    "their age counts from their arrival, and no latency is stated; set the clocks alike",
                )
            elif since <= self.guard.timeout_s < age - since:
                stale = _stamped_late(self.input.newest.stamp_ns, age - since)  # type: ignore[union-attr]
            else:
                stale = "no other has come since"
            age = max(age, since)  # whatever stamps and clocks say
        done = self._do(command, age, idle, now, stale, waiting)
        self.tick += 1
        if command is not None and command is not self._followed and not self.guard.reason:
            self._followed = command
            done_ns = self._clock_ns()
            if done_ns >= command.stamp_ns:
                self.statistics.note("latency", (done_ns - command.stamp_ns) * 1e-9)
            if command.arrival_ns is not None:
                self.statistics.note("latency_since_arrival", (done_ns - command.arrival_ns) * 1e-9)
        if not self.finished:
            self._record(done, command, now)
            if command is not None:  # ticks count from the first command on
                self._count(late_s, skipped, age)

    def _count(self, late_s: float, skipped: int, age_s: float) -> None:
        statistics = self.statistics
        statistics.tick()
        statistics.note("lateness", late_s)
        if not self.guard.reason:
            statistics.note("command_age", age_s)
        if skipped or age_s > self.deadline_s:
            statistics.missed += 1 + max(0, skipped - 1)


def _stamped_late(stamp_ns: int, age_s: float) -> str:
    """Why commands that arrive now are too old by their stamps."""
    if stamp_ns == 0:
        return "it has no stamp (header.stamp is 0); stamp commands with the time of the state that they answer"
    return (
        f"it is stamped {age_s:.1g} s before it came; the clock of who sends it is behind, or the data behind it are "
        "that old"
    )

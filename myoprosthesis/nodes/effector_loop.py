"""The effector's control loop: state out, command in, one period; in real time or in lockstep."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import permutation
from myoprosthesis.core.contract import DEADLINE
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.following import Attendance, Following
from myoprosthesis.core.guard import GuardedEffector
from myoprosthesis.core.loop_rate import LoopRate
from myoprosthesis.core.loop_statistics import LoopStatistics
from myoprosthesis.core.one_writer import OneWriter
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver

PARTIES = ("task", "perturbation")
"""Whom the loop can wait for."""
CHANGES_S = 0.02
"""Wall time between two words on whether commands are followed, within a trial."""
LONGEST_HOLD_S = 1.0
"""The longest that a contract's deadline lets an effector follow one command: by then a policy counts as dead."""
PATIENCE_S = 0.1
"""Wall time after which a party that is waited for is named, and the state said again."""


@dataclass(frozen=True, eq=False)
class Command:
    """A command as it came: the stamp of the data behind it (of EMG: when its newest sample was taken), its channel
    names, one value each; `arrival_ns` is when the EMG behind it came in, None where that is not known. `writer` is the
    publisher, by which two of them are told apart."""

    stamp_ns: int
    names: tuple[str, ...]
    values: NDArray[np.float64]
    arrival_ns: int | None = None
    writer: bytes = b""


class EffectorLoopPort(Protocol):
    """What the loop needs of the world: a graph of nodes, or a test."""

    def wait(self, timeout_s: float) -> None:
        """Until something has come, or the time is over."""

    def commands(self) -> list[Command]:
        """Commands that came since the last call, oldest first."""

    def plans(self) -> list[TrialPlan | PerturbationPlan]:
        """Plans that came since the last call, oldest first."""

    def alive(self, party: str) -> bool:
        """False when a party is known to be dead or was never there."""

    def present(self, writer: bytes) -> bool:
        """Whether this publisher of commands is still there."""

    def name_of(self, writer: bytes) -> str:
        """The node to which this publisher of commands belongs."""

    def publish(self, stamp_ns: int, state: EffectorState) -> None:
        """Tell the world the state."""

    def following(self, said: Following) -> None:
        """Tell the world when commands were followed and when not."""

    def applied(self, stamp_ns: int, state: EffectorState) -> None:
        """Tell the world what was done, under the stamp of the command that asked for it."""

    def say(self, level: str, text: str) -> None:
        """Tell people, once."""


class EffectorLoop(ControlLoop):
    """Runs a guarded effector in a thread of its own; requests reach it through one queue.

    In lockstep, time is tick·dt: the state of a tick is published when every party has spoken beyond it, and the
    tick runs when the command that answers this state has come. In real time nothing is waited for: the newest
    command is used, and the guard makes the effector idle when it is too old or a party is dead. `duration_s` is
    counted from the first command on; in real time the effector is idle afterwards. Of several writers of commands one
    is obeyed. `ease_s` is that of `GuardedEffector.ease`, for an effector that takes the place of another.
    """

    def __init__(
        self,
        guard: GuardedEffector,
        port: EffectorLoopPort,
        *,
        lockstep: bool,
        parties: tuple[str, ...] = (),
        seed: int = 0,
        duration_s: float = 0.0,
        start_s: float = 0.0,
        ease_s: float = 0.0,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(lockstep=lockstep)
        self.guard, self.port, self.parties, self.seed = guard, port, parties, seed
        self._ease_s = ease_s
        self.ledger = LoopStatistics()
        self.tick = round(start_s / guard.spec.dt) if lockstep else 0
        self.waiting_for = ""
        self.deadline_s = DEADLINE * guard.spec.dt
        self._writers = OneWriter(lambda writer: self.port.present(writer))
        self.paused = False
        self.finished = False
        self.error = ""
        self.perturbation = ""
        """The name of what is imposed now, as its plan has it."""
        self.started = threading.Event()
        """Set once the effector is at its start, or has failed to get there."""
        self._dt_ns = round(guard.spec.dt * 1e9)
        self._last_tick = self.tick + round(duration_s / guard.spec.dt) if duration_s > 0 else 0
        self._clock_ns = clock_ns
        self._single_steps = 0
        self._imposer = DisturbanceResolver(guard.spec)
        self._schedules: dict[str, Schedule] = {party: Schedule() for party in PARTIES}
        self._trial: tuple[int, int] | None = None
        self._command: Command | None = None
        self._followed: Command | None = None
        self._names: tuple[str, ...] | None = None
        self._named: set[bytes] = set()
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._heard_ns = 0
        self._trace = hashlib.sha256()
        self._said = ""
        self._state: EffectorState | None = None
        self._attendance = Attendance(self._dt_ns)
        self._open: TrialPlan | None = None
        """The trial that runs, until it was said whether commands were followed in it."""
        self._closed: tuple[int, int] | None = None
        self._held: str | None = None
        self._held_at = 0.0

    # -- from other threads -------------------------------------------------------------------------------------

    def meet_policy(self, deadline_s: float, extends: bool) -> None:
        """A policy is played whose commands are in time until so long after the state that they answer. Where
        `extends`, a body that is quicker follows them for so long, at most `LONGEST_HOLD_S`."""
        self.deadline_s = deadline_s
        if extends:
            self.guard.timeout_s = max(self.guard.spec.timeout_s, min(deadline_s, LONGEST_HOLD_S))
            if deadline_s > LONGEST_HOLD_S > self.guard.spec.timeout_s:
                self._say_once(
                    "warning",
                    f"the policy's commands may be {deadline_s:g} s old by its contract; here they are followed for "
                    f"{LONGEST_HOLD_S:g} s",
                )

    def stop(self) -> None:
        """End the loop and put the effector into its fail state."""
        super().stop()
        self.guard.close()

    def reset(self) -> None:
        """Between two ticks: back to the start, unless the emergency stop is on."""

        def back() -> None:
            if self.guard.stopped:
                self.port.say("warning", "not reset: the emergency stop is on until `resume`")
                return
            self.lapse("reset by hand")
            self._reset()

        self.request(back)

    def lapse(self, why: str) -> None:
        """Between two ticks: the trial that runs does not count."""
        now = self.tick * self._dt_ns if self.lockstep else self._clock_ns()
        held = self._attendance.held
        self._attendance.note(now, why)
        self._attendance.held = held

    def step(self, n: int = 1) -> None:
        """While paused: run `n` ticks."""

        def more() -> None:
            self._single_steps += n

        self.request(more)

    def trace_sha256(self) -> str:
        """Hash of all states and applied commands so far."""
        return self._trace.copy().hexdigest()

    @property
    def state(self) -> EffectorState | None:
        """The newest state."""
        return self._state

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._reset()
            self.guard.ease(self._ease_s)
            self.started.set()
            (self._run_lockstep if self.lockstep else self._run_realtime)()
        except MyoError as error:
            self._fail(str(error))
        except Exception as error:  # the effector must not be left moving, whatever went wrong
            self._fail(f"{type(error).__name__}: {error}")
            raise

    def _fail(self, text: str) -> None:
        self.error = text
        self.started.set()
        self.port.say("fatal", f"the effector stops: {text}")
        self.guard.close()

    def _run_realtime(self) -> None:
        request_fifo_scheduling()
        pacer = LoopRate(self.guard.spec.dt)
        pacer.start()
        self._publish(self._clock_ns())
        while not self._stop.is_set():
            late, skipped = pacer.wait()
            self.port.wait(0.0)
            self._take()
            self._serve()
            if not self._may_tick():
                now = self._clock_ns()
                self._attend(now, "paused")
                self._publish(now)
                continue
            now = self._clock_ns()
            dead = next((p for p in self.parties if not self.port.alive(p)), "")
            idle = "" if self.active else "not active"
            if dead and not idle:
                idle = f"the node {dead} is not alive"
            command, age, stale = self._command, 0.0, ""
            if self.finished:
                command, idle = None, ""
            if command is not None:
                age = (now - command.stamp_ns) * 1e-9
                since = (time.monotonic_ns() - self._heard_ns) * 1e-9
                if age < -1.0:  # a stamp from another clock is as good as none
                    command, idle = (
                        None,
                        idle or f"a command stamped {-age:.3g} s in the future: set use_sim_time alike everywhere",
                    )
                elif since <= self.guard.timeout_s < age - since:
                    stale = _stamped_late(command.stamp_ns, age - since)
                else:
                    stale = "no other has come since"
                age = max(age, since)  # whatever stamps and clocks say
            done = self._do(command, age, idle, now, stale)
            if command is not self._followed and command is not None and not self.guard.reason:
                self._followed = command
                done_ns = self._clock_ns()
                self.ledger.note("latency", (done_ns - command.stamp_ns) * 1e-9)
                if command.arrival_ns is not None:
                    self.ledger.note("latency_since_arrival", (done_ns - command.arrival_ns) * 1e-9)
            if not self.finished:
                self._keep(done, command, now)
                self._account(late, skipped, age if command is not None else None)
            now = self._clock_ns()  # one stamp, by which body and policy begin a trial with the same state
            self._begin_trial(now)
            self._publish(now)

    def _account(self, late_s: float, skipped: int, age_s: float | None) -> None:
        """Ticks count from the first command on."""
        if age_s is None:
            return
        ledger = self.ledger
        ledger.tick()
        ledger.note("lateness", late_s)
        if not self.guard.reason:
            ledger.note("command_age", age_s)
        if skipped or age_s > self.deadline_s:
            ledger.missed += 1 + max(0, skipped - 1)

    def _run_lockstep(self) -> None:
        announced, closed = -1, 0.0
        patience = time.perf_counter() + PATIENCE_S
        while not self._stop.is_set():
            now = self.tick * self._dt_ns
            self._serve()
            self._take(now)
            wanted = self._missing(now)
            self._attend_still(now, bool(wanted))
            if not wanted and announced != self.tick and self._may_tick(peek=True):
                self._begin_trial(now)
                self._publish(now)
                announced, patience = self.tick, time.perf_counter() + PATIENCE_S
            if not wanted and self._command is not None and self._command.stamp_ns == now and self._may_tick():
                done = self._do(self._command, 0.0, "" if self.active else "not active", now)
                self.tick += 1
                if not self._missing(now + self._dt_ns) and self._may_tick(peek=True):
                    self._begin_trial(now + self._dt_ns)
                    self._publish(now + self._dt_ns)  # the books are kept while the policy thinks
                    announced = self.tick
                self._keep(done, self._command, now)
                self.ledger.tick()
                before, closed = closed, time.perf_counter()
                if before:
                    self.ledger.note("round_trip", closed - before)
                patience, self.waiting_for = closed + PATIENCE_S, ""
                continue
            if time.perf_counter() >= patience:  # name what is missing, and say the state again for those who came late
                patience = time.perf_counter() + PATIENCE_S
                self.waiting_for = wanted or ("" if self.finished or self.paused else "policy")
                if self.waiting_for and not (wanted and self.port.alive(wanted)):  # one that is there takes its time
                    self._say_once("warning", f"paused at {now * 1e-9:.3f} s: waiting for {self.waiting_for}")
                # a trial may yet begin at this tick, with a reset: until that is known, the state before it is said
                self._publish(now - self._dt_ns if wanted and self.tick else now)
            self.port.wait(patience - time.perf_counter())

    def _missing(self, now: int) -> str:
        """The first party whose horizon has not reached this tick, or nothing."""
        for party in self.parties:
            if self._schedules[party].horizon_ns <= now:
                self.finished = party == "task" and self._schedules[party].ended
                return "" if self.finished else party
        return ""

    def _may_tick(self, peek: bool = False) -> bool:
        if self._last_tick and (self.tick if self.lockstep else self.ledger.ticks) >= self._last_tick:
            self.finished = True
        if self.finished:
            return not self.lockstep  # a hand is told to hold still, rather than left with its last target
        if not self.paused:
            return True
        if self._single_steps:
            self._single_steps -= 0 if peek else 1
            return True
        return False

    def _take(self, only_ns: int | None = None) -> None:
        """Take in what has come; of the commands, those that answer `only_ns`, when it is given."""
        for plan in self.port.plans():
            if isinstance(plan, TrialPlan):
                self._schedules["task"].add(plan)
                continue
            refused = self._imposer.refusal(plan)
            if refused:
                self._say_once("error", f"perturbation {plan.name!r} is refused: {refused}")
                plan = replace(plan, entries=())
            self._schedules["perturbation"].add(plan)
        for command in self.port.commands():
            if command.values.size != len(command.names):
                self.guard.events["wrong_size"] += 1
                self._say_once(
                    "error", f"a command of {command.values.size} values for {len(command.names)} names is ignored"
                )
                continue
            if command.names is not self._names and not self._accept(command):
                continue
            if not self._obeys(command):
                continue
            if only_ns is None or command.stamp_ns == only_ns:
                self._command = replace(command, values=command.values[self._order])
                self._heard_ns = time.monotonic_ns()

    def _accept(self, command: Command) -> bool:
        """Learn a new order of names, or refuse it."""
        try:
            self._order = permutation(self.guard.spec.command.names, command.names)
        except MyoError as error:
            self.guard.events["wrong_names"] += 1
            self._say_once("error", f"a command is refused: {error}")
            return False
        self._names = command.names
        return True

    def _obeys(self, command: Command) -> bool:
        """Whether it comes from whom the effector obeys; any other is named."""
        before = self._writers.writer
        obeyed = self._writers.obeys(command.writer, time.monotonic())
        if not obeyed:
            self.guard.events["second_writer"] += 1
            if command.writer not in self._named:
                self._named.add(command.writer)
                self.port.say(
                    "error",
                    f"{self.port.name_of(command.writer)} publishes commands too and is not obeyed, since "
                    f"{self.port.name_of(before or b'')} does: stop one of them",
                )
        elif before not in (None, command.writer):
            self._named.discard(command.writer)
            self.port.say("info", f"commands come from {self.port.name_of(command.writer)} now")
        return obeyed

    def _imposed(self, now: int) -> Disturbance:
        plan = self._schedules["perturbation"].current(now)
        self.perturbation = "" if plan is None else plan.name
        if plan is None or self._state is None:
            return NO_DISTURBANCE
        return self._imposer.at(plan, now, self._state.activation)

    def _do(self, command: Command | None, age_s: float, idle: str, now: int, stale: str = "") -> EffectorState:
        before = self.guard.reason
        values = None if command is None else command.values
        self._state = self.guard.step(values, self._imposed(now), age_s=age_s, idle=idle, stale=stale)
        if self.guard.reason != before:
            if self.guard.reason and before != "not started" and not self.finished:
                self.port.say("warning", f"idle: {self.guard.reason}")
            elif before and before not in ("not started", "no command yet"):
                self.port.say("info", "following commands again")
        easing = "the effector takes the place of another" if self.guard.easing else ""
        self._attend(now, self.guard.reason or ("paused" if self.paused else easing))
        if not self.lockstep:
            self.tick += 1
        return self._state

    def _attend(self, now: int, why: str) -> None:
        """Take down whether the tick at `now` follows commands, and say so when that changes."""
        self._attendance.note(now, why)
        self._tell_change(now)

    def _attend_still(self, now: int, waiting: bool) -> None:
        """The same of simulated time that stands still at `now`. A trial that runs is held up by a pause; what else
        holds the effector is taken down with the ticks that it befalls."""
        if self.finished:
            return
        if self.paused and not waiting:
            self._attendance.note(now, "paused")
        else:
            stopped = "emergency stop" if self.guard.stopped else "" if self.active else "not active"
            self._attendance.held = stopped or ("paused" if self.paused else "")
        self._tell_change(now)

    def _tell_change(self, now: int) -> None:
        if self._attendance.held != self._held and time.monotonic() - self._held_at >= CHANGES_S:
            self._tell_following(now)

    def _tell_following(self, now: int) -> None:
        self._held, self._held_at = self._attendance.held, time.monotonic()
        self.port.following(self._attendance.following(now))

    def _keep(self, done: EffectorState, command: Command | None, now: int) -> None:
        """Keep account of a tick that was done."""
        self._trace.update(done.table.data)
        self._trace.update(done.applied.data)
        self.port.applied(command.stamp_ns if command is not None else now, done)

    def _begin_trial(self, now: int) -> None:
        """Put the body to its start when a new trial wants it so. One that stands in its fail state stays there, and
        the trial does not count."""
        plan = self._schedules["task"].current(now)
        if plan is None or plan.from_ns > now or (plan.trial, plan.from_ns) == self._trial:
            return
        self._trial = (plan.trial, plan.from_ns)
        if plan.reset:
            if self.guard.held:
                self.lapse(self.guard.held)
            elif self.guard.spec.resettable:
                self._state = self.guard.reset(self.seed + plan.trial)
            else:
                self._say_once("warning", f"{self.guard.spec.name!r} is not reset between trials: use between: return")

    def _reset(self) -> None:
        self._state = self.guard.reset(self.seed)
        self._imposer.reset()

    def _publish(self, now: int) -> None:
        self._close_trial(now)
        if self._state is not None:
            self.port.publish(now, self._state)

    def _close_trial(self, now: int) -> None:
        """Say, before the last state of a trial, whether commands were followed in it; late where that was skipped."""
        plan: TrialPlan | None = self._schedules["task"].current(now)
        last = self._open
        key = None if plan is None else (plan.trial, plan.from_ns)
        if last is not None and (key != (last.trial, last.from_ns) or last.over(now, self._dt_ns)):
            self._closed, self._open = (last.trial, last.from_ns), None
            self._tell_following(last.until_ns)
        if plan is not None and key != self._closed:
            self._open = plan
            if plan.over(now, self._dt_ns):  # a trial of one state
                self._close_trial(now)

    def _say_once(self, level: str, text: str) -> None:
        if text != self._said:
            self._said = text
            self.port.say(level, text)


def _stamped_late(stamp_ns: int, age_s: float) -> str:
    """Why commands that arrive now are too old by their stamps."""
    if stamp_ns == 0:
        return "it has no stamp (header.stamp is 0); stamp commands with the time of the state that they answer"
    return (
        f"it is stamped {age_s:.1g} s before it came; the clock of who sends it is behind, or the data behind it are "
        "that old"
    )

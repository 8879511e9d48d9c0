"""The effector's control loop: state out, command in, one period. How its ticks are timed is up to its subclasses."""

from __future__ import annotations

import hashlib
import threading
from abc import abstractmethod
from dataclasses import replace
from typing import Protocol

from myoprosthesis.core.command_guard import NOT_STARTED, GuardedEffector
from myoprosthesis.core.contract import DEADLINE
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.fail import check_start
from myoprosthesis.core.following import Following
from myoprosthesis.core.loop_statistics import LoopStatistics
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes.command_input import Command, CommandInput, CommandPort
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.nodes.following_account import FollowingAccount
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver

PARTICIPANTS = ("task", "perturbation")
"""Nodes whose plans the loop can wait for."""
LONGEST_HOLD_S = 1.0
"""The longest that a contract's deadline lets an effector follow one command: by then a policy counts as dead."""
NO_COMMAND, PLACED, OVER = "no command yet", "no command since it was put to its start", "its duration is over"
"""Why nothing is followed though nobody is at fault; the second is none within the time that a command may take."""


class EffectorLoopPort(CommandPort, Protocol):
    """What the loop needs of the world: a graph of nodes, or a test."""

    def wait(self, timeout_s: float) -> None:
        """Until something has come, or the time is over."""

    def plans(self) -> list[TrialPlan | PerturbationPlan]:
        """Plans that came since the last call, oldest first."""

    def alive(self, participant: str) -> bool:
        """False when a participant is known to be dead or was never there."""

    def publish(self, stamp_ns: int, state: EffectorState) -> None:
        """Publish the state."""

    def following(self, following: Following) -> None:
        """Publish when commands were followed and when not."""

    def applied(self, stamp_ns: int, state: EffectorState) -> None:
        """Publish what was done, under the stamp of the command that asked for it."""


class EffectorLoop(ControlLoop):
    """Runs a guarded effector in a thread of its own; requests reach it through one queue.

    Of several publishers of commands one is obeyed. `duration_s` is counted from the first command on. `ease_s` is that
    of `GuardedEffector.ease`, for an effector that takes the place of another.
    """

    def __init__(
        self,
        guard: GuardedEffector,
        port: EffectorLoopPort,
        *,
        lockstep: bool,
        participants: tuple[str, ...] = (),
        seed: int = 0,
        duration_s: float = 0.0,
        ease_s: float = 0.0,
    ) -> None:
        super().__init__(lockstep=lockstep)
        self.guard, self.port, self.participants, self.seed = guard, port, participants, seed
        self._ease_s = ease_s
        self.statistics = LoopStatistics()
        self.tick = 0
        self.waiting_for = ""
        self.deadline_s = DEADLINE * guard.spec.dt
        self._newest: tuple[int, EffectorState] | None = None
        self.paused = False
        self.finished = False
        self.error = ""
        self.perturbation = ""
        """The name of what is imposed now, as its plan has it."""
        self.started = threading.Event()
        """Set once the effector is at its start, or has failed to get there."""
        self.state: EffectorState | None = None
        """The newest state."""
        self._dt_ns = round(guard.spec.dt * 1e9)
        self._duration_ticks = round(duration_s / guard.spec.dt)
        self._single_steps = 0
        self._disturbances = DisturbanceResolver(guard.spec)
        self._schedules: dict[str, Schedule] = {name: Schedule() for name in PARTICIPANTS}
        self._trial: tuple[int, int] | None = None
        self._placed_ns = -1
        """When the body was put to its start: commands that answer what was before are of another posture."""
        self._published_ns = -1
        self._trace = hashlib.sha256()
        self._last_text = ""
        self.input = CommandInput(guard, port, self._say_once)
        self.account = FollowingAccount(self._dt_ns, lambda following: port.following(following))

    # -- from other threads -------------------------------------------------------------------------------------

    def meet_policy(self, deadline_s: float, extends: bool) -> None:
        """Note that the active policy's commands are in time until `deadline_s` after the state that they answer.

        Where `extends`, a body that is quicker follows them for as long, at most `LONGEST_HOLD_S`.
        """
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
        self.account.lapse(self._now_ns(), why)

    def step(self, n: int = 1) -> None:
        """While paused: run `n` ticks."""

        def more() -> None:
            self._single_steps += n if self.paused else 0

        self.request(more)

    def trace_sha256(self) -> str:
        """Hash of all states and applied commands so far."""
        return self._trace.copy().hexdigest()

    # -- the thread ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _run_ticks(self) -> None:
        """Run ticks until `_stop` is set."""

    @abstractmethod
    def _now_ns(self) -> int:
        """The time of the present tick."""

    def _run(self) -> None:
        try:
            self._reset()
            self.guard.ease(self._ease_s)
            self.started.set()
            self._run_ticks()
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

    def _unpaused(self, peek: bool = False) -> bool:
        """Whether a tick may run; a single step of a paused loop is used up by it, unless `peek`."""
        if not self.paused:
            return True
        if self._single_steps:
            self._single_steps -= 0 if peek else 1
            return True
        return False

    def _take(self, stamp_ns: int | None = None) -> None:
        """Take in plans and commands; of the commands those of this stamp, where it is given."""
        for plan in self.port.plans():
            if isinstance(plan, TrialPlan):
                self._schedule("task", plan, "it")
                continue
            try:
                self._disturbances.check(plan)
            except Refused as error:
                self._say_once("error", f"perturbation {plan.name!r} is refused: {error}")
                plan = replace(plan, entries=())
            self._schedule("perturbation", plan, "its perturbation" if plan.entries else "")
        self.input.take(stamp_ns)

    def _schedule(self, who: str, plan: TrialPlan | PerturbationPlan, what: str) -> None:
        """Add a plan; a trial that began in real time before `what` acts in it was known does not count."""
        late_s = self._schedules[who].unannounced_s(plan, self._published_ns) if what and not self.lockstep else 0.0
        self._schedules[who].add(plan)
        if late_s:
            self.lapse(f"the effector was told of {what} {late_s:.2g} s after its start")

    def _disturbance(self, now_ns: int) -> Disturbance:
        plan = self._schedules["perturbation"].current(now_ns)
        self.perturbation = "" if plan is None else plan.name
        if plan is None or self.state is None:
            return NO_DISTURBANCE
        return self._disturbances.at(plan, now_ns, self.state.activation)

    def _do(
        self, command: Command | None, age_s: float, idle: str, now_ns: int, stale: str = "", waiting: str = NO_COMMAND
    ) -> EffectorState:
        """One tick of the effector."""
        before = self.guard.reason
        values = None if command is None else command.values
        self.state = self.guard.step(
            values, self._disturbance(now_ns), age_s=age_s, idle=idle, stale=stale, waiting=waiting
        )
        due = self.guard.reason == PLACED and now_ns - self._placed_ns <= 1e9 * self.guard.timeout_s
        if self.guard.reason != before and not due:
            if self.guard.reason and before != NOT_STARTED and not self.finished:
                self.port.say("warning", f"idle: {self.guard.reason}")
            elif before and before not in (NOT_STARTED, NO_COMMAND, PLACED):
                self.port.say("info", "following commands again")
        easing = "the effector takes the place of another" if self.guard.easing else ""
        why = "" if due else self.guard.reason
        self.account.note(now_ns, why or ("paused" if self.paused else easing))
        return self.state

    def _record(self, done: EffectorState, command: Command | None, now_ns: int) -> None:
        """Hash and publish a tick that was done."""
        self._trace.update(done.table.data)
        self._trace.update(done.applied.data)
        followed = command is not None and not self.guard.reason  # else it is of this tick, and no command's
        self.port.applied(command.stamp_ns if command is not None and followed else now_ns, done)

    def _begin_trial(self, now_ns: int) -> None:
        """Put the body to its start when a new trial wants it so.

        One that stands in its fail state stays there, and the trial does not count.
        """
        plan = self._schedules["task"].current(now_ns)
        if plan is None or plan.from_ns > now_ns or (plan.trial, plan.from_ns) == self._trial:
            return
        self._trial = (plan.trial, plan.from_ns)
        if plan.reset:
            if self.guard.held:
                self.lapse(self.guard.held)
            elif self.guard.spec.resettable:
                self._placed_ns = now_ns
                self._reset_for(plan)
            else:
                self._say_once("warning", f"{self.guard.spec.name!r} is not reset between trials: use between: return")

    def _reset_for(self, plan: TrialPlan) -> None:
        try:
            self.state = self.guard.reset(self.seed + plan.trial, plan.start_state or None)
        except ConfigError as error:
            self.state = self.guard.reset(self.seed + plan.trial)
            self._say_once("warning", f"trial {plan.trial} does not begin where the task wants it: {error}")
            self.lapse("the start of the trial is not one of this effector")

    def _reset(self) -> None:
        self._placed_ns = self._now_ns()
        self.state = self.guard.reset(self.seed)
        try:
            check_start(self.guard.spec.command, self.guard.spec.fail_each, self.state.measured)
        except Refused as error:
            self._say_once("warning", str(error))
        self._disturbances.reset()

    def _publish(self, now_ns: int) -> None:
        self._published_ns = now_ns
        self.account.close_trial(self._schedules["task"].current(now_ns), now_ns)
        if self.state is not None:
            self._newest = now_ns, self.state
            self.port.publish(now_ns, self.state)

    def _publish_again(self, now_ns: int) -> None:
        """For those who came late: what was published last, the same state under the same stamp; or that of now."""
        if self._newest is None:
            self._publish(now_ns)
        else:
            self.port.publish(*self._newest)

    def _say_once(self, level: str, text: str) -> None:
        if text != self._last_text:
            self._last_text = text
            self.port.say(level, text)

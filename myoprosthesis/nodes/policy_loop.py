"""Control loop of a policy: a state in, a command out; plans, switches and stops in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import reorder
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError, Refused
from myoprosthesis.core.followed_state import FollowedGoal
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.loop_statistics import LoopStatistics
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TASK_CHANNELS, TASK_UNITS, TrialPlan
from myoprosthesis.nodes.switching_loop import SwitchingLoop, SwitchingPort
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.policy_controller import PolicyController
from myoprosthesis.policies.switching import ControllerSwitcher

Array = NDArray[np.float64]


MOST_PASSED = 20
"""States from before a reset that are passed over."""
SITES = ("observation", "hidden")
"""Where a perturbation acts on a policy."""
SAME = 1e-9
"""rad or m: a body stands where a trial begins."""


class PolicyLoopPort(SwitchingPort, Protocol):
    """What the loop needs of the world."""

    def states(self) -> list[JointStateFrame]:
        """States that came since the last call, oldest first."""

    def plans(self) -> list[TrialPlan | PerturbationPlan]:
        """Plans that came since the last call, oldest first."""

    def goal(self) -> JointStateFrame | None:
        """The newest state of the effector that is the goal; None while there is none, or it has become old."""

    def hears(self, participants: Sequence[str]) -> bool:
        """Whether all of these are known to announce their plans."""


class PolicyLoop(SwitchingLoop):
    """Control loop that updates a `ControllerSwitcher` with each state.

    In lockstep every state is answered under its own stamp, once the task and the perturbation have announced what
    happens beyond it; a switch then begins with the next trial.
    """

    def __init__(
        self,
        switcher: ControllerSwitcher,
        port: PolicyLoopPort,
        *,
        lockstep: bool,
        participants: tuple[str, ...],
        seed: int = 0,
        task_channels: Sequence[str] = TASK_CHANNELS,
        followed: bool = False,
    ) -> None:
        """`task_channels` begin with `TASK_CHANNELS`; with `followed`, the port's goal fills those of its joints."""
        super().__init__(switcher, lockstep=lockstep)
        self.port, self.participants, self.seed = port, participants, seed
        self.task_channels = tuple(task_channels)
        self.statistics = LoopStatistics()
        """`goal_age`: from the state that is the goal to the command that follows it, both by this machine's clock."""
        self._followed = FollowedGoal(self.task_channels, switcher.spec.joints) if followed else None
        self._trials: Schedule[TrialPlan] = Schedule()
        self._perturbations: Schedule[PerturbationPlan] = Schedule()
        self._frames: list[JointStateFrame] = []
        self._trial: tuple[int, int] | None = None
        self._refused: tuple[PerturbationPlan, str] | None = None
        """The last plan of which a part was refused, and why."""
        self._rng = np.random.default_rng(seed)
        self._names: tuple[str, ...] | None = None
        self._order: NDArray[np.intp] | None = None
        self._answered: tuple[int, Array] | None = None
        self._passed = 0
        """States in a row that were not answered, since they are from before a reset."""
        self._data_ns = 0
        self._commanded_ns = -1
        """The time of the newest state that was answered with a command; -1 before the first."""
        self._met = False
        self.on_unaware: Callable[[str], None] = lambda why: None
        """Called, with a sentence, when a trial had begun before its plan came: it was not played as one."""

    def _run(self) -> None:
        if not self.lockstep:
            request_fifo_scheduling()
        while not self._stop.is_set():
            self.port.wait(0.1)
            for plan in self.port.plans():
                if isinstance(plan, TrialPlan):
                    self._schedule(self._trials, plan, "it")
                else:
                    own = any(e.site in SITES for e in plan.entries)
                    self._schedule(self._perturbations, plan, "its perturbation" if own else "")
            self._frames.extend(self.port.states())
            self._serve()
            self._answer()

    def _schedule(self, schedule: Schedule[Any], plan: TrialPlan | PerturbationPlan, what: str) -> None:
        """Add a plan; that a trial had begun in real time before `what` acts in it was known is said."""
        late_s = schedule.unannounced_s(plan, self._commanded_ns) if what and not self.lockstep else 0.0
        schedule.add(plan)
        if late_s:
            self.on_unaware(f"the policy was told of {what} {late_s:.2g} s after its start")

    def _answer(self) -> None:
        """Answer the states that came, as far as (in lockstep) the participants have announced what happens."""
        schedules: dict[str, Schedule[Any]] = {"task": self._trials, "perturbation": self._perturbations}
        while self._frames:
            frame = self._frames[0]
            if self.lockstep and any(schedules[p].horizon_ns <= frame.stamp_ns for p in self.participants):
                self._frames = self._frames[-1:]
                return
            self._frames.pop(0)
            try:
                self._tick(frame, newest=not self._frames)
            except MyoError as error:
                self._fail(error, self.port)

    def _tick(self, frame: JointStateFrame, newest: bool) -> None:
        now, switcher = frame.stamp_ns, self.switcher
        if self._answered is not None and self._answered[0] == now:  # repeated by an effector that waits
            if self.active:
                self.port.command(*self._answered)
            return
        trial = self._trials.current(now)
        if self.lockstep and trial is not None and self._before_reset(frame, trial):
            return
        begins = self._begin_trial(trial)
        if begins or not self.lockstep or not self.participants or switcher.active is None:
            self._swaps.activate_ready(now)
        self._perturb(now)
        goal = self.port.goal() if self._followed is not None else None
        if switcher.active is not None and (goal is not None or self._followed is None):
            table = self._table(frame, trial)
            if self._followed is not None and goal is not None:
                self._followed.fill(table[:, len(frame.names) :], goal)
            command, fresh = switcher.update(table, Moment(self._rng, now, switcher.spec.dt, trial))
            if fresh or self.lockstep:
                self._data_ns = now
            if self.active and newest and self._meet_participants():
                self.port.command(self._data_ns, command)
                self._commanded_ns = now
                if goal is not None:
                    self.statistics.note("goal_age", max(0.0, (time.time_ns() - goal.stamp_ns) * 1e-9))
            self._answered = (now, command) if self.lockstep else None
            self.port.updated(now, switcher)
        self._swaps.replay_some(switcher.spec.dt)

    def _meet_participants(self) -> bool:
        """Whether what is announced can come, without which nothing is commanded; once it could, it stays so."""
        self._met = self._met or self.lockstep or self.port.hears(self.participants)
        return self._met

    def _begin_trial(self, trial: TrialPlan | None) -> bool:
        """Whether another trial begins with this tick; then all forget the past, and noise is drawn by its number."""
        if trial is None or (trial.trial, trial.from_ns) == self._trial:
            return False
        self._trial = (trial.trial, trial.from_ns)
        self._rng = np.random.default_rng((self.seed, max(0, trial.trial)))
        self.switcher.reset()
        return True

    def _before_reset(self, frame: JointStateFrame, trial: TrialPlan) -> bool:
        """Whether a state is that of before the trial's reset, which the effector published while it waited for a plan.

        The one after it follows; one that never is where the trial should begin is answered in the end."""
        if frame.stamp_ns != trial.from_ns or not (trial.reset and trial.initial) or self._passed >= MOST_PASSED:
            self._passed = 0
            return False
        places = dict(zip(frame.names, frame.position.tolist(), strict=False))
        if all(abs(places.get(name, value) - value) < SAME for name, value in trial.initial.items()):
            return False
        self._passed += 1
        return True

    def _perturb(self, now_ns: int) -> None:
        plan = self._perturbations.current(now_ns)
        seen = () if plan is None else (e.observed(now_ns) for e in plan.at("observation"))
        entries = [e for e in seen if e is not None]
        if plan is not None:  # with their windows, within which they remember and by whose ramp they grow
            entries += plan.at("hidden")
        try:
            self.switcher.perturb(entries)
        except Refused as error:
            if plan is not None and (plan, str(error)) != self._refused:  # on a ramp entries change with every tick
                self._refused = plan, str(error)
                self.port.say("error", f"part of the perturbation is refused, the policy goes on without it: {error}")

    def _table(self, frame: JointStateFrame, trial: TrialPlan | None) -> Array:
        """Columns of the state in the effector's order, then those of the task. Without a trial the goal is to stay."""
        if frame.names is not self._names:
            self._names, self._order = frame.names, reorder(self.switcher.spec.channels, frame.names)
        n = len(frame.names)
        table = np.zeros((3, n + len(self.task_channels)))
        for row, values in zip(table, frame.rows(), strict=True):
            row[:n] = values if self._order is None else values[self._order]
        if trial is not None:
            table[:, n:] = trial.goal_table(self.task_channels, frame.stamp_ns)
        elif self.switcher.spec.endpoint:
            endpoint = self.switcher.spec.columns["sites"].start
            table[0, n : n + 3] = table[0, endpoint : endpoint + 3]
        return table


def switcher_for(spec: EffectorSpec, blend_s: float, task_units: Mapping[str, str] = TASK_UNITS) -> ControllerSwitcher:
    """A switcher between policies that observe an effector and a task, whose channels have the `task_units`."""

    def make(name: str, policy: Any) -> Controller:
        return PolicyController(name, policy, spec, task_units)

    return ControllerSwitcher(spec, make, blend_s)

"""The policy's control loop: a state in, a command out; plans, swaps and stops in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.cdr import JointStateFrame
from myoprosthesis.core.channels import permutation
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TASK_CHANNELS, TASK_UNITS, TrialPlan
from myoprosthesis.nodes.switching_loop import SwitchingLoop, SwitchingPort
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.policy_controller import PolicyController
from myoprosthesis.policies.switching import ControllerSwitcher

Array = NDArray[np.float64]


class PolicyLoopPort(SwitchingPort, Protocol):
    """What the loop needs of the world."""

    def states(self) -> list[JointStateFrame]:
        """States that came since the last call, oldest first."""

    def plans(self) -> list[TrialPlan | PerturbationPlan]:
        """Plans that came since the last call, oldest first."""


class PolicyLoop(SwitchingLoop):
    """Runs a `ControllerSwitcher` in a thread of its own. In lockstep every state is answered under its own
    stamp, once the
    task and the perturbation have spoken beyond it; a swap then begins with the next trial."""

    def __init__(
        self,
        player: ControllerSwitcher,
        port: PolicyLoopPort,
        *,
        lockstep: bool,
        parties: tuple[str, ...],
        seed: int = 0,
        task_channels: Sequence[str] = TASK_CHANNELS,
    ) -> None:
        """`task_channels` begin with `TASK_CHANNELS`."""
        super().__init__(player, lockstep=lockstep)
        self.port, self.parties, self.seed = port, parties, seed
        self.task_channels = tuple(task_channels)
        self._schedules: dict[str, Schedule] = {"task": Schedule(), "perturbation": Schedule()}
        self._pending: list[JointStateFrame] = []
        self._trial: tuple[int, int] | None = None
        self._rng = np.random.default_rng(seed)
        self._names: tuple[str, ...] | None = None
        self._order: NDArray[np.intp] | None = None
        self._answered: tuple[int, Array] | None = None
        self._data_ns = 0

    def _run(self) -> None:
        if not self.lockstep:
            request_fifo_scheduling()
        while not self._stop.is_set():
            self.port.wait(0.1)
            for plan in self.port.plans():
                self._schedules["task" if isinstance(plan, TrialPlan) else "perturbation"].add(plan)
            self._pending.extend(self.port.states())
            self._serve()
            self._answer()

    def _answer(self) -> None:
        while self._pending:
            frame = self._pending[0]
            if self.lockstep and any(self._schedules[p].horizon_ns <= frame.stamp_ns for p in self.parties):
                self._pending = self._pending[-1:]
                return
            self._pending.pop(0)
            try:
                self._tick(frame, newest=not self._pending)
            except MyoError as error:
                self._fail(error, self.port)

    def _tick(self, frame: JointStateFrame, newest: bool) -> None:
        now = frame.stamp_ns
        if self._answered is not None and self._answered[0] == now:  # said again by an effector that waits
            if self.active:
                self.port.command(*self._answered)
            return
        plan = self._schedules["task"].current(now)
        began = plan is not None and (plan.trial, plan.from_ns) != self._trial
        if began:
            self._trial = (plan.trial, plan.from_ns)  # type: ignore[union-attr]
            self._rng = np.random.default_rng((self.seed, max(0, self._trial[0])))
            self.player.reset()
        if began or not self.lockstep or not self.parties or self.player.active is None:
            self._let_in(now)
        imposed = self._schedules["perturbation"].current(now)
        entries = [] if imposed is None else [e for e in imposed.at("observation") if e.gain(now)]
        if imposed is not None:  # with their windows, within which they remember and by whose ramp they grow
            entries += imposed.at("hidden")
        refused = self.player.perturb(entries)
        if refused:
            self.port.say("error", f"part of the perturbation is refused, the policy goes on without it: {refused}")
        if self.player.active is None:
            self._bring_up(self.player.spec.dt)
            return
        command, fresh = self.player.play(self._table(frame, plan), self._rng, now_ns=now, trial=plan)
        if fresh or self.lockstep:
            self._data_ns = now
        if self.active and newest:
            self.port.command(self._data_ns, command)
        self._answered = (now, command) if self.lockstep else None
        self.port.heard(now, self.player)
        self._bring_up(self.player.spec.dt)

    def _table(self, frame: JointStateFrame, plan: TrialPlan | None) -> Array:
        """Columns of the state in the effector's order, then those of the task. Without a trial the goal is to stay."""
        if frame.names is not self._names:
            order = permutation(self.player.spec.channels, frame.names)
            self._names, self._order = frame.names, None if np.array_equal(order, np.arange(order.size)) else order
        n = len(frame.names)
        table = np.zeros((3, n + len(self.task_channels)))
        for row, values in zip(table, frame.rows(), strict=True):
            row[:n] = values if self._order is None else values[self._order]
        if plan is not None:
            table[:, n:] = plan.goal_table(self.task_channels, frame.stamp_ns)
        elif self.player.spec.endpoint:
            endpoint = self.player.spec.columns["sites"].start
            table[0, n : n + 3] = table[0, endpoint : endpoint + 3]
        return table


def switcher_for(spec: EffectorSpec, blend_s: float, task_units: Mapping[str, str] = TASK_UNITS) -> ControllerSwitcher:
    """A switcher between policies that observe an effector and a task, whose channels have the `task_units`."""

    def make(name: str, policy: Any) -> Controller:
        return PolicyController(name, policy, spec, task_units)

    return ControllerSwitcher(spec, make, blend_s)

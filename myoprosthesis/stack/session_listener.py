"""Trials of a running stack, followed in a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.following import Following
from myoprosthesis.core.joint_state import JointStateFrame, JointStateReader
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.trial_monitor import MonitoredTrial, TrialMonitor
from myoprosthesis.nodes.wait_set import PolledSubscriptions

STATES = 2000
"""How many states are kept while their trial's plan is on its way."""


class SessionListener:
    """Follows the trials of a stack in a thread of its own, so that no state is missed while others compute."""

    def __init__(self, node: Any, dt: float, lockstep: bool) -> None:
        self._inputs, self._reader = PolledSubscriptions(node), JointStateReader()
        self._monitor = TrialMonitor(dt, lockstep=lockstep)
        self._states = self._inputs.subscribe(topics.STATE, topics.reliable(5000), raw=True)
        self._targets = self._inputs.subscribe(topics.TARGET, topics.latched(100))
        self._following = self._inputs.subscribe(topics.FOLLOWING)
        self._frames: deque[JointStateFrame] = deque(maxlen=STATES)
        self._plans: list[TrialPlan] = []
        self._done: dict[int, MonitoredTrial] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.states = 0
        """How many states have come."""
        self.fault = ""
        self._thread = threading.Thread(target=self._run, name="trials", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._inputs.wake()
        self._thread.join(2.0)

    @property
    def held(self) -> str:
        """Why the effector does not follow commands now; empty while it does."""
        following = self._monitor.following
        return "" if following is None else following.held

    def take(self, trial: int) -> MonitoredTrial | None:
        """The states of a trial, once it is over; a trial is given once."""
        with self._lock:
            return self._done.pop(trial, None)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._inputs.wait(0.1)
                for following in self._inputs.read(self._following, lambda m: Following.from_json(m.data)):
                    self._monitor.following = following
                for plan in self._inputs.read(self._targets, lambda m: TrialPlan.from_json(m.data)):
                    self._add_plan(plan)
                for frame in self._inputs.read(self._states, self._reader.read):
                    self._frames.append(frame)
                    self.states += 1
                while self._frames and self._handled(self._frames[0]):
                    self._frames.popleft()
        except MyoError as error:
            self.fault = str(error)

    def _add_plan(self, plan: TrialPlan) -> None:
        """A plan replaces those that it has overtaken."""
        self._plans = [p for p in self._plans if p.from_ns < plan.from_ns and p.trial != plan.trial] + [plan]

    def _handled(self, frame: JointStateFrame) -> bool:
        """Whether a state has been handled; if not, its plan, or whether commands were followed, is on its way."""
        if self._monitor.plan is None:
            while self._plans and self._plans[0].until_ns <= frame.stamp_ns:
                self._plans.pop(0)
            if not self._plans:
                return False
            if frame.stamp_ns < self._plans[0].from_ns:
                return True
            self._monitor.begin(self._plans.pop(0))
        if self._monitor.add(frame):
            if not self._monitor.following_known:
                return False
            trial = self._monitor.end()
            with self._lock:
                self._done[trial.plan.trial] = trial
            return frame.stamp_ns < trial.plan.until_ns or self._handled(frame)  # it is the next one's first
        return True

"""Trials of a running stack, followed in a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from myoprosthesis.core.cdr import JointStateFrame, JointStateReader
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.following import Following
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.trial_monitor import MonitoredTrial, TrialMonitor
from myoprosthesis.nodes.wait_set import PolledSubscriptions

PLAN_S = 2000
"""So many states are kept while their trial's plan is on its way."""


class SessionListener:
    """Follows the trials of a stack in a thread of its own, so that no state is missed while others compute."""

    def __init__(self, node: Any, dt: float) -> None:
        self._inbox, self._reader, self._watch = PolledSubscriptions(node), JointStateReader(), TrialMonitor(dt)
        self._states = self._inbox.subscribe(topics.STATE, topics.reliable(5000), raw=True)
        self._targets = self._inbox.subscribe(topics.TARGET, topics.latched(100))
        self._words = self._inbox.subscribe(topics.FOLLOWING)
        self._frames: deque[JointStateFrame] = deque(maxlen=PLAN_S)
        self._plans: list[TrialPlan] = []
        self._done: dict[int, MonitoredTrial] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.heard = 0
        """States that came."""
        self.fault = ""
        self._thread = threading.Thread(target=self._run, name="trials", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._inbox.wake()
        self._thread.join(2.0)

    @property
    def held(self) -> str:
        """Why the effector does not follow commands now; empty while it does."""
        word = self._watch.following
        return "" if word is None else word.held

    def take(self, trial: int) -> MonitoredTrial | None:
        """What was seen of a trial, once it is over; then it is forgotten."""
        with self._lock:
            return self._done.pop(trial, None)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._inbox.wait(0.1)
                for word in self._inbox.read(self._words, lambda m: Following.from_json(m.data)):
                    self._watch.following = word
                for plan in self._inbox.read(self._targets, lambda m: TrialPlan.from_json(m.data)):
                    self._hear(plan)
                for frame in self._inbox.read(self._states, self._reader.read):
                    self._frames.append(frame)
                    self.heard += 1
                while self._frames and self._see(self._frames[0]):
                    self._frames.popleft()
        except MyoError as error:
            self.fault = str(error)

    def _hear(self, plan: TrialPlan) -> None:
        """A plan replaces those that it has overtaken."""
        self._plans = [p for p in self._plans if p.from_ns < plan.from_ns and p.trial != plan.trial] + [plan]

    def _see(self, frame: JointStateFrame) -> bool:
        """Whether the frame has been dealt with; otherwise its plan, or the effector's word on it, is on its way."""
        if self._watch.plan is None:
            while self._plans and self._plans[0].until_ns <= frame.stamp_ns:
                self._plans.pop(0)
            if not self._plans:
                return False
            if frame.stamp_ns < self._plans[0].from_ns:
                return True
            self._watch.begin(self._plans.pop(0))
        if self._watch.add(frame):
            if not self._watch.settled:
                return False
            seen = self._watch.end()
            with self._lock:
                self._done[seen.plan.trial] = seen
        return True

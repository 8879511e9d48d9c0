"""Conducts a session over the graph: releases trials one by one, and between them lets the learner learn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from std_srvs.srv import SetBool

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.following import Following
from myoprosthesis.core.plan import TrialPlan
from myoprosthesis.core.wire import Frame, Reader
from myoprosthesis.nodes import status, topics
from myoprosthesis.nodes.inbox import Inbox
from myoprosthesis.nodes.steering import Steering
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.trial_watch import TrialWatch, Watched

READY_S, PLAN_S = 30.0, 2000
"""How long a stack may take to come up; how many states are kept while their trial's plan is on its way."""
PAUSING, GOING_ON = "pausing after the trial that runs", "going on"
SILENT_S = 60.0
"""A trial may take so much longer than it should before the session gives it up."""


class Listener:
    """Follows the trials of a stack in a thread of its own, so that no state is missed while others compute."""

    def __init__(self, node: Any, dt: float) -> None:
        self._inbox, self._reader, self._watch = Inbox(node), Reader(), TrialWatch(dt)
        self._states = self._inbox.subscribe(topics.STATE, topics.reliable(5000), raw=True)
        self._targets = self._inbox.subscribe(topics.TARGET, topics.latched(100))
        self._words = self._inbox.subscribe(topics.FOLLOWING)
        self._frames: deque[Frame] = deque(maxlen=PLAN_S)
        self._plans: list[TrialPlan] = []
        self._done: dict[int, Watched] = {}
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

    def take(self, trial: int) -> Watched | None:
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

    def _see(self, frame: Frame) -> bool:
        """Whether the frame has been dealt with; otherwise its plan, or the effector's word on it, is on its way."""
        if self._watch.plan is None:
            while self._plans and self._plans[0].until_ns <= frame.stamp_ns:
                self._plans.pop(0)
            if not self._plans:
                return False
            if frame.stamp_ns < self._plans[0].from_ns:
                return True
            self._watch.begin(self._plans.pop(0))
        if self._watch.see(frame):
            if not self._watch.settled:
                return False
            seen = self._watch.end()
            with self._lock:
                self._done[seen.plan.trial] = seen
        return True


class Conductor:
    """What a session says to a running stack, and hears of it."""

    def __init__(self, steering: Steering, dt: float, held: threading.Event | None = None) -> None:
        """`held` is set while no further trial may begin."""
        self.steering, self._held = steering, held or threading.Event()
        self.listener = Listener(steering.node, dt)
        self._recorder: dict[str, Any] = {}
        self._policy: dict[str, Any] = {}
        node = steering.node
        subscribe(node, topics.POLICY_ACTIVE, self._hear, topics.latched(10))
        subscribe(node, topics.RECORDER_ACTIVE, self._hear_recorder)
        node.create_service(SetBool, "session/pause", self._pause)

    @property
    def paused(self) -> bool:
        """Whether a person holds the session between two trials."""
        return self._held.is_set()

    def close(self) -> None:
        """Hear nothing more."""
        self.listener.close()

    def await_ready(self, check: Callable[[], None]) -> None:
        """Until the stack plays a policy and everything is being recorded; `check` raises when it cannot be."""

        def ready() -> bool:
            check()
            told = bool(self._policy) and bool(self._recorder.get("ready"))
            return told and self.listener.heard > 0

        if not self.steering.spin_until(ready, READY_S):
            told = {"policy": self._policy, "recorder": self._recorder.get("ready")}
            missing = [name for name, said in told.items() if not said]
            raise ConfigError(f"the stack did not come up within {READY_S:g} s: nothing heard of "
                              f"{', '.join(missing) or 'the effector'}")

    def release(self, below: int) -> None:
        """Let the trials with numbers below this one be planned."""
        self.steering.set("task", {"released": below})

    def stage(self, policy: str) -> None:
        """Have a policy at the door: it is let in with the next trial that begins."""
        self._policy = {}
        self.steering.set("policy", {"policy": policy})

        def there() -> bool:
            p = self._policy
            if p.get("refused") == policy:
                raise ConfigError(f"{policy} was not swapped in: {p.get('why')}")
            return bool((p.get("text") == "ready" and p.get("candidate") == policy)
                        or (p.get("text") == "active" and p.get("policy") == policy))

        if not self.steering.spin_until(there, READY_S):
            raise ConfigError(f"{policy} was not brought up within {READY_S:g} s")

    def await_trial(self, trial: int, seconds: float, check: Callable[[], None]) -> Watched:
        """What was seen of a trial; raises when it does not end within `seconds`."""
        found: list[Watched] = []

        def over() -> bool:
            check()
            if self.listener.fault:
                raise ConfigError(self.listener.fault)
            if (seen := self.listener.take(trial)) is not None:
                found.append(seen)
            return bool(found)

        if not self.steering.spin_until(over, seconds):
            raise ConfigError(f"trial {trial} did not end within {seconds:g} s")
        return found[0]

    def recorded(self) -> dict[str, Any]:
        """What the recorder last told."""
        return self._recorder

    def _hear(self, message: Any) -> None:
        self._policy = {**status.values(message), "text": message.message}

    def _hear_recorder(self, message: Any) -> None:
        self._recorder = {**status.values(message), "text": message.message}

    def _pause(self, request: Any, response: Any) -> Any:
        (self._held.set if request.data else self._held.clear)()
        response.success, response.message = True, PAUSING if request.data else GOING_ON
        return response

"""Task node: plans trials, one ahead of the one that runs, and has the task judge their states."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.following import Following
from myoprosthesis.core.joint_state import JointStateFrame, JointStateReader
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.options import option, variant
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.lifecycle import ManagedNode
from myoprosthesis.nodes.node_main import run
from myoprosthesis.nodes.parameters import declare, overrides, read
from myoprosthesis.nodes.plan_audience import PlanAudience
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.task_commands import TaskCommands
from myoprosthesis.nodes.time_codec import time_message
from myoprosthesis.nodes.trial_events import TrialEvents
from myoprosthesis.nodes.trial_monitor import MonitoredTrial, TrialMonitor
from myoprosthesis.nodes.trial_progress import TrialProgress
from myoprosthesis.nodes.trial_queue import TrialQueue
from myoprosthesis.nodes.trial_wait import TrialWait
from myoprosthesis.nodes.wait_set import PolledSubscriptions
from myoprosthesis.perturbations import presets
from myoprosthesis.tasks.commandable_task import CommandableTask, CommandedTrial
from myoprosthesis.tasks.plan_only import complete, missing
from myoprosthesis.tasks.policy_skill import with_skill
from myoprosthesis.tasks.steerable_task import SteerableTask
from myoprosthesis.tasks.task import Task

GREETING_S = 0.5
"""Wall time in which an effector says whether it follows commands, before the first trial."""
NOTICE_S = 0.1
"""How long before a first trial in real time, or a change of the goals of one that runs, everybody is told."""


@dataclass(frozen=True)
class TaskNodeOptions:
    """Parameters of the task node; the task's own options stand beside them."""

    task: str = option("centre_out", "the task to plan")
    trials: int = option(0, "end after so many trials; 0: go on", "", 0)
    first: int = option(0, "number of the first trial that is planned", "", 0)
    released: int = option(-1, "plan only trials below this number, which may be raised; -1: all", "", -1)
    lockstep: bool = option(False, "the first trial begins at time zero")
    policy_options: str | dict = option(
        "", "options of the task for which the first policy is made, as its contract has them: '{direction: cw}'"
    )
    lsl: str = option("", "name of an LSL stream that gets the events of trials as markers; empty: none")
    autostart: bool = option(True, "configure and activate as soon as the effector is known")


class TaskNode(ManagedNode):
    """Publishes each trial's plan on `target` and its events on `trial` and `trial/events`."""

    def __init__(self) -> None:
        super().__init__("task")
        name = overrides(self).get("task", TaskNodeOptions.__dataclass_fields__["task"].default)
        self._factory, self._task_options = registry.factory("tasks", name), registry.options("tasks", name)
        declare(self, ("", TaskNodeOptions), ("", self._task_options))
        self._options = read(self, TaskNodeOptions)
        self._name = name
        self._task: Task = complete(self._factory, read(self, self._task_options))
        self.check_parameters(TaskNodeOptions, self._task_options, free=("released",))
        self.add_post_set_parameters_callback(self._release)
        self._events = TrialEvents(self, self._options.lsl, self._options.lockstep)
        self._spec: EffectorSpec | None = None
        o = self._options
        self._queue = TrialQueue(self._publish, o.first, o.trials, o.released)
        self._monitor = TrialMonitor(1.0, ())
        self._gone, self._last_ns = False, -1
        self._wanted: Mapping[str, Any] = presets.inline(self._options.policy_options)
        """Options of the task in the contract of the policy that is played."""
        self._steered: Mapping[str, Any] = self._wanted
        """Those for which trials are planned now."""
        self._variant = ""
        """Options of the task that are not its defaults."""
        self._decided: TrialRecord | None = None
        """The states of the trial that runs, up to the one at which the task was done."""
        self._on = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._target, self._pose = (
            self.create_publisher(t.type, t.name, t.qos) for t in (topics.TARGET, topics.TARGET_POSE)
        )
        self._inbox = PolledSubscriptions(self)
        self._states = self._inbox.subscribe(topics.STATE, topics.reliable(1000), raw=True)
        self._following = self._inbox.subscribe(topics.FOLLOWING)
        self._frames: deque[JointStateFrame] = deque()
        self._began, self._wait = 0.0, TrialWait()
        self._audience = PlanAudience(self)
        self._reader = JointStateReader()
        subscribe(self, topics.SPEC, lambda m: EffectorSpec.from_json(m.data), self._on_spec)
        self._commands = TaskCommands(self, self._inbox.wake)
        self._progress = TrialProgress(self, self._task)
        if isinstance(self._task, SteerableTask):
            subscribe(self, topics.POLICY_ACTIVE, lambda m: (m.message, diagnostic_status.values(m)), self._on_policy)
        self.send_heartbeats()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Fit the task to the effector."""
        return self.attempt(self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Plan trials."""
        self._on = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Plan no further trial."""
        self._on = False
        return super().on_deactivate(state)

    def close(self) -> None:
        """End; safe to call twice."""
        self._stop.set()
        self._inbox.wake()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            self._thread = None

    def _on_spec(self, spec: EffectorSpec) -> None:
        if self._spec is None:
            self._spec = spec
            if self._options.autostart:
                self.autostart()
        elif spec != self._spec:
            self._spec = spec
            self.get_logger().warning(f"the effector is now {spec.name!r}: trials are planned for it")
            self.reconfigure()

    def _on_policy(self, active: tuple[str, Mapping[str, Any]]) -> None:
        text, values = active
        if text == "active":
            self._wanted = values.get("task_options") or {}
            self._inbox.wake()

    def _command(self, steps: tuple[WayStep, ...]) -> dict[str, Any]:
        task, plan, when = self._task, self._current, self._last_ns + ns(NOTICE_S)
        if not isinstance(task, CommandableTask):
            raise Refused(f"task {self._name!r} has no speed and heading that could be asked for; walk has")
        if plan is None or when >= plan.until_ns or not self._on:
            raise Refused("no trial runs now that could change: ask again once one has begun")
        done: CommandedTrial = task.commanded(plan, when, steps)
        self._task, self._monitor.plan = done.task, done.plan
        self._publish(done.plan)
        self._queue.plan_again(self._task)  # the trials that follow begin with what was asked for
        begins = {"trial": plan.trial, "trial_s": (when - plan.from_ns) / NS, "time_ns": when}
        way = {"speed": done.speed, "heading_deg": math.degrees(done.heading)}
        return {**way, **begins, "notes": list(done.notes)}

    def _configure(self) -> None:
        spec = self._spec
        if spec is None:
            raise ConfigError("no effector is known yet: start one, it tells what it is on effector/spec")
        self._options = read(self, TaskNodeOptions)
        if self._options.task != self._name:
            raise ConfigError(f"this node was started for task {self._name!r}: start another for it")
        self._queue.trials = self._options.trials
        task, channels = self._fitted(spec)
        self.lock_topic(topics.TARGET, "task")
        if self._current is not None:
            self._events.publish("lost", self._current, self._last_ns, why="another effector took over")
        self._queue.rewind()
        following = self._monitor.following
        self._task, self._monitor = task, TrialMonitor(spec.dt, channels, self._options.lockstep)
        self._monitor.following = following
        self._gone, self._last_ns = False, -1
        self._events.places = any(c.startswith("endpoint/") for c in channels)
        self._frames.clear()
        self._began, self._wait = time.monotonic(), TrialWait()
        self._audience = PlanAudience(self)
        self._stop.clear()
        self._thread = self.thread(self._run)

    def _fitted(self, spec: EffectorSpec) -> tuple[Task, tuple[str, ...]]:
        """The task for an effector, and the channels that it judges; raises `Refused` where it cannot be done."""
        skills = getattr(self._factory, "skills", ())
        set_here = overrides(self)
        options: Any = with_skill(read(self, self._task_options), self._steered, skills, set_here, self._name)
        task = complete(self._factory, options)
        if lacking := missing(self._factory(options)):
            self.get_logger().warning(
                f"task {self._name!r} has no {', '.join(lacking)}: defaults stand in for them, for one release (see "
                "myoprosthesis.tasks.task)",
                once=True,
            )
        try:
            channels = tuple(task.needs(spec))
        except Refused as error:
            site = (
                "where it has the option, name a site with --set effector.endpoint=NAME (of a body from a file also a "
                "body, a link), or "
            )
            raise Refused(
                f"task {self._name!r} cannot be done: {error}; {'' if spec.endpoint else site}let the policy play "
                "without a task: --task none"
            ) from error
        for channel in channels:
            if channel not in spec.channels:
                raise Refused(f"task {self._name!r} judges {channel!r}, which effector {spec.name!r} does not have")
        if not spec.resettable:
            self.get_logger().info(f"{spec.name!r} cannot be reset between trials: it returns by itself")
        fitted, self._variant = task.for_effector(spec), variant(options)
        return fitted, channels

    def _follow_policy(self) -> None:
        """Another policy is played: trials are those of its skill, the one that runs from `NOTICE_S` on."""
        if self._wanted == self._steered or self._spec is None:
            return
        self._steered = self._wanted
        self._task, _ = self._fitted(self._spec)
        current, when = self._current, self._last_ns + ns(NOTICE_S)
        if current is not None and when < current.until_ns and isinstance(self._task, SteerableTask):
            self._monitor.plan = self._task.redirected(current, when)
            self._publish(self._monitor.plan)
        self._queue.plan_again(self._task)

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            self._inbox.wait(0.1)
            for following in self._inbox.read(self._following, lambda m: Following.from_json(m.data)):
                self._monitor.following = following
            self._frames.extend(self._inbox.read(self._states, self._reader.read))
            while self._frames:
                try:
                    if not self._update(self._frames[0]):
                        break
                except MyoError as error:
                    if time.monotonic() > self._began + GREETING_S:  # else it is of the effector before this one
                        self.get_logger().error(str(error), throttle_duration_sec=1.0)
                self._frames.popleft()
            self._commands.answer(self._command)
            try:
                self._follow_policy()
            except MyoError as error:
                self.get_logger().error(str(error), throttle_duration_sec=1.0)
            self._plan_ahead()
            self._say_what_is_waited_for()

    def _say_what_is_waited_for(self) -> None:
        """Log it where trials are to come and none begins or ends; in lockstep the effector names whom it waits for."""
        current, ahead = self._current, self._queue.first
        if self._options.lockstep or not self._on or not (self._queue.open or ahead or current):
            self._wait.moved()
        elif sentence := self._wait.sentence(self._last_ns, current, ahead, self._monitor.following):
            self.get_logger().warning(sentence)

    def _update(self, frame: JointStateFrame) -> bool:
        """Whether the state is dealt with; otherwise the effector has yet to say whether its trial counts."""
        now = frame.stamp_ns
        self._wait.state()
        if self._options.lockstep:
            self._queue.follow(now, self._current)
        self._follow_clock(now)
        over = self._monitor.add(frame)
        self._last_ns = now
        if self._current is None:
            self._plan_ahead()
            if (ahead := self._queue.first) is None or ahead.from_ns > now:
                return True
            self._begin(self._queue.begin())
            over = self._monitor.add(frame)
        plan = self._current
        if plan is None:
            return True
        if not self._gone and plan.go_ns is not None and now >= plan.go_ns:
            self._gone = True
            self._events.publish("go", plan, now)
        if self._decided is None and self._task.done(record := self._monitor.record()):
            self._decided = record
        if not over:
            self._progress.note(self._task, plan, self._monitor.record)
            return True
        if not self._monitor.following_known:
            return False
        if not self._monitor.reported:
            self._ask_again(plan)
        self._end(self._monitor.end())
        return now < plan.until_ns or self._update(frame)  # it is the next one's first

    def _ask_again(self, plan: TrialPlan) -> None:
        """The effector speaks of trials whose plans it has: it gets those to come once more."""
        following = self._monitor.following
        short = 0.0 if following is None else (plan.until_ns - following.until_ns) / NS
        self.get_logger().warning(
            f"the effector did not say whether it followed commands in trial {plan.trial}: its last word is of "
            f"{short:.3g} s before its end; it is told the next trials again"
        )
        self._queue.tell_again()

    def _plan_ahead(self) -> None:
        """Plan the next trial, one ahead of the one that runs, as far as it is released."""
        if not self._on or self._last_ns < 0 or len(self._queue) > (0 if self._current else 1) or self._held:
            return
        last = self._queue.last or self._current
        if last is not None:
            self._queue.plan(self._task, last.until_ns)
            return
        following = self._monitor.following
        if not self._options.lockstep:  # whose time does not wait until the plan has been read
            if following is not None and not self._audience.complete():
                return
            followed_ns = 0 if following is None else following.until_ns
            self._queue.plan(self._task, max(self._last_ns + ns(max(NOTICE_S, self._dt)), followed_ns))
        else:  # the state at time zero is the first one of a trial that begins there; any other begins a period later
            self._queue.plan(self._task, self._last_ns + (ns(self._dt) if self._last_ns else 0))
        if self._queue.last is not None:
            self._queue.plan(self._task, self._queue.last.until_ns)

    def _follow_clock(self, now: int) -> None:
        """Plan trials again, under the same numbers, after a jump of the clock.

        These are trials that it has jumped over, or left far ahead when it was set back or the effector was started
        again.
        """
        current, ahead = self._current, self._queue.first
        if current is not None and now < current.from_ns:
            self._queue.rewind(current.trial)
            self._monitor.drop()
        elif current is None and ahead is not None and (now < self._last_ns or ahead.until_ns <= now):
            self._queue.rewind()

    @property
    def _held(self) -> bool:
        """Whether no trial is planned because the effector does not follow commands, in real time.

        Simulated time goes no further than the plans, and there such trials are lost.
        """
        if self._options.lockstep:
            return False
        following = self._monitor.following
        return time.monotonic() < self._began + GREETING_S if following is None else bool(following.held)

    @property
    def _current(self) -> TrialPlan | None:
        return self._monitor.plan

    def _release(self, parameters: list[Parameter[Any]]) -> None:
        for p in parameters:
            if p.name == "released":
                self._queue.released = int(p.value)
                self._inbox.wake()

    @property
    def _dt(self) -> float:
        return self._spec.dt if self._spec is not None else 0.0

    def _publish(self, plan: TrialPlan) -> None:
        self._target.publish(topics.TARGET.type(data=plan.to_json()))

    def _begin(self, plan: TrialPlan) -> None:
        self._monitor.begin(plan)
        self._wait.moved((plan.until_ns - plan.from_ns) / NS)
        self._gone, self._decided = False, None
        pose = PoseStamped()
        pose.header.stamp = time_message(plan.from_ns)
        pose.header.frame_id = self._spec.frame if self._spec else ""
        p = pose.pose.position
        p.x, p.y, p.z = plan.target
        self._pose.publish(pose)
        self._events.publish("start", plan, plan.from_ns)

    def _end(self, trial: MonitoredTrial) -> None:
        self._wait.moved()
        plan = trial.plan
        about: dict[str, Any] = {"samples": trial.samples, "expected": trial.expected, "task_options": self._variant}
        if self._spec is not None:
            about |= {"effector": self._spec.name, "effector_options": self._spec.variant, "dt": self._spec.dt}
        if trial.lost:
            self._events.publish("lost", plan, plan.until_ns, why=trial.lost, **about)
            return
        result = self._task.judge(self._decided or trial.record)
        self._events.publish("end", plan, plan.until_ns, success=result.success, **result.figures, **about)


def main() -> None:
    """Entry point of the executable `task_node`."""
    run(TaskNode, sys.argv)


if __name__ == "__main__":
    main()

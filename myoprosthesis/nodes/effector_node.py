"""The effector node: one for every body, simulated or real."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from dataclasses import dataclass, fields, replace
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.fail import check_holds
from myoprosthesis.core.fingerprint import fingerprint
from myoprosthesis.core.options import option, variant
from myoprosthesis.core.text import brief
from myoprosthesis.effectors.graphics import require_window
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.effector_loop import PARTICIPANTS, EffectorLoop
from myoprosthesis.nodes.effector_report import effector_report
from myoprosthesis.nodes.emergency_stop import EmergencyStop
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.lockstep_effector_loop import LockstepEffectorLoop
from myoprosthesis.nodes.node_main import network_warning, run
from myoprosthesis.nodes.one_effector import no_second_effector
from myoprosthesis.nodes.parameters import declare, overrides, read
from myoprosthesis.nodes.publisher_lock import PublisherLock
from myoprosthesis.nodes.realtime_effector_loop import RealtimeEffectorLoop
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every
from myoprosthesis.nodes.topic_ports import EffectorPort

EASE_S = 0.5
"""Within which the commands lead an effector that takes the place of another from its start to what they say."""
START_S = 12.0
"""How long an effector that is exchanged for another may take to open its device and to come to its start."""
REPORT_S, LOOK_S = 0.5, 0.05
"""How often an effector reports, and how soon after its first tick."""


@dataclass(frozen=True)
class EffectorNodeOptions:
    """Parameters of the effector node; the effector's own options stand beside them."""

    effector: str = option("arm26", "the effector to command")
    lockstep: bool = option(False, "simulated time that waits for every participant, instead of wall time")
    participants: tuple[str, ...] = option(
        (), "nodes whose plans a tick waits for, and without which the effector does not move", choices=PARTICIPANTS
    )
    seed: int = option(0, "seed of the first reset", "", 0)
    duration_s: float = option(
        0.0, "stop ticking after so much time, counted from the first command; 0: never", "s", 0.0
    )
    start_s: float = option(0.0, "simulated time of the first tick, in lockstep", "s", 0.0)
    recorded: bool = option(False, "in lockstep, the first tick waits until a recorder receives everything")
    timeout_s: float = option(0.0, "age at which a command is dead; 0: the effector's own", "s", 0.0, 10.0)
    autostart: bool = option(True, "configure and activate at once")
    stopped: bool = option(False, "emergency stop, as estop and resume set it: kept when the node is started again")
    follow: str = option("", "the state of another effector, whose joints command this one; empty: commands do")
    beside: str = option("", "the state of the effector that this one is the twin of; empty: it is none")
    gui: bool = option(False, "open MuJoCo's viewer, where there is a display")


class EffectorNode(LoopNode):
    """Builds the effector named by its parameters and runs its loop."""

    _stop: EmergencyStop | None = None  # also where the constructor refuses what it was given

    def __init__(self) -> None:
        super().__init__("effector")
        name = overrides(self).get("effector", EffectorNodeOptions.__dataclass_fields__["effector"].default)
        self._factory, self._own = registry.factory("effectors", name), registry.options("effectors", name)
        declare(self, ("", EffectorNodeOptions), ("", self._own))
        self.loop: EffectorLoop | None
        self._options = read(self, EffectorNodeOptions)
        self._name = name
        self._state_lock: PublisherLock | None = None
        self._open = bool(network_warning())
        self._simulated = False
        """Whether the time of this effector is published."""
        self.check_parameters(EffectorNodeOptions, self._own, free=("stopped",))
        self.add_on_set_parameters_callback(self._check)
        self.add_post_set_parameters_callback(self._become)
        self._diagnostics = Diagnostics(self, "effector")
        self._spec = self.create_publisher(topics.SPEC.type, topics.SPEC.name, topics.SPEC.qos)
        self._policy_pid: Any = None
        self._recorder_ready = False
        subscribe(
            self,
            topics.POLICY_ACTIVE,
            lambda m: (m.message, diagnostic_status.values(m)),
            self._policy_changed,
            topics.latched(10),
        )
        subscribe(
            self, topics.RECORDER_ACTIVE, lambda m: bool(diagnostic_status.values(m).get("ready")), self._on_recorder
        )
        self.create_service(Trigger, "~/reset", self._reset)
        self.create_service(Trigger, "~/step", self._step)
        self.create_service(SetBool, "~/pause", self._pause)
        self._report_at = 0.0
        every(self, LOOK_S, self._report_in_time)
        self._deadline_s = 0.0
        """That of the policy that is played; 0: none is known."""
        self._ticked_s = 0.0
        """How long the effectors before this one have followed commands: the duration is that of all."""
        self._port = EffectorPort(self, self._options.follow)
        self._viewer: Any = None
        self._reported: tuple[EffectorLoop | None, int, float] = (None, 0, 0.0)
        self._stop = EmergencyStop(self, self._port.wake, network=self._open)
        if self._options.autostart:
            self.autostart()

    # -- lifecycle ----------------------------------------------------------------------------------------------

    # Configured: states are published, and the effector is in its fail state. Active: commands are followed.

    def close(self) -> None:
        """Fail state, device released; safe to call twice."""
        loop = self.loop
        super().close()
        if loop is not None:
            self._ticked_s += loop.statistics.ticks * loop.guard.spec.dt
            self._report(loop)  # its last words
        if self._state_lock is not None:
            self._state_lock.close()

    def _configure(self) -> None:
        o = self._options = read(self, EffectorNodeOptions)
        self.close()  # the lock of an earlier attempt
        self._state_lock = PublisherLock(self.resolve_topic_name(topics.STATE.name))
        # at an exchange this node itself was the one until now
        own: Any = read(self, self._own)
        with contextlib.nullcontext() if self.was_up else no_second_effector(self, self._open):
            effector = self._factory(own)
        if o.lockstep and not effector.spec.pausable:
            raise ConfigError(f"effector {effector.spec.name!r} has no time of its own: it cannot run in lockstep")
        changes: dict[str, Any] = {"variant": variant(own)} | ({"timeout_s": o.timeout_s} if o.timeout_s else {})
        if effector.spec.resettable and effector.spec.deterministic:
            changes["fingerprint"] = fingerprint(effector)
        guard = GuardedEffector(effector, replace(effector.spec, **changes))
        try:
            check_holds(guard.spec.command, guard.spec.fail_each)
        except Refused as error:
            self.get_logger().warning(str(error))
        for remark in guard.spec.remarks:
            self.get_logger().warning(remark)
        self._port.fit(guard.spec, self._clocks(o), o.beside)
        common: dict[str, Any] = {
            "participants": o.participants,
            "seed": o.seed,
            "duration_s": max(o.duration_s - self._ticked_s, effector.spec.dt) if o.duration_s else 0.0,
            "ease_s": EASE_S if self.was_up else 0.0,
        }
        if o.lockstep:
            awaits = o.recorded and not self._recorder_ready
            self.loop = LockstepEffectorLoop(guard, self._port, start_s=o.start_s, recorded=awaits, **common)
        else:
            self.loop = RealtimeEffectorLoop(guard, self._port, **common)
        self.loop.active = False
        if o.stopped:
            guard.estop()
        if self._deadline_s:
            self.loop.meet_policy(self._deadline_s, extends=not o.timeout_s)
        self.loop.start(self.thread)
        if self.was_up:
            self._await_start(self.loop)
        self._spec.publish(topics.SPEC.type(data=guard.spec.to_json()))
        if o.gui:
            self._open_viewer(effector)

    def _clocks(self, o: EffectorNodeOptions) -> tuple[topics.Topic, ...]:
        """Topics on which this effector publishes its time: in lockstep, or where the stack runs on simulated time.

        They are `clock` in its namespace, for its own stack, and /clock for everybody, unless another stack publishes
        that.
        """
        self._simulated = bool(o.lockstep or self.get_parameter("use_sim_time").value) and not o.beside
        if not self._simulated:
            return ()
        own = replace(topics.CLOCK, name="clock")
        rooted = self.resolve_topic_name(own.name) == topics.CLOCK.name
        try:
            self.lock_topic(topics.CLOCK, "stack")
        except ConfigError:
            if rooted and self.get_parameter("use_sim_time").value:
                raise
            where = "not published" if rooted else f"on {self.resolve_topic_name(own.name)} alone"
            self.get_logger().warning(f"another stack publishes /clock: the time of this one is {where}")
            return () if rooted else (own,)
        return (own,) if rooted else (own, topics.CLOCK)

    def _await_start(self, loop: EffectorLoop) -> None:
        """At an exchange: a device that cannot be opened fails the transition, so that another can be brought up."""
        started = loop.started.wait(START_S)
        if loop.error or not started:
            loop.stop()
            self.loop = None  # without last words: it never was the effector of this stack
            self.close()
            raise ConfigError(loop.error or f"effector {self._name!r} was not at its start within {START_S:g} s")

    def _check(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        try:
            for p in parameters:
                if p.name == "effector":
                    registry.options("effectors", str(p.value))
        except MyoError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _become(self, parameters: list[Parameter[Any]]) -> None:
        """Another effector is set, with options of its own, which begin as their defaults."""
        for p in parameters:
            if p.name == "effector" and p.value != self._name:
                self.check_parameters(EffectorNodeOptions)
                for f in fields(self._own):
                    self.undeclare_parameter(f.name)
                self._name = str(p.value)
                self._factory = registry.factory("effectors", self._name)
                self._own = registry.options("effectors", self._name)
                declare(self, ("", self._own), values={})
                self.check_parameters(EffectorNodeOptions, self._own)

    def _open_viewer(self, effector: Any) -> None:
        if not hasattr(effector, "open_viewer"):
            self.get_logger().warning(f"effector {effector.spec.name!r} has no MuJoCo model to show")
            return
        try:
            require_window()
        except Refused as error:
            self.get_logger().warning(str(error))
            return
        try:
            self._viewer = effector.open_viewer()
            every(self, 1 / 30, self._viewer.sync)
        except Exception as error:  # a missing display must not stop the effector
            self.get_logger().warning(f"the viewer cannot be opened: {error}")

    def destroy_node(self) -> None:
        """Off the graph, and out of reach of the local stop."""
        if self._stop is not None:
            self._stop.close()
        super().destroy_node()

    # -- requests -----------------------------------------------------------------------------------------------

    def _ask(self, action: Any, response: Any, text: str) -> Any:
        response.success = self.loop is not None
        response.message = text if response.success else "the effector is not configured"
        if self.loop is not None:
            action(self.loop)
            self._port.wake()
        return response

    def _on_recorder(self, ready: bool) -> None:
        if ready and not self._recorder_ready:
            self._recorder_ready = True
            if isinstance(self.loop, LockstepEffectorLoop):
                self.loop.begin_recorded()

    def _reset(self, request: Any, response: Any) -> Any:
        if self._stop is not None and self._stop.holds:
            response.success, response.message = False, "not reset: the emergency stop is on until `resume`"
            return response
        if self.loop is not None and not self.loop.guard.spec.resettable:
            response.success, response.message = False, "a real effector cannot be put to a start: move it there"
            return response
        return self._ask(lambda loop: loop.reset(), response, "reset")

    def _step(self, request: Any, response: Any) -> Any:
        if self.loop is not None and not (self.loop.guard.spec.pausable and self.loop.paused):
            why = "time runs: hold it first" if self.loop.guard.spec.pausable else "a real effector has no ticks to run"
            response.success, response.message = False, f"not one tick: {why}"
            return response
        return self._ask(lambda loop: loop.step(), response, "one tick")

    def _pause(self, request: Any, response: Any) -> Any:
        def pause(loop: EffectorLoop) -> None:
            loop.request(lambda: setattr(loop, "paused", request.data))

        if self.loop is not None and not self.loop.guard.spec.pausable:
            response.success, response.message = False, "a real effector cannot be paused: use estop"
            return response
        return self._ask(pause, response, "paused" if request.data else "running")

    # -- telling ------------------------------------------------------------------------------------------------

    def _policy_changed(self, report: tuple[str, dict[str, Any]]) -> None:
        (text, values), loop = report, self.loop
        deadline, pid = values.get("deadline_s"), values.get("pid")
        if text == "active" and isinstance(deadline, (int, float)) and 0 < deadline < math.inf:
            self._deadline_s = float(deadline)
        if loop is None:
            return
        if self._deadline_s:
            loop.meet_policy(self._deadline_s, extends=not self._options.timeout_s)
        # in simulated time, which waits for it, a policy that is away leaves no other trace
        if text == "inactive":
            loop.request(lambda: loop.lapse("without a policy"))
        elif self._policy_pid not in (None, pid):
            loop.request(lambda: loop.lapse("the policy was started again"))
        elif why := values.get("unaware"):
            loop.request(lambda: loop.lapse(brief(str(why))))
        self._policy_pid = pid

    def _rate(self, loop: EffectorLoop) -> float | None:
        """Ticks per second since the last report, by this node's clock; None in the first one of a loop."""
        before, self._reported = self._reported, (loop, loop.tick, time.monotonic())
        seconds = self._reported[2] - before[2]
        return (loop.tick - before[1]) / seconds if before[0] is loop and seconds > 0 else None

    def _report_in_time(self) -> None:
        """Report at intervals, and at once when a loop has begun to tick: that is what others wait for."""
        loop, tick, _ = self._reported
        began = self.loop is not None and self.loop.tick > 0 and (loop is not self.loop or tick == 0)
        if began or time.monotonic() >= self._report_at:
            self._report()

    def _report(self, last: EffectorLoop | None = None) -> None:
        self._report_at = time.monotonic() + REPORT_S
        loop = last or self.loop
        if loop is None:
            if self.was_up and self._why:
                values = {"effector": self._name, "idle": "not configured", "refused": self._why}
                self._diagnostics.tell(self._why, values, diagnostic_status.ERROR, self._name)
            return
        self._port.views.refresh()
        if last is None:  # one that is let go of may have failed
            self.failed = loop.error
        text, level, values = effector_report(loop, self._rate(loop), self._port.beside)
        self._diagnostics.tell(text, values, level, loop.guard.spec.name)


def main() -> None:
    """Entry point of the executable `effector_node`."""
    run(EffectorNode, sys.argv)


if __name__ == "__main__":
    main()

"""The emergency stop of an effector: whoever asks for it, and whatever its node does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes.effector_loop import EffectorLoop
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.stop_mark import StopMark
from myoprosthesis.nodes.stop_socket import StopServer

PARAMETER = "stopped"
LOCAL_ONLY = (
    "with the network open, an emergency stop is taken off on the effector's own machine only: "
    "myoprosthesis resume there"
)
STOPPED, RESUMED = "stopped until resume", "resumed"
RELAXED = f"{STOPPED}; its actuators are relaxed, and it may move on"
STOP_S = 3.0
"""How long a stop may take to reach the control loop."""


class EmergencyStop:
    """Stops the loop of a node, or has it go on, as services, the parameter `stopped` and the local socket ask.

    The parameter says what holds, also while nothing is configured; the mark on disk keeps it beyond the process.
    """

    def __init__(self, node: LoopNode, wake: Callable[[], None], *, network: bool) -> None:
        """For a node that has declared the parameter; `wake` ends the waiting of its loop.

        `network`: other machines take part, and may stop but not resume.
        """
        self._node, self._wake, self._network = node, wake, network
        self._wanted: bool | None = None
        """What the stop server was asked last, until the parameter has followed or a stop has overruled it."""
        self._following = False
        """True while the parameter follows the stop server: this process itself may take the stop off."""
        self._asked = node.create_guard_condition(self._follow)
        self._mark = StopMark(node.get_namespace(), node.get_logger().warning)
        node.create_service(Trigger, "~/estop", self._estop)
        node.create_service(Trigger, "~/resume", self._resume)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._obey)
        if self._mark.holds:
            self._set(True)
        self._server = self._serve()

    @property
    def holds(self) -> bool:
        """Whether the effector is stopped until it is resumed."""
        return bool(self._node.get_parameter(PARAMETER).value)

    def close(self) -> None:
        """Out of reach of the local socket; safe to call twice."""
        if self._server is not None:
            self._server.close()

    def _estop(self, request: Any, response: Any) -> Any:
        self._set(True)
        response.success, response.message = True, self._stopped_how()
        return response

    def _resume(self, request: Any, response: Any) -> Any:
        if not self._network:
            self._set(False)
        response.success, response.message = (False, LOCAL_ONLY) if self._network else (True, RESUMED)
        return response

    def _set(self, stopped: bool) -> None:
        """Through the parameter, so that whoever starts this node again knows."""
        self._node.set_parameters([Parameter(PARAMETER, value=stopped)])

    def _check(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        for value in (p.value for p in parameters if p.name == PARAMETER):
            if not isinstance(value, bool):
                why = f"{PARAMETER} is true or false, got {str(value)[:40]!r}"
                return SetParametersResult(successful=False, reason=why)
            if not value and self._network and not self._following:
                return SetParametersResult(successful=False, reason=LOCAL_ONLY)
        return SetParametersResult(successful=True)

    def _obey(self, parameters: list[Parameter[Any]]) -> None:
        """The parameter has been set: keep it, and have the loop do it."""
        for stopped in (bool(p.value) for p in parameters if p.name == PARAMETER):
            self._mark.keep(stopped)
            outdated = self._following and self._wanted != stopped  # the stop server was asked again meanwhile
            if stopped and not self._following:
                self._wanted = None  # a stop wins over a resume that is still on its way
            if self._node.loop is not None and not outdated:
                self._request(self._node.loop, stopped)

    def _serve(self) -> StopServer | None:
        try:
            return StopServer(self._node.get_namespace(), self._act)
        except ConfigError as error:
            self._node.get_logger().warning(f"{error}; the service ~/estop is there")
            return None

    def _act(self, stopped: bool) -> str:
        """In the thread of the stop server: the loop does it between two ticks, whatever else the node does."""
        loop = self._node.loop
        self._wanted = stopped
        self._asked.trigger()
        if loop is not None and not loop.error and not self._request(loop, stopped).wait(STOP_S):
            raise ConfigError(f"the control loop has not answered within {STOP_S:g} s")
        return self._stopped_how() if stopped else RESUMED

    def _stopped_how(self) -> str:
        """What the stop does to this effector, in words."""
        loop = self._node.loop
        return RELAXED if loop is not None and "relax" in loop.guard.spec.fail_each else STOPPED

    def _follow(self) -> None:
        """In the executor: the parameter follows what the stop server was asked."""
        if self._wanted is not None:
            self._following = True
            self._set(self._wanted)
            self._following = False

    def _request(self, loop: EffectorLoop, stopped: bool) -> threading.Event:
        """Have the guard stop, or resume, before the next tick; the event says that it has."""
        done = threading.Event()

        def change() -> None:
            if loop.guard.stopped != stopped:
                (loop.guard.estop if stopped else loop.guard.resume)()
            done.set()

        loop.request(change)
        self._wake()
        return done

"""Steers and reads a running stack: parameters, services, policies, lifecycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from std_srvs.srv import SetBool, Trigger

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.namespace import absolute
from myoprosthesis.nodes import stop_socket, topics
from myoprosthesis.nodes.parameters import from_message, to_messages
from myoprosthesis.nodes.publisher_lock import is_locked
from myoprosthesis.stack.monitor import StackMonitor
from myoprosthesis.stack.reports import PolicyReport

WAIT_S = 3.0
ANSWER_S = 10.0
"""A node that reads a policy before it answers takes seconds for it on a busy machine."""
DISCOVERY_S = 15.0
"""How long it may take to discover a stack on a busy machine."""
SWAP_S = 30.0
CHANGE_S = 15.0


class StackClient(StackMonitor):
    """Steers the stack of a namespace and follows its `status`; a context manager, of which several may be open.

    Every refusal is a `ConfigError` with the refusing node's own reason. Methods block and handle what comes meanwhile;
    one client belongs to one thread.
    """

    def __init__(self, namespace: str = "", name: str = "stack_client", keep: int = 0) -> None:
        """`keep`: how many of the newest trials the status keeps; 0: all."""
        super().__init__(namespace, name, keep)
        self._clients: dict[str, Any] = {}

    def call(self, kind: Any, name: str, request: Any, seconds: float = ANSWER_S) -> Any:
        """The answer of a service within `seconds`."""
        client = self._service(kind, name)
        if not client.wait_for_service(timeout_sec=self.discovery_s):
            where = client.srv_name
            raise ConfigError(f"nothing answers at {where}: is a stack up (myoprosthesis up), and in this namespace?")
        future = client.call_async(request)
        if not self.spin_until(future.done, seconds):
            client.remove_pending_request(future)
            raise ConfigError(f"{client.srv_name} did not answer within {seconds:g} s")
        return future.result()

    def set(self, node: str, values: Mapping[str, Any]) -> None:
        """Set parameters of a node, all or none."""
        request = SetParametersAtomically.Request()
        request.parameters = to_messages(values)
        result = self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", request).result
        if not result.successful:
            raise ConfigError(result.reason)

    def get(self, node: str, names: Sequence[str]) -> dict[str, Any]:
        """Parameters of a node by name; those that it does not have are left out."""
        request = GetParameters.Request(names=list(names))
        values = self.call(GetParameters, f"{node}/get_parameters", request).values
        pairs = zip(names, map(from_message, values), strict=False)
        return {name: value for name, value in pairs if value is not None}

    def has(self, node: str) -> bool:
        """Whether a node is there, which may take seconds to learn."""
        client = self._service(GetParameters, f"{node}/get_parameters")
        return bool(client.wait_for_service(timeout_sec=WAIT_S))

    def trigger(self, node: str, service: str) -> str:
        """Call a std_srvs/Trigger; its answer."""
        return _message(self.call(Trigger, f"{node}/{service}", Trigger.Request()))

    def pause(self, hold: bool) -> str:
        """Hold simulated time, or let it run."""
        return _message(self.call(SetBool, "effector/pause", SetBool.Request(data=hold)))

    def hold_session(self, hold: bool) -> str:
        """Hold a session after its present trial, or let it continue; raises `Refused` where none runs."""
        if not (self.in_session or self.spin_until(lambda: self.in_session, self.discovery_s)):
            raise Refused("no session runs here: start one with myoprosthesis session run, or give its --namespace")
        return _message(self.call(SetBool, "session/pause", SetBool.Request(data=hold)))

    @property
    def in_session(self) -> bool:
        """Whether a session runs the trials of this stack."""
        here = stop_socket.is_served(self.node.get_namespace(), stop_socket.SESSION)
        return here or bool(self._service(SetBool, "session/pause").service_is_ready())

    def check_no_session(self, what: str) -> None:
        """Raise `Refused` where a session runs, which chooses itself `what` is played, imposed or moved."""
        if self.in_session:
            raise Refused(
                f"a session runs here, and chooses {what} of every trial itself; it can be paused (myoprosthesis "
                "session pause), and ended with Ctrl-C"
            )

    def change(self, node: str, transition: str) -> bool:
        """A lifecycle transition by name; whether it was done."""
        request = ChangeState.Request(transition=Transition(label=transition))
        return bool(self.call(ChangeState, f"{node}/change_state", request, CHANGE_S).success)

    def active_policy(self, seconds: float = 1.0) -> PolicyReport:
        """The policy node's newest report; an empty one when it reports nothing.

        A policy that is known to run on this machine is waited for until it is discovered.
        """
        if seconds and is_locked(absolute(self.node.get_namespace(), topics.COMMAND.name)):
            seconds = max(seconds, DISCOVERY_S)
        self.spin_until(lambda: bool(self.status.policy.text), seconds)
        return self.status.policy

    def swap(self, name: str) -> PolicyReport:
        """Set the policy, then wait until it is active or its node says why not.

        In simulated time a policy becomes active with the next trial: where that time stands still it is not waited
        for, and the report is `ready`.
        """
        before, self.status.policy = self.status.policy, PolicyReport()
        try:
            self.set("policy", {"policy": name})
        except ConfigError:
            self.status.policy = self.status.policy if self.status.policy.text else before
            raise

        def ready() -> bool:
            now = self.status.policy
            return now.text == "ready" and now.candidate == name and bool(self.status.effector.lockstep)

        def decided() -> bool:
            now = self.status.policy  # maybe one from before it was set, on its way until now
            return (now.text == "active" and name in (now.policy, now.refused)) or (ready() and self._time_stands_still)

        self.spin_until(decided, SWAP_S)
        now = self.status.policy
        if now.refused == name:
            raise ConfigError(f"{name} was not swapped in: {now.why}; {now.policy} goes on")
        if not ready() and (now.policy != name or now.text != "active"):
            last = f"{now.policy} {now.text}".strip() or "nothing"
            raise ConfigError(
                f"{name} was accepted but is not active after {SWAP_S:g} s (its node reports {last}); see "
                "myoprosthesis status"
            )
        return now

    def run_beside(self, name: str) -> bool:
        """Have a policy computed beside the active one, and wait until it answers; empty: none any more.

        False where simulated time stands still: it will answer once time goes on.
        """
        self.status.policy = replace(self.status.policy, shadow="", shadow_why="")
        self.set("policy", {"shadow": name})

        def decided() -> bool:
            return self.status.policy.shadow == name or bool(self.status.policy.shadow_why)

        self.spin_until(lambda: decided() or self._time_stands_still, SWAP_S)
        if not decided() and self._time_stands_still:
            self.spin_until(decided, WAIT_S)  # for a reason why it does not
        now = self.status.policy
        if now.shadow_why or not (decided() or self._time_stands_still):
            raise ConfigError(now.shadow_why or f"{name} does not answer beside {now.policy} after {SWAP_S:g} s")
        return decided()

    @property
    def _time_stands_still(self) -> bool:
        now = self.status.effector
        return bool(now.lockstep) and bool(now.paused or now.waiting_for)

    def _service(self, kind: Any, name: str) -> Any:
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        return self._clients[name]

    @property
    def discovery_s(self) -> float:
        """How long to wait for a service or a topic, s: longer where an effector runs that is not discovered yet."""
        state = absolute(self.node.get_namespace(), topics.STATE.name)
        return DISCOVERY_S if is_locked(state) else WAIT_S


def _message(answer: Any) -> str:
    if not answer.success:
        raise ConfigError(answer.message)
    return str(answer.message)

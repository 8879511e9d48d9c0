"""A short-lived node with the few calls by which a running stack is steered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from rclpy.parameter import Parameter, parameter_value_to_python
from std_srvs.srv import SetBool, Trigger

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.namespace import absolute, namespace_of
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.node_main import join_graph
from myoprosthesis.nodes.publisher_lock import is_claimed
from myoprosthesis.nodes.subscription import subscribe

WAIT_S = 3.0
DISCOVERY_S = 15.0
"""How long it may take to discover a stack on a busy machine."""
SWAP_S = 30.0
CHANGE_S = 15.0


class StackClient:
    """Context manager around a node; every refusal is a `ConfigError` with the refusing node's own reason."""

    def __init__(self, namespace: str = "", name: str = "steering") -> None:
        namespace = namespace_of(namespace)
        if not rclpy.ok():
            join_graph()
        self.node = rclpy.create_node(name, namespace=namespace)
        self._active: list[dict[str, Any]] = []
        self._clients: dict[str, Any] = {}
        self.effector: dict[str, Any] = {}
        """The effector's newest diagnostics."""
        subscribe(self.node, topics.POLICY_ACTIVE, self._hear)
        subscribe(self.node, topics.DIAGNOSTICS, self._diagnosed)

    def __enter__(self) -> StackClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.node.destroy_node()
        rclpy.try_shutdown()

    def call(self, kind: Any, name: str, request: Any, seconds: float = WAIT_S) -> Any:
        """The answer of a service, for which it has so long."""
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self.node.create_client(kind, name)
        if not client.wait_for_service(timeout_sec=self._patience()):
            where = client.srv_name
            raise ConfigError(f"nothing answers at {where}: is a stack up (myoprosthesis up), and in this namespace?")
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self.node, future, timeout_sec=seconds)
        if future.result() is None:
            raise ConfigError(f"{client.srv_name} did not answer within {seconds:g} s")
        return future.result()

    def set(self, node: str, values: dict[str, Any]) -> None:
        """Set parameters of a node, all or none."""
        request = SetParametersAtomically.Request()
        request.parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        result = self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", request).result
        if not result.successful:
            raise ConfigError(result.reason)

    def get(self, node: str, names: Sequence[str]) -> dict[str, Any]:
        """Parameters of a node by name; those that it does not have are left out."""
        request = GetParameters.Request(names=list(names))
        values = self.call(GetParameters, f"{node}/get_parameters", request).values
        pairs = zip(names, map(parameter_value_to_python, values), strict=False)
        return {name: value for name, value in pairs if value is not None}

    def has(self, node: str) -> bool:
        """Whether a node is there, which may take seconds to learn."""
        name = f"{node}/get_parameters"
        client = self._clients.setdefault(name, None) or self.node.create_client(GetParameters, name)
        self._clients[name] = client
        return bool(client.wait_for_service(timeout_sec=WAIT_S))

    def _patience(self) -> float:
        """How long to wait for a service: longer where an effector is known to run that is not discovered yet."""
        state = absolute(self.node.get_namespace(), topics.STATE.name)
        return DISCOVERY_S if is_claimed(state) else WAIT_S

    def trigger(self, node: str, service: str) -> str:
        """Call a std_srvs/Trigger; its words."""
        return self._words(self.call(Trigger, f"{node}/{service}", Trigger.Request()))

    def pause(self, hold: bool) -> str:
        """Hold simulated time, or let it run."""
        return self._words(self.call(SetBool, "effector/pause", SetBool.Request(data=hold)))

    def hold_session(self, hold: bool) -> str:
        """Hold a session after its present trial, or let it go on."""
        return self._words(self.call(SetBool, "session/pause", SetBool.Request(data=hold)))

    def change(self, node: str, transition: str) -> bool:
        """A lifecycle transition by name; whether it was done."""
        request = ChangeState.Request(transition=Transition(label=transition))
        return bool(self.call(ChangeState, f"{node}/change_state", request, CHANGE_S).success)

    def active(self, seconds: float = 1.0) -> dict[str, Any]:
        """What the policy node last said that it plays; empty when it says nothing. Where a policy is known to be up on
        this machine, it is waited for until it is discovered."""
        if seconds and is_claimed(absolute(self.node.get_namespace(), topics.COMMAND.name)):
            seconds = max(seconds, DISCOVERY_S)
        self.spin_until(lambda: bool(self._active), seconds)
        return self._active[-1] if self._active else {}

    def swap(self, name: str) -> dict[str, Any]:
        """Set the policy, then wait until it is really played, or its node says why not. In simulated time it is played
        from the next trial on: it is not waited for where that time stands still, and is `ready` then."""
        self.active(0.0)
        self._active.clear()
        self.set("policy", {"policy": name})

        def ready() -> bool:
            last = self._active[-1]
            return last.get("text") == "ready" and last.get("candidate") == name and bool(self.effector.get("lockstep"))

        def settled() -> bool:
            if not self._active:
                return False
            still = self.effector.get("paused") or self.effector.get("waiting_for")
            return self._active[-1].get("text") == "active" or (ready() and bool(still))

        self.spin_until(settled, SWAP_S)
        last = self.active(0.0)
        if last.get("refused") == name:
            raise ConfigError(f"{name} was not swapped in: {last.get('why')}; {last.get('policy')} goes on")
        if last and ready():
            return last
        if last.get("policy") != name or last.get("text") != "active":
            raise ConfigError(f"{name} was accepted but is not played after {SWAP_S:g} s; see myoprosthesis status")
        return last

    def spin_until(self, done: Callable[[], bool], seconds: float = WAIT_S) -> bool:
        """Handle what comes until `done`, at most so long; whether it is done."""
        until = time.monotonic() + seconds
        while not done() and time.monotonic() < until:
            rclpy.spin_once(self.node, timeout_sec=0.05)
        return done()

    def _hear(self, message: Any) -> None:
        self._active.append(
            {**diagnostic_status.values(message), "text": message.message, "fitted_to": message.hardware_id}
        )

    def _diagnosed(self, message: Any) -> None:
        for one in message.status:
            if one.name == diagnostic_status.full_name(self.node.get_namespace(), "effector"):
                self.effector = diagnostic_status.values(one)

    @staticmethod
    def _words(answer: Any) -> str:
        if not answer.success:
            raise ConfigError(answer.message)
        return str(answer.message)

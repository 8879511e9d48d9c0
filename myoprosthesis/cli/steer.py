"""`swap`, `rollback`, `perturb`, `status`, `estop`, `resume`: steer a stack that runs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from myoprosthesis.cli.figures import add_json, write_json
from myoprosthesis.core.errors import ConfigError

WAIT_S = 3.0


def add(words: Any) -> None:
    """Add the words."""
    def word(name: str, about: str, func: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        p = words.add_parser(name, help=about, description=about)
        p.add_argument("--namespace", default="", help="namespace of the stack")
        p.set_defaults(func=func)
        return p  # type: ignore[no-any-return]

    p = word("swap", "change the policy while it runs", swap)
    p.add_argument("policy", help="a name (see `policies`) or the path of a policy.onnx")
    word("rollback", "go back to the policy before this one", lambda g: _trigger(g, "policy", "rollback"))
    p = word("perturb", "change what is imposed, from the next trial on", perturb)
    p.add_argument("perturbation", help="a preset, a kind, or the path of a YAML file")
    p.add_argument("--gain", type=float, default=None, help="gain of the field instead of the preset's")
    p.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="another option; may be repeated")
    p = word("status", "what a running stack does", status)
    add_json(p)
    word("estop", "put the effector into its fail state until `resume`", lambda g: _trigger(g, "effector", "estop"))
    word("resume", "take the emergency stop off", lambda g: _trigger(g, "effector", "resume"))
    word("reset", "put a simulated body to its start", lambda g: _trigger(g, "effector", "reset"))
    p = word("pause", "hold simulated time", lambda g: _pause(g, True))
    p = word("go", "let simulated time run again", lambda g: _pause(g, False))
    word("step", "one tick of a paused simulation", lambda g: _trigger(g, "effector", "step"))


class _Graph:
    """A short-lived node with the few calls that steering needs."""

    def __init__(self, namespace: str) -> None:
        import rclpy

        from myoprosthesis.nodes.process import stay_local

        stay_local()
        rclpy.init(args=[])
        self.rclpy = rclpy
        self.node = rclpy.create_node("steering", namespace=namespace)

    def __enter__(self) -> _Graph:
        return self

    def __exit__(self, *_: object) -> None:
        self.node.destroy_node()
        self.rclpy.try_shutdown()

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        if not client.wait_for_service(timeout_sec=WAIT_S):
            raise ConfigError(f"nothing answers at {client.srv_name}: is a stack up (myoprosthesis up), and in this namespace?")
        future = client.call_async(request)
        self.rclpy.spin_until_future_complete(self.node, future, timeout_sec=WAIT_S)
        if future.result() is None:
            raise ConfigError(f"{client.srv_name} did not answer within {WAIT_S:g} s")
        return future.result()

    def set(self, node: str, values: dict[str, Any]) -> None:
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter

        request = SetParametersAtomically.Request()
        request.parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        result = self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", request).result
        if not result.successful:
            raise ConfigError(result.reason)

    def spin_until(self, done: Callable[[], bool], seconds: float = WAIT_S) -> bool:
        until = time.monotonic() + seconds
        while not done() and time.monotonic() < until:
            self.rclpy.spin_once(self.node, timeout_sec=0.05)
        return done()


def swap(given: argparse.Namespace) -> int:
    """Set the parameter, then wait until the policy is really played, or its node says why not."""
    from myoprosthesis.nodes import status as words
    from myoprosthesis.nodes import topics
    from myoprosthesis.policies import store

    name = given.policy
    if "/" in name:
        name = str(store.find(name).resolve())
    with _Graph(given.namespace) as graph:
        heard: list[dict[str, Any]] = []
        t = topics.POLICY_ACTIVE
        graph.node.create_subscription(t.type, t.name, lambda m: heard.append({**words.values(m), "text": m.message}), t.qos)
        graph.spin_until(lambda: bool(heard), 1.0)
        before = heard[-1] if heard else {}
        if before.get("policy") == name and before.get("text") == "active":
            print(f"{name} is played already")
            return 0
        heard.clear()
        graph.set("policy", {"policy": name})
        graph.spin_until(lambda: bool(heard) and heard[-1].get("text") == "active", 30.0)
        last = heard[-1] if heard else {}
    if last.get("refused") == name:
        raise ConfigError(f"{name} was not swapped in: {last.get('why')}; {last.get('policy')} goes on")
    if last.get("policy") != name or last.get("text") != "active":
        raise ConfigError(f"{name} was accepted but is not played after 30 s; see myoprosthesis status")
    print(f"{name} is played" + (f" (before: {last['previous']})" if last.get("previous") else ""))
    if last.get("warning"):
        print(f"warning: {last['warning']}")
    return 0


def perturb(given: argparse.Namespace) -> int:
    """Set the parameters of the perturbation node, all at once."""
    from myoprosthesis.core.options import build
    from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner

    pairs = [p.partition("=") for p in given.option]
    if any(not sep for _, sep, _ in pairs):
        raise ConfigError(f"--option takes name=value, got {given.option}")
    options = "{" + ", ".join(f"{k}: {v}" for k, _, v in pairs) + "}" if pairs else ""
    values = {"perturbation": given.perturbation, "gain": given.gain, "options": options}
    planner(build(PerturbationNodeOptions, {k: v for k, v in values.items() if v not in (None, "")}))
    with _Graph(given.namespace) as graph:
        graph.set("perturbation", {**values, "gain": "" if given.gain is None else given.gain})
    print(f"{given.perturbation} from the next trial on")
    return 0


def status(given: argparse.Namespace) -> int:
    """Listen for a moment and tell."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rich.console import Console

    from myoprosthesis.cli.display import status_table
    from myoprosthesis.nodes.console_node import ConsoleNode
    from myoprosthesis.nodes.process import stay_local

    stay_local()
    rclpy.init(args=[])
    node = ConsoleNode("status", given.namespace)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    until = time.monotonic() + WAIT_S
    enough = 0.0
    while time.monotonic() < until:
        executor.spin_once(timeout_sec=0.05)
        if node.score.effector and node.score.policy and not enough:
            enough = time.monotonic() + 1.2  # two reports make a rate
        if enough and time.monotonic() > enough:
            break
    score = node.score
    node.destroy_node()
    rclpy.try_shutdown()
    if not score.effector:
        raise ConfigError("no effector is heard: is a stack up (myoprosthesis up), and in this namespace?")
    Console().print(status_table(score, {}))
    write_json(given.json, {**score.summary(), "loop_rate": score.rate, "idle": score.effector.get("idle")})
    return 0


def _trigger(given: argparse.Namespace, node: str, service: str) -> int:
    from std_srvs.srv import Trigger

    with _Graph(given.namespace) as graph:
        answer = graph.call(Trigger, f"{node}/{service}", Trigger.Request())
    if not answer.success:
        raise ConfigError(answer.message)
    print(answer.message)
    return 0


def _pause(given: argparse.Namespace, hold: bool) -> int:
    from std_srvs.srv import SetBool

    with _Graph(given.namespace) as graph:
        answer = graph.call(SetBool, "effector/pause", SetBool.Request(data=hold))
    if not answer.success:
        raise ConfigError(answer.message)
    print(answer.message)
    return 0

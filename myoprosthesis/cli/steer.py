"""`swap`, `rollback`, `perturb`, `status`, `estop`, `resume`: steer a stack that runs."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.location import anchored, located

WAIT_S = 3.0
TRIALS_S = 3.0
"""How long the trials that are over may take to come, up to the newest one."""


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
    p.add_argument(
        "--gain", type=float, default=None,
        help="size of the gain, 0 or more: the direction stays that of the preset (for the other one take its mirror "
        "image, such as curl_ccw for curl_cw)",
    )  # fmt: skip
    p.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="another option; may be repeated"
    )
    p = word("exchange", "change the effector while it runs: the guard holds in between", exchange)
    p.add_argument("effector", help="a name (see `effectors`), the same one too")
    p.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="an option, such as port=/dev/ttyUSB0"
    )
    p = word("status", "what a running stack does", status)
    add_json(p)
    word("estop", "put the effector into its fail state until `resume`", lambda g: _stop(g, "estop"))
    word("resume", "take the emergency stop off", lambda g: _stop(g, "resume"))
    word("reset", "put a simulated body to its start", lambda g: _trigger(g, "effector", "reset"))
    p = word("pause", "hold simulated time", lambda g: _pause(g, True))
    p = word("go", "let simulated time run again", lambda g: _pause(g, False))
    word("step", "one tick of a paused simulation", lambda g: _trigger(g, "effector", "step"))


def swap(given: argparse.Namespace) -> int:
    """Set the parameter, then wait until the policy is really played, or its node says why not."""
    from myoprosthesis.nodes.stack_client import StackClient
    from myoprosthesis.policies import store

    name = store.abroad(given.policy)
    with StackClient(given.namespace) as graph:
        before = graph.active()
        there = before.get("policy") == name and before.get("text") == "active"
        now = before if there else graph.swap(name)
        graph.spin_until(lambda: bool(graph.effector), WAIT_S)
        paused = graph.effector.get("paused")
        idle = graph.effector.get("idle", "")
    if now["text"] == "ready":
        after = ", once time goes on (myoprosthesis go)" if paused else ""
        print(f"{name} is loaded and is played from the next trial on{after}; until then {now['policy']}")
        return 0
    already = " already" if there else f" (before: {now['previous']})" if now.get("previous") else ""
    print(f"{now['policy']} is played{already}" + (f"; the effector does not follow it: {idle}" if idle else ""))
    if now.get("warning"):
        print(f"warning: {now['warning']}")
    return 0


def perturb(given: argparse.Namespace) -> int:
    """Set the parameters of the perturbation node, all at once; it refuses what nothing in its stack can apply."""
    from myoprosthesis.core.options import build
    from myoprosthesis.files import yaml_text
    from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner
    from myoprosthesis.nodes.stack_client import StackClient
    from myoprosthesis.perturbations import presets

    here = Path.cwd()
    name = located(given.perturbation, here, "name")
    pairs = {k: yaml_text.parse(v, f"--option {k}") for k, v in _pairs(given.option).items()}
    options = json.dumps(presets.anchored_overrides(name, pairs, here)) if pairs else ""
    values = {"perturbation": name, "gain": given.gain, "options": options}
    made = planner(build(PerturbationNodeOptions, {k: v for k, v in values.items() if v not in (None, "")}))
    with StackClient(given.namespace) as graph:
        graph.set("perturbation", {**values, "gain": "" if given.gain is None else given.gain})
        by_trial = graph.get("perturbation", ["per_trial"]).get("per_trial", True)
    gains = ", ".join(f"{kind} {gain:g}" for kind, gain in made.gains.items()) if given.gain is not None else ""
    acting = f" with a gain of {gains} (its own direction)" if gains else ""
    when = "the next trial" if by_trial else "now"
    print(f"{name}{acting} from {when} on{_also_a_file(given.perturbation, here)}")
    return 0


def exchange(given: argparse.Namespace) -> int:
    """Check all that can be checked, change, and see that the new effector is commanded."""
    from myoprosthesis.core import registry
    from myoprosthesis.files import yaml_text
    from myoprosthesis.nodes.effector_switch import EffectorSwitch, options_of
    from myoprosthesis.nodes.stack_client import StackClient

    options = {k: yaml_text.parse(v, f"--option {k}") for k, v in _pairs(given.option).items()}
    options = anchored(registry.options("effectors", given.effector), options, Path.cwd())
    options_of(given.effector, options)
    with StackClient(given.namespace) as graph:
        change = EffectorSwitch(graph, given.effector, options)
        print(change.run())
        if note := change.imposed():
            print(f"note: {note}")
    return 0


def _also_a_file(name: str, folder: Path) -> str:
    """What is to be said of a preset that was named while a file of that name lies in the folder."""
    beside = [f for f in (folder / f"{name}.yaml", folder / f"{name}.yml") if "/" not in name and f.is_file()]
    return f" (the preset, not the file {beside[0].name} here: for that, give {beside[0].name})" if beside else ""


def _pairs(given: list[str]) -> dict[str, str]:
    """`name=value` texts."""
    pairs = [p.partition("=") for p in given]
    if any(not sep for _, sep, _ in pairs):
        raise ConfigError(f"--option takes name=value, got {' '.join(given)}")
    return {k: v for k, _, v in pairs}


def status(given: argparse.Namespace) -> int:
    """Listen until what runs has told of itself, and tell it."""
    from rich.console import Console

    from myoprosthesis.cli.display import status_table
    from myoprosthesis.core.namespace import absolute, namespace_of
    from myoprosthesis.nodes.monitor_node import listening
    from myoprosthesis.nodes.publisher_lock import is_claimed
    from myoprosthesis.nodes.stack_client import DISCOVERY_S

    check_writable(given.json)
    with listening("status", given.namespace) as console:
        score = console.score
        there, emg, task = (
            is_claimed(absolute(namespace_of(given.namespace), topic)) for topic in ("state", "emg/raw", "target")
        )

        def heard() -> bool:
            decodes = not emg or bool("emg" in score.others and score.decision)
            return bool(score.rate and score.policy and score.perturbation) and decodes

        until = time.monotonic() + (DISCOVERY_S if there else WAIT_S)
        while time.monotonic() < until and not heard():
            console.hear(0.05)
        until = time.monotonic() + TRIALS_S
        while task and time.monotonic() < until and not score.caught_up:
            console.hear(0.05)
    if not score.effector:
        raise ConfigError("no effector is heard: is a stack up (myoprosthesis up), and in this namespace?")
    Console().print(status_table(score, {}, whole=False))
    write_json(given.json, {**score.summary(), "loop_rate": score.rate, "idle": score.effector.get("idle")})
    return 0


def _stop(given: argparse.Namespace, request: str) -> int:
    """Over the effector's local socket, at once; over the graph where that is not there (another machine)."""
    from myoprosthesis.core.namespace import namespace_of
    from myoprosthesis.nodes import stop_socket

    answer = stop_socket.request(namespace_of(given.namespace), request)
    if answer is None:
        return _trigger(given, "effector", request)
    print(answer)
    return 0


def _trigger(given: argparse.Namespace, node: str, service: str) -> int:
    from myoprosthesis.nodes.stack_client import StackClient

    with StackClient(given.namespace) as graph:
        print(graph.trigger(node, service))
    return 0


def _pause(given: argparse.Namespace, hold: bool) -> int:
    from myoprosthesis.nodes.stack_client import StackClient

    with StackClient(given.namespace) as graph:
        print(graph.pause(hold))
    return 0

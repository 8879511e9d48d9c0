"""`swap`, `rollback`, `perturb`, `switch-effector`, `status`, `estop`, `resume` …: steer a running stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.location import anchored, located

if TYPE_CHECKING:
    from myoprosthesis.cli.commands import Commands
    from myoprosthesis.stack.client import StackClient

WAIT_S = 3.0
TRIALS_S = 3.0
"""How long the trials that are over may take to come, up to the newest one."""


@dataclass(frozen=True, kw_only=True)
class SwapOptions(NamespaceArgument):
    """Options of `swap`."""

    policy: str = argument(help="a name (see `policies`) or the path of a policy.onnx", positional=True)


@dataclass(frozen=True, kw_only=True)
class PerturbOptions(NamespaceArgument):
    """Options of `perturb`."""

    perturbation: str = argument(help="a preset, a kind, or the path of a YAML file", positional=True)
    gain: float | None = argument(
        None,
        "size of the gain, 0 or more: the direction stays that of the preset (for the other one take its mirror image, "
        "such as curl_ccw for curl_cw)",
    )
    option: tuple[str, ...] = argument((), "another option; may be repeated", repeat=True, metavar="NAME=VALUE")


@dataclass(frozen=True, kw_only=True)
class SwitchOptions(NamespaceArgument):
    """Options of `switch-effector`."""

    effector: str = argument(help="a name (see `effectors`), the present one too", positional=True)
    option: tuple[str, ...] = argument(
        (), "an option, such as port=/dev/ttyUSB0; may be repeated", repeat=True, metavar="NAME=VALUE"
    )


@dataclass(frozen=True, kw_only=True)
class StatusOptions(JsonArgument, NamespaceArgument):
    """Options of `status`."""


def add(commands: Commands) -> None:
    """Add the commands."""
    name = NamespaceArgument
    commands.add("swap", swap, SwapOptions, help="change the policy while it runs")
    commands.add("rollback", _steered("rollback"), name, help="go back to the policy before this one")
    commands.add("perturb", perturb, PerturbOptions, help="change what is imposed, from the next trial on")
    commands.add(
        "switch-effector",
        switch_effector,
        SwitchOptions,
        help="change the effector while it runs: the guard holds in between",
    )
    commands.add("status", status, StatusOptions, help="what a running stack does")
    commands.add("estop", _stop("estop"), name, help="put the effector into its fail state until `resume`")
    commands.add("resume", _stop("resume"), name, help="take the emergency stop off")
    commands.add("reset", _steered("reset"), name, help="put a simulated body to its start")
    commands.add("pause", _pause(True), name, help="hold simulated time")
    commands.add("continue", _pause(False), name, help="let simulated time run again")
    commands.add("step", _trigger("effector", "step"), name, help="one tick of a paused simulation")


def swap(options: SwapOptions) -> int:
    """Set the parameter, then wait until the policy is really played, or its node says why not."""
    from myoprosthesis.policies import store
    from myoprosthesis.stack import steering

    name = store.abroad(options.policy)
    return _ask(options, lambda stack: steering.swap(stack, name))


def perturb(options: PerturbOptions) -> int:
    """Set the parameters of the perturbation node, all at once; it refuses what nothing in its stack can apply."""
    from myoprosthesis.files import yaml_text
    from myoprosthesis.perturbations import presets
    from myoprosthesis.stack import steering

    here = Path.cwd()
    name = located(options.perturbation, here, "name")
    pairs = yaml_text.assigned(options.option, "--option")
    overrides = presets.anchored_overrides(name, pairs, here) if pairs else {}
    beside = _also_a_file(options.perturbation, here)
    return _ask(options, lambda stack: steering.perturb(stack, name, options.gain, overrides) + beside)


def switch_effector(options: SwitchOptions) -> int:
    """Check all that can be checked, change, and see that the new effector is commanded."""
    from myoprosthesis.core import registry
    from myoprosthesis.files import yaml_text
    from myoprosthesis.stack.client import StackClient
    from myoprosthesis.stack.effector_switch import EffectorSwitch, effector_options

    values = yaml_text.assigned(options.option, "--option")
    values = anchored(registry.options("effectors", options.effector), values, Path.cwd())
    effector_options(options.effector, values)
    with StackClient(options.namespace) as stack:
        change = EffectorSwitch(stack, options.effector, values)
        print(change.run())
        try:
            change.check_perturbation()
        except Refused as error:
            print(f"note: {error}")
    return 0


def _also_a_file(name: str, folder: Path) -> str:
    """What is to be said of a preset that was named while a file of that name lies in the folder."""
    beside = [f for f in (folder / f"{name}.yaml", folder / f"{name}.yml") if "/" not in name and f.is_file()]
    return f" (the preset, not the file {beside[0].name} here: for that, give {beside[0].name})" if beside else ""


def status(options: StatusOptions) -> int:
    """Follow the stack until its nodes have reported, and print that."""
    from myoprosthesis.cli.display import status_table
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.core.namespace import absolute, namespace_of
    from myoprosthesis.nodes.publisher_lock import is_locked
    from myoprosthesis.stack.client import DISCOVERY_S
    from myoprosthesis.stack.monitor import StackMonitor

    check_writable(options.json)
    with StackMonitor(options.namespace, "status") as monitor:
        status = monitor.status
        space = namespace_of(options.namespace)
        running, emg, task = (is_locked(absolute(space, topic)) for topic in ("state", "emg/raw", "target"))

        def complete() -> bool:
            decodes = not emg or bool("emg" in status.others and status.decision.known)
            ticks = status.effector.rate or status.effector.unfollowed
            return bool(ticks and status.policy.text and status.perturbation) and decodes

        monitor.spin_until(complete, DISCOVERY_S if running else WAIT_S)
        if task:
            monitor.spin_until(lambda: status.trials_complete, TRIALS_S)
    if not status.effector.effector:
        raise ConfigError("no effector reports: is a stack up (myoprosthesis up), and in this namespace?")
    table_console().print(status_table(status, {}, whole=False))
    write_json(
        options.json,
        {
            **status.summary(),
            "running": status.running or None,
            "loop_rate": status.effector.rate,
            "idle": status.effector.unfollowed or None,
        },
    )
    return 0


def _stop(request: str) -> Callable[[NamespaceArgument], int]:
    """Over the effector's local socket, at once; over the graph where there is none (on another machine)."""

    def run(options: NamespaceArgument) -> int:
        from myoprosthesis.core.namespace import namespace_of
        from myoprosthesis.nodes import stop_socket

        answer = stop_socket.request(namespace_of(options.namespace), request)
        if answer is None:
            return _trigger("effector", request)(options)
        print(answer)
        return 0

    return run


def _trigger(node: str, service: str) -> Callable[[NamespaceArgument], int]:
    return lambda options: _ask(options, lambda stack: stack.trigger(node, service))


def _steered(word: str) -> Callable[[NamespaceArgument], int]:
    def run(options: NamespaceArgument) -> int:
        from myoprosthesis.stack import steering

        return _ask(options, getattr(steering, word))

    return run


def _pause(hold: bool) -> Callable[[NamespaceArgument], int]:
    return lambda options: _ask(options, lambda stack: stack.pause(hold))


def _ask(options: NamespaceArgument, question: Callable[[StackClient], str]) -> int:
    from myoprosthesis.stack.client import StackClient

    with StackClient(options.namespace) as stack:
        print(question(stack))
    return 0

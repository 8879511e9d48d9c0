"""`myoprosthesis up`: a whole stack, with a live status and a summary."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from myoprosthesis.cli.arguments import Argument, JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_csv, write_json
from myoprosthesis.cli.watch import POLL_S, await_reports, over
from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import StackError
from myoprosthesis.effectors.graphics import require_window
from myoprosthesis.stack.checks import check_start
from myoprosthesis.stack.description import StackOptions, as_settings, describe
from myoprosthesis.stack.half import check_halves, chosen_nodes
from myoprosthesis.stack.node_spec import NodeSpec

ALONE_S = 10.0
"""After so long without a tick, the nodes that are to run elsewhere are asked about."""
ALONE = (
    "no tick yet: {others} are to run elsewhere, in ROS domain {domain}; where no multicast goes, ROS_STATIC_PEERS has "
    "the other machine's address"
)
CSV_NAMES = {"peak_speed": "peak_speed_m_s"}
"""Columns of the table of trials that say their unit there."""
STACK_ARGUMENTS = {
    "stack": Argument(positional=True),
    "effector": Argument(flags=("--effector", "--hand")),
    "emg_option": Argument(repeat=True, metavar="NAME=VALUE"),
    "params_file": Argument(flags=("--params",), metavar="FILE"),
}
"""Options of a stack that stand in another way than `--name NAME` on the command line."""


@dataclass(frozen=True, kw_only=True)
class UpOptions(JsonArgument):
    """Options of `up` beside those of the stack."""

    set: tuple[str, ...] = argument(
        (), "a parameter of a node; may be repeated", repeat=True, metavar="NODE.PARAM=VALUE"
    )
    quiet: bool = argument(False, "no live status, only lines", flags=("--headless", "--quiet"))
    trials_csv: str = argument(
        "", "also write a row for each trial: policy, perturbation, outcome and figures, with units", metavar="FILE"
    )


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "up", run, StackOptions, UpOptions, help="start a stack and watch it", description=__doc__ or "",
        overrides=STACK_ARGUMENTS,
    )  # fmt: skip


def seed_of(nodes: Sequence[NodeSpec]) -> Any:
    """The seed of all nodes that have one; by node where they differ."""
    seeds = {n.name: n.parameters["seed"] for n in nodes if "seed" in n.parameters}
    return next(iter(seeds.values()), None) if len(set(seeds.values())) < 2 else seeds


def run(options: StackOptions, more: UpOptions) -> int:
    """Start, watch, end, summarise."""
    check_writable(more.json)
    check_writable(more.trials_csv, "--trials-csv")
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):  # now: one that comes while a library loads may be lost
        signal.signal(sig, lambda *_: stop.set())
    whole = describe(options, as_settings(more.set))
    o = options
    if any((o.effector, o.policy, o.emg, o.file, o.emg_option, o.port, o.params_file, more.set)):  # else it fits
        check_start(whole)
    nodes = chosen_nodes(whole, options)
    if options.viewer:
        require_window()
    if stop.is_set():
        return 130
    allow(ORDERLY_S)

    from myoprosthesis.cli.display import Display
    from myoprosthesis.cli.keys import KEYS, Keys, stop_keys
    from myoprosthesis.core.namespace import absolute, namespace_of
    from myoprosthesis.nodes.node_main import network_warning, open_network
    from myoprosthesis.nodes.publisher_lock import PublisherLock
    from myoprosthesis.stack.runner import StackRunner
    from myoprosthesis.stack.trial_outcome import COLUMNS

    if any(n.name == "effector" for n in nodes):
        PublisherLock(absolute(namespace_of(options.namespace), "state")).close()
    if options.network:
        open_network()
    display = Display(live=not more.quiet and sys.stdout.isatty())
    fault: StackError | None = None
    display.tell("up", f"starting {', '.join(n.name for n in nodes)}")
    if warning := network_warning():
        display.tell("up", warning)
    with StackRunner(nodes, display.tell, options.namespace) as stack:
        status = stack.status
        try:
            with Keys(stop_keys(options.namespace, partial(display.tell, "up"))) as keys, display:
                display.keys = KEYS if keys.active else ""
                ready = asked = False
                while not (stop.is_set() or over(status, options)):
                    stack.wait_until(stop.is_set, POLL_S)
                    if status.ready and not ready:
                        ready = True
                        seconds = time.monotonic() - stack.started_at
                        display.tell("up", f"ready: the first tick closed {seconds:.1f} s after the start")
                        for n in nodes:
                            if n.name == "emulator":
                                display.tell("up", f"{n.parameters['hand']} is emulated on {n.parameters['path']}")
                        if keys.active:
                            display.tell("up", KEYS)
                    check_halves(whole, nodes, status)
                    alone = not ready and time.monotonic() - stack.started_at > ALONE_S
                    if alone and not asked and (others := [n.name for n in whole if n not in nodes]):
                        asked = True
                        display.tell("up", ALONE.format(others=", ".join(others), domain=domain_id()))
                    display.show(status, stack.restarts)
                await_reports(stack.monitor, options)
        except StackError as error:
            fault = error
        stack.stop()
        summary = status.summary()
    summary |= {
        "restarts": stack.restarts,
        "seed": seed_of(whole),
        "task": next((n.parameters.get("task") for n in whole if n.name == "task"), None),
    }
    if summary["by_trial"] or summary.get("decisions") or fault is None:  # else the sentence alone
        display.summary(summary)
    write_json(more.json, summary)
    rows = [{CSV_NAMES.get(k, k): v for k, v in row.items()} for row in summary["by_trial"]]
    write_csv(more.trials_csv, rows, [CSV_NAMES.get(k, k) for k in COLUMNS])
    display.end()
    if fault is not None:
        raise fault
    if any(n.name == "recorder" for n in nodes) and (lacking := status.not_whole()):
        print(f"error: the recording {'; '.join(lacking)}", file=sys.stderr)
        return 1
    return 0

"""`myoprosthesis up`: a whole stack, with a live status and a summary."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from dataclasses import fields
from functools import partial
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_csv, write_json
from myoprosthesis.cli.watch import LAST_WORDS_S, hear_all, over
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import describe as describe_option
from myoprosthesis.effectors.graphics import window_refusal
from myoprosthesis.stack.description import StackOptions, as_settings, describe

CSV_NAMES = {"peak_speed": "peak_speed_m_s"}
"""Columns of the table of trials that say their unit there."""
NOT_OFFERED = {"stack"}


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("up", help="start a stack and watch it", description=__doc__)
    p.add_argument(
        "stack", nargs="?", default="reach", help="a file in config/stacks/, or the path of one (default reach)"
    )
    for f in fields(StackOptions):
        if f.name in NOT_OFFERED:
            continue
        flag = "--" + f.name.replace("_file", "").replace("_", "-")
        flags = (flag, "--hand") if f.name == "effector" else (flag,)
        if isinstance(f.default, bool):
            action = argparse.BooleanOptionalAction if f.default else "store_true"
            p.add_argument(flag, dest=f.name, action=action, default=f.default, help=describe_option(f))  # type: ignore[arg-type]
        elif isinstance(f.default, tuple):
            p.add_argument(
                flag, dest=f.name, action="append", default=[], metavar="NAME=VALUE", help=describe_option(f)
            )
        else:
            p.add_argument(
                *flags,
                dest=f.name,
                type=type(f.default),
                default=f.default,
                metavar=f.name.upper(),
                help=describe_option(f),
            )
    p.add_argument(
        "--set", action="append", default=[], metavar="NODE.PARAM=VALUE", help="a parameter of a node; may be repeated"
    )
    p.add_argument("--headless", "--quiet", dest="quiet", action="store_true", help="no live status, only lines")
    add_json(p)
    p.add_argument(
        "--trials-csv", metavar="FILE", default="",
        help="also write a row for each trial: policy, perturbation, outcome and figures, with units",
    )  # fmt: skip
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Start, watch, end, summarise."""
    check_writable(given.json)
    check_writable(given.trials_csv, "--trials-csv")
    chosen: dict[str, Any] = {f.name: getattr(given, f.name) for f in fields(StackOptions)}
    options = StackOptions(**{**chosen, "emg_option": tuple(chosen["emg_option"])})
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):  # now: one that comes while a library loads may be lost
        signal.signal(sig, lambda *_: stop.set())
    nodes = describe(options, as_settings(given.set))
    if options.gui and (why := window_refusal()):
        raise ConfigError(why)
    if stop.is_set():
        return 130
    allow(ORDERLY_S)

    from myoprosthesis.cli.display import Display
    from myoprosthesis.cli.keys import KEYS, Keys, stop_keys
    from myoprosthesis.core.namespace import absolute, namespace_of
    from myoprosthesis.nodes.monitor_node import listening
    from myoprosthesis.nodes.node_main import network_warning, open_network
    from myoprosthesis.nodes.publisher_lock import PublisherLock
    from myoprosthesis.nodes.stack_status import COLUMNS
    from myoprosthesis.stack.supervisor import Supervisor

    PublisherLock(absolute(namespace_of(options.namespace), "state")).close()
    if options.network:
        open_network()
    display = Display(live=not given.quiet and sys.stdout.isatty())
    fault = ""
    emulated = [f"{n.parameters['hand']} is emulated on {n.parameters['path']}" for n in nodes if n.name == "emulator"]
    with listening(namespace=options.namespace) as console:

        def resumed(name: str) -> dict[str, Any]:
            """A task goes on with the trial that it died in: those that are over stay so."""
            if name != "task":
                return {}
            console.hear_for(LAST_WORDS_S)
            first = console.score.next
            if first is None:
                return {}
            display.tell(name, f"goes on with trial {first}")
            return {"first": first}

        supervisor = Supervisor(nodes, display.tell, options.namespace, resumed)
        began = time.monotonic()
        display.tell("up", f"starting {', '.join(n.name for n in nodes)}")
        if warning := network_warning():
            display.tell("up", warning)
        try:
            supervisor.start()
            ready = False
            with Keys(stop_keys(options.namespace, partial(display.tell, "up"))) as keys, display:
                display.keys = KEYS if keys.active else ""
                while not (stop.is_set() or fault or over(console.score, options)):
                    console.hear(0.05)
                    for name, values in console.changed.items():
                        if name != "emulator":  # its faults are for once
                            supervisor.remember(name, values)
                    console.changed.clear()
                    score = console.score
                    fault = supervisor.poll()
                    if score.ready and not ready:
                        ready = True
                        seconds = time.monotonic() - began
                        display.tell("up", f"ready: the first tick closed {seconds:.1f} s after the start")
                        for line in emulated:
                            display.tell("up", line)
                        if keys.active:
                            display.tell("up", KEYS)
                    display.show(score, supervisor.restarts)
                hear_all(console, options)
        finally:
            supervisor.stop()
        console.hear_for(LAST_WORDS_S)
        summary = console.score.summary()
    summary |= {
        "restarts": supervisor.restarts,
        "seed": options.seed,
        "task": next((n.parameters.get("task") for n in nodes if n.name == "task"), None),
    }
    if summary["by_trial"] or summary.get("decisions") or not fault:  # else the sentence alone
        display.summary(summary)
    write_json(given.json, summary)
    rows = [{CSV_NAMES.get(k, k): v for k, v in row.items()} for row in summary["by_trial"]]
    write_csv(given.trials_csv, rows, [CSV_NAMES.get(k, k) for k in COLUMNS])
    display.end()
    if fault:
        raise ConfigError(fault)
    return 0

"""`myoprosthesis watch`: a stack that runs already, live, with the summary of `up` at the end."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from functools import partial
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.ending import ORDERLY_S, allow

LAST_S = 3.0
GRACE_S = 10.0
LAST_WORDS_S = 0.3
"""How long the report of an effector that has ended takes to come."""
REPORTS_S = 1.2
"""In so long an effector that goes on reports twice, and one that is told to end has ended."""


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("watch", help="watch a stack that runs already, to its end", description=__doc__)
    p.add_argument("--namespace", default="", help="namespace of the stack")
    p.add_argument("--trials", type=int, default=0, metavar="N", help="end once so many trials are over; 0: go on")
    p.add_argument(
        "--duration", type=float, default=0.0, metavar="S", help="end so long after the first tick; 0: go on"
    )
    p.add_argument("--lockstep", action="store_true", help="the stack runs in simulated time: it ends itself")
    p.add_argument("--task", default="its task", help="name of the task, for the summary")
    p.add_argument("--headless", "--quiet", dest="quiet", action="store_true", help="no live status, only lines")
    add_json(p)
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Listen until all is done that was asked for, or Ctrl-C; then the summary."""
    check_writable(given.json)
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    allow(ORDERLY_S)

    from myoprosthesis.cli.display import Display
    from myoprosthesis.cli.keys import KEYS, Keys, stop_keys
    from myoprosthesis.nodes.monitor_node import listening
    from myoprosthesis.nodes.node_main import die_with_parent

    die_with_parent()
    display = Display(live=not given.quiet and sys.stdout.isatty(), name="watch")
    with listening("watch", given.namespace) as console:
        with Keys(stop_keys(given.namespace, partial(display.tell, "watch"))) as keys, display:
            display.keys = KEYS if keys.active else ""
            while not (stop.is_set() or over(console.score, given)):
                console.hear(0.05)
                display.show(console.score, {})
        hear_all(console, given)
        console.hear_for(REPORTS_S)
        summary = {**console.score.summary(), "task": given.task}
    display.summary(summary)
    write_json(given.json, summary)
    return 0


def hear_all(console: Any, options: Any) -> None:
    """Where all is done, wait for a node that was not heard yet: a run can be over so soon."""
    until = time.monotonic() + (LAST_S if over(console.score, options) else 0.0)
    while time.monotonic() < until and not (console.score.policy and console.score.perturbation):
        console.hear(0.05)


def over(score: Any, options: Any) -> bool:
    """True when all has been done that `trials`, `duration` and `lockstep` of `options` ask for. In real time it is the
    effector that counts how long it moved; one that never says so is not waited for much longer."""
    timed = options.duration and not options.lockstep
    if timed and score.began and time.monotonic() - score.began > options.duration + GRACE_S:
        return True
    if options.trials and len(score.trials) < options.trials and not timed:
        return False
    return bool(score.effector.get("finished") or (score.ended and not options.lockstep))

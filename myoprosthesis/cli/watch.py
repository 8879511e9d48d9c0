"""`myoprosthesis watch`: a stack that runs already, live, with the summary of `up` at the end."""

from __future__ import annotations

import signal
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.stack.half import check_time

if TYPE_CHECKING:
    from myoprosthesis.stack.monitor import StackMonitor
    from myoprosthesis.stack.status import StackStatus

LAST_S = 3.0
GRACE_S = 10.0
POLL_S = 0.05
REPORTS_S = 1.2
"""Time in which an effector that goes on reports twice, and one that is asked to end has ended."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions(JsonArgument, NamespaceArgument):
    """Options of `watch`."""

    trials: int = argument(0, "end once this many trials are over; 0: go on", low=0)
    duration: float = argument(0.0, "end this long after the first tick; 0: go on", "s", 0.0)
    lockstep: bool = argument(False, "the stack runs in simulated time: it ends itself; one in real time is refused")
    real_time: bool = argument(False, "a stack in simulated time is refused")
    task: str = argument("its task", "name of the task, for the summary")
    quiet: bool = argument(False, "no live status, only lines", flags=("--headless", "--quiet"))


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "watch", run, WatchOptions, help="watch a stack that runs already, to its end", description=__doc__ or ""
    )


def run(options: WatchOptions) -> int:
    """Follow the stack until all is done that was asked for, or Ctrl-C; then the summary."""
    check_writable(options.json)
    if options.lockstep and options.real_time:
        raise ConfigError("a stack runs in lockstep or in real time: give one of --lockstep and --real-time")
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    allow(ORDERLY_S)

    from myoprosthesis.cli.display import Display
    from myoprosthesis.cli.keys import KEYS, Keys, stop_keys
    from myoprosthesis.nodes.node_main import die_with_parent
    from myoprosthesis.stack.monitor import StackMonitor

    die_with_parent()
    display = Display(live=not options.quiet and sys.stdout.isatty(), name="watch")
    with StackMonitor(options.namespace, "watch") as monitor:
        with Keys(stop_keys(options.namespace, partial(display.tell, "watch"))) as keys, display:
            display.keys = KEYS if keys.active else ""
            while not (stop.is_set() or over(monitor.status, options)):
                monitor.spin(POLL_S)
                if options.lockstep or options.real_time:
                    check_time(options.lockstep, monitor.status)
                display.show(monitor.status, {})
        await_reports(monitor, options)
        monitor.spin(REPORTS_S)
        summary = {**monitor.status.summary(), "task": options.task}
    display.summary(summary)
    write_json(options.json, summary)
    return 0


def await_reports(monitor: StackMonitor, options: Any) -> None:
    """Where all is done, wait for nodes that have not reported yet: a run can be over before they have."""
    status = monitor.status
    if over(status, options):
        monitor.spin_until(lambda: status.policy.text and status.perturbation, LAST_S)


def over(status: StackStatus, options: Any) -> bool:
    """Whether everything is done that `trials`, `duration` and `lockstep` of `options` ask for.

    In real time the effector counts how long it moved, without pauses; one that reports no more is waited for
    `GRACE_S`.
    """
    timed = options.duration and not options.lockstep
    due = max(status.began + options.duration, status.reported)
    if timed and status.began and time.monotonic() - due > GRACE_S:
        return True
    if options.trials and len(status.trials) < options.trials and not timed:
        return False
    return bool(status.effector.finished or (status.ended and not options.lockstep))

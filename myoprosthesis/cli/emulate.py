"""`myoprosthesis emulate HAND`: a hand that is not there, on a serial port, with faults, for anyone's driver."""

from __future__ import annotations

import argparse
import time
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.fault import KINDS


def add(words: Any) -> None:
    """Add the word."""
    faults = "; ".join(f"{kind}: {about}" for kind, about in KINDS.items())
    p = words.add_parser("emulate", help="emulate a hand on a serial port", description=__doc__)
    p.add_argument("hand", help="the hand (see `hand list`)")
    p.add_argument(
        "--path", default="", metavar="PORT",
        help="name of the port, or host:port for a hand on a network (default: in a new folder, printed)",
    )  # fmt: skip
    p.add_argument(
        "--fault", action="append", default=[], metavar="KIND[@AFTER][:FOR]",
        help=f"a fault AFTER s after the start, FOR s; may be repeated. {faults}",
    )  # fmt: skip
    p.add_argument("--duration", type=float, default=0.0, metavar="S", help="end after so long (default: Ctrl-C)")
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Serve until Ctrl-C; the first line is the port's path."""
    from myoprosthesis.core import registry
    from myoprosthesis.emulators.emulated_port import EmulatedPort
    from myoprosthesis.emulators.fault import Fault
    from myoprosthesis.hands import data_sheets
    from myoprosthesis.hands.address import address

    if not given.duration >= 0:
        raise ConfigError(f"--duration {given.duration}: seconds from 0 on are needed")
    faults = [Fault.parse(text) for text in given.fault]
    data = data_sheets.load(given.hand)
    if address(given.path) is not None:
        if not data.tcp:
            raise ConfigError(f"--path {given.path}: the {data.title} is on a serial port, such as /tmp/hand")
        data = data_sheets.load(given.hand, framing="tcp")
    with EmulatedPort(registry.factory("emulators", given.hand)(data), faults, given.path) as port:
        print(port.path, flush=True)
        begin, told = time.monotonic(), 0
        try:
            while not given.duration or time.monotonic() - begin < given.duration:
                time.sleep(0.1)
                while port.events:
                    then, text = port.events.popleft()
                    print(f"{then - begin:8.2f} s  {text}", flush=True)
                if port.emulator.watchdog_events > told:
                    told = port.emulator.watchdog_events
                    print(f"{time.monotonic() - begin:8.2f} s  nobody spoke: the hand stopped by itself", flush=True)
        except KeyboardInterrupt:
            pass
        c = port.counts
        print(f"{c['requests']} requests ({port.emulator.refused} frames refused), {c['replies']} replies")
    return 0

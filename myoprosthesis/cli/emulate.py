"""`myoprosthesis emulate HAND`: an emulated hand on a serial port, with faults, for anyone's driver."""

from __future__ import annotations

import time
from dataclasses import dataclass

from myoprosthesis.cli.arguments import argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.fault import KINDS


@dataclass(frozen=True, kw_only=True)
class EmulateOptions:
    """Options of `emulate`."""

    hand: str = argument(help="the hand (see `hand list`)", positional=True)
    path: str = argument(
        "",
        "name of the port, or host:port for a hand on a network; by default one in a new folder",
        metavar="PORT",
    )
    fault: tuple[str, ...] = argument(
        (),
        "a fault of a KIND, DELAY (s) after the start, for DURATION (s); may be repeated. "
        + "; ".join(f"{kind}: {about}" for kind, about in KINDS.items()),
        repeat=True,
        metavar="KIND[@DELAY][:DURATION]",
    )
    duration: float = argument(0.0, "end after this long; 0: at Ctrl-C", "s", 0.0)


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("emulate", run, EmulateOptions, help="emulate a hand on a serial port", description=__doc__ or "")


def run(options: EmulateOptions) -> int:
    """Serve until Ctrl-C; the first line is the port's path."""
    from myoprosthesis.core import registry
    from myoprosthesis.emulators.emulated_port import EmulatedPort
    from myoprosthesis.emulators.fault import Fault
    from myoprosthesis.hands import data_sheets
    from myoprosthesis.hands.address import address

    faults = [Fault.parse(text) for text in options.fault]
    data = data_sheets.load(options.hand)
    if address(options.path) is not None:
        if not data.tcp:
            raise ConfigError(f"--path {options.path}: the {data.title} is on a serial port, such as /tmp/hand")
        data = data_sheets.load(options.hand, framing="tcp")
    with EmulatedPort(registry.factory("emulators", options.hand)(data), faults, options.path) as port:
        print(port.path, flush=True)
        begin, stops = time.monotonic(), 0
        try:
            while not options.duration or time.monotonic() - begin < options.duration:
                time.sleep(0.1)
                while port.events:
                    then, text = port.events.popleft()
                    print(f"{then - begin:8.2f} s  {text}", flush=True)
                if port.emulator.watchdog_events > stops:
                    stops = port.emulator.watchdog_events
                    print(f"{time.monotonic() - begin:8.2f} s  no command came: the hand stopped by itself", flush=True)
        except KeyboardInterrupt:
            pass
        c = port.counts
        print(f"{c['requests']} requests ({port.emulator.refused} frames refused), {c['replies']} replies")
    return 0

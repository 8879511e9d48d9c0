"""`myoprosthesis console open RECORDING`: the console's page on a recording, with a time slider."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass

from myoprosthesis.cli.arguments import argument
from myoprosthesis.cli.commands import Commands


@dataclass(frozen=True, kw_only=True)
class OpenOptions:
    """Options of `console open`."""

    recording: str = argument(help="a recording, or one of its files", positional=True)
    effector: str = argument("", "the body to draw; by default the one that the recording names")
    topic: str = argument("state", "its states, where several bodies are in the recording, such as left/state")
    port: int = argument(8770, "port of the page; the next free one where it is taken", "", 1024, 65535)


def add(commands: Commands) -> None:
    """Add the command."""
    own = commands.group("console", "look at a recording in a browser; of a stack: up STACK --gui", __doc__ or "")
    own.add("open", run, OpenOptions, help="serve the page on a recording until Ctrl-C")


def run(options: OpenOptions) -> int:
    """Read, serve, wait."""
    from pathlib import Path

    from myoprosthesis.console.access import kept_tokens
    from myoprosthesis.console.recording_page import RecordingPage
    from myoprosthesis.films import recorded_motion
    from myoprosthesis.recording.bag import Bag

    stop = threading.Event()
    bag = Bag(options.recording)
    motion = recorded_motion.read(bag, options.topic)
    name = Path(options.recording).absolute().name
    page = RecordingPage(motion, name, bag.faults, kept_tokens(""), options.effector, options.port)
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    for fault in bag.faults:
        print(f"fault: {fault}")
    print(f"open {page.address} in a browser: {motion.seconds:.1f} s of {name}; Ctrl-C ends it", flush=True)
    stop.wait()
    page.close()
    return 0

"""`myoprosthesis replay`: what is in a recording, and its EMG or commands on the graph again."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError

EMG = ("emg/raw", "emg/filtered")
COMMAND = "command"
OF_EFFECTOR = ("state", "applied", "joint_states", "muscle_states", "activation", "load", "load/joints")
"""What an effector publishes: played again only when it is named."""


@dataclass(frozen=True, kw_only=True)
class ReplayCommandOptions(JsonArgument, NamespaceArgument):
    """Options of `replay`."""

    folder: str = argument(help="a recording, or one of its files", positional=True)
    topics: tuple[str, ...] = argument(
        (),
        "topics to play, or `all`: every one but those that an effector publishes; by default EMG where there is any, "
        "else the commands",
        nargs="+",
        metavar="TOPIC",
    )
    rate: float = argument(1.0, "how many times faster than it was", "1", 0.001, 1000)
    loop: bool = argument(False, "begin again at the end, until Ctrl-C")
    beside: bool = argument(False, "also where another node publishes the same topic")
    info: bool = argument(False, "only show what is in it, and what is wrong with it")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "replay",
        run,
        ReplayCommandOptions,
        help="play recorded EMG or commands into a stack",
        description=__doc__ or "",
    )


def run(options: ReplayCommandOptions) -> int:
    """Show, or play."""
    from myoprosthesis.recording.bag import Bag

    check_writable(options.json)
    bag = Bag(options.folder)
    if options.info:
        show(bag)
    figures = summary(bag)
    if not options.info:
        figures |= _play(options, bag)
    write_json(options.json, figures)
    return 0


def chosen(bag: Any, names: Sequence[str]) -> list[str]:
    """Topics to play; raises `RecordingError` for one that it lacks, `ConfigError` when nothing is."""
    if tuple(names) == ("all",):
        topics = [
            name for name in bag.topics if bag.has(name) and not name.endswith(tuple(f"/{t}" for t in OF_EFFECTOR))
        ]
    elif names:
        topics = [bag.topic(name).name if name.startswith("/") else name for name in names if bag.topic(name)]
    else:
        topics = [name for name in EMG if bag.has(name)] or [name for name in (COMMAND,) if bag.has(name)]
    if not topics:
        raise ConfigError(f"{bag.path} has neither EMG nor commands: name what is to be played with --topics")
    return topics


def summary(bag: Any) -> dict[str, Any]:
    """What is in a recording, as plain data."""
    seconds = (bag.last_ns - bag.first_ns) * 1e-9
    return {
        "path": str(bag.path),
        "files": [{"name": f.path.name, "messages": f.messages, "finished": f.finished} for f in bag.files],
        "messages": sum(f.messages for f in bag.files),
        "seconds": seconds,
        "starting_time_ns": bag.first_ns,
        "topics": {
            t.name: {"type": t.type, "count": t.count, "rate": t.count / seconds if seconds else None}
            for t in sorted(bag.topics.values(), key=lambda t: t.name)
        },
        "attachments": sorted(bag.attachments()),
        "faults": bag.faults,
        "unusable_bytes": sum(f.unusable for f in bag.files),
    }


def show(bag: Any) -> None:
    """Print what is in a recording."""
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console

    contents = summary(bag)
    title = f"{bag.path}: {contents['seconds']:.1f} s in {len(bag.files)} file{'s' * (len(bag.files) != 1)}"
    table = FigureTable("topic", "type", "messages", "per second", title=title)
    for name, t in contents["topics"].items():
        rate = f"{t['rate']:.1f}" if t["rate"] else "–"
        table.add_row(name, t["type"].replace("/msg/", "/"), str(t["count"]), rate)
    table_console().print(table)
    if contents["attachments"]:
        print("attached: " + ", ".join(contents["attachments"]))
    for fault in contents["faults"]:
        print(f"fault: {fault}")
    if any(not f.finished for f in bag.files):
        print(f"to mend it: myoprosthesis record --repair {bag.path}")


def _play(options: ReplayCommandOptions, bag: Any) -> dict[str, Any]:
    from myoprosthesis.cli.seconds_bar import SecondsBar
    from myoprosthesis.stack.client import StackClient
    from myoprosthesis.stack.replayer import Replayer

    names = chosen(bag, options.topics)
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    allow(ORDERLY_S)
    messages = rounds = 0
    with StackClient(options.namespace, "replay") as stack:
        replayer = Replayer(stack, bag, names, options.beside)
        if not replayer.listeners:
            print(f"note: not everything of {', '.join(names)} has a subscriber", file=sys.stderr)
        try:
            while not stop.is_set() and (options.loop or not rounds):
                with SecondsBar(replayer.seconds, ", ".join(names), disable=None) as bar:
                    messages += replayer.play(options.rate, stop.is_set, bar.advance_to)
                rounds += 1
        finally:
            replayer.close()
    print(f"{messages} messages were played")
    return {"played": names, "played_messages": messages, "rounds": rounds}

"""`myoprosthesis replay`: what is in a recording, and its EMG or commands on the graph again."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError

BAR = "{desc} {bar} {n:.1f}/{total:.1f} s"
EMG = ("emg/raw", "emg/filtered")
COMMAND = "command"
TOLD = ("state", "applied", "joint_states", "muscle_states", "activation", "load", "load/joints")
"""What an effector tells of itself: played again only when it is named."""


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("replay", help="play recorded EMG or commands into a stack", description=__doc__)
    p.add_argument("folder", metavar="FOLDER", help="a recording, or one of its files")
    p.add_argument(
        "--topics", nargs="+", default=[], metavar="TOPIC",
        help="topics to play, or `all`: every one but those that an effector publishes; by default EMG where there is "
        "any, else the commands",
    )  # fmt: skip
    p.add_argument("--rate", type=float, default=1.0, help="how many times faster than it was (default 1)")
    p.add_argument("--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    p.add_argument("--beside", action="store_true", help="also where another node publishes the same topic")
    p.add_argument("--namespace", default="", help="namespace of the stack")
    p.add_argument("--info", action="store_true", help="only tell what is in it, and what is wrong with it")
    add_json(p)
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Tell, or play."""
    from myoprosthesis.recording.bag import Bag

    check_writable(given.json)
    if not 0.001 <= given.rate <= 1000:
        raise ConfigError(f"--rate {given.rate:g} is outside 0.001 to 1000")
    bag = Bag(given.folder)
    if given.info:
        show(bag)
    figures = summary(bag)
    if not given.info:
        figures |= _play(given, bag)
    write_json(given.json, figures)
    return 0


def chosen(bag: Any, names: list[str]) -> list[str]:
    """Topics to play; raises `RecordingError` for one that is not there, `ConfigError` when nothing is."""
    if names == ["all"]:
        found = [name for name in bag.topics if bag.has(name) and not name.endswith(tuple(f"/{t}" for t in TOLD))]
    elif names:
        found = [bag.topic(name).name if name.startswith("/") else name for name in names if bag.topic(name)]
    else:
        found = [name for name in EMG if bag.has(name)] or [name for name in (COMMAND,) if bag.has(name)]
    if not found:
        raise ConfigError(f"{bag.path} has neither EMG nor commands: name what is to be played with --topics")
    return found


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
    from rich.console import Console

    from myoprosthesis.cli.table import FigureTable

    told = summary(bag)
    title = f"{bag.path}: {told['seconds']:.1f} s in {len(bag.files)} file{'s' * (len(bag.files) != 1)}"
    table = FigureTable("topic", "type", "messages", "per second", title=title)
    for name, t in told["topics"].items():
        rate = f"{t['rate']:.1f}" if t["rate"] else "–"
        table.add_row(name, t["type"].replace("/msg/", "/"), str(t["count"]), rate)
    Console().print(table)
    if told["attachments"]:
        print("attached: " + ", ".join(told["attachments"]))
    for fault in told["faults"]:
        print(f"fault: {fault}")
    if any(not f.finished for f in bag.files):
        print(f"to mend it: myoprosthesis record --repair {bag.path}")


def _play(given: argparse.Namespace, bag: Any) -> dict[str, Any]:
    from tqdm import tqdm

    from myoprosthesis.nodes.replayer import Replayer
    from myoprosthesis.nodes.stack_client import StackClient

    names = chosen(bag, given.topics)
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    allow(ORDERLY_S)
    said = rounds = 0
    with StackClient(given.namespace, "replay") as graph:
        replayer = Replayer(graph, bag, names, given.beside)
        if not replayer.listeners:
            print(f"note: not everything of {', '.join(names)} is heard by somebody", file=sys.stderr)
        try:
            while not stop.is_set() and (given.loop or not rounds):
                with tqdm(total=replayer.seconds, desc=", ".join(names), bar_format=BAR, disable=None) as bar:
                    said += replayer.play(given.rate, stop.is_set, bar.update)
                rounds += 1
        finally:
            replayer.close()
    print(f"{said} messages were played")
    return {"played": names, "played_messages": said, "rounds": rounds}

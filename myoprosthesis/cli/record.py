"""`myoprosthesis record`: what a running stack says, into a rosbag2 recording; and mending one that was cut off."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import printable

BAR = "{desc} {bar} {n:.0f}/{total:.0f} s {postfix}"
LATE_S = 0.1
OPEN_BAR = "{desc} {n:.0f} s {postfix}"


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("record", help="record a running stack, mend a recording", description=__doc__)
    p.add_argument(
        "words", nargs="*", default=[], metavar="[export] FOLDER",
        help="where to; a new file is begun in a recording that is there (recordings/recording_DATE-TIME); "
        "export FOLDER: write what is in a recording as files of columns",
    )  # fmt: skip
    p.add_argument(
        "--csv", nargs="?", const="", default=None, metavar="OUT",
        help="with export: one CSV file per topic, into OUT (default: the folder csv in the recording)",
    )  # fmt: skip
    p.add_argument("--topics", nargs="+", default=[], metavar="TOPIC", help="with export: only these")
    p.add_argument("--views", action="store_true", help="also the conventional views, which repeat `state`")
    p.add_argument("--seconds", type=float, default=0.0, help="end after so long; 0: at Ctrl-C")
    p.add_argument("--namespace", default="", help="namespace of the stack")
    p.add_argument(
        "--repair", action="store_true", help="mend FOLDER: an index for each file that was cut off, and metadata"
    )
    add_json(p)
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Record, or mend."""
    from myoprosthesis.cli.replay import show, summary
    from myoprosthesis.recording.bag import Bag

    check_writable(given.json)
    if given.words[:1] == ["export"]:
        return _export(given)
    if len(given.words) > 1:
        raise ConfigError(f"one folder is needed, got {', '.join(given.words)}; or: record export FOLDER --csv")
    if given.csv is not None or given.topics:
        raise ConfigError("--csv and --topics belong to: record export FOLDER --csv")
    given.folder = given.words[0] if given.words else ""
    if given.repair:
        return _mend(given)
    name = given.folder or f"recordings/recording_{datetime.now():%Y%m%d-%H%M%S}"
    folder = Path(name).expanduser().absolute()
    asked_ns = time.time_ns()
    _record(given, folder)
    bag = Bag(folder)
    show(bag)
    for line in _missed(bag, asked_ns):
        print(line)
    write_json(given.json, summary(bag))
    return 0


def _missed(bag: Any, asked_ns: int) -> list[str]:
    """From when on the topics of a running stack are in its recording: discovery takes its time, and differs."""
    lines = []
    for name in ("state", "command", "emg/raw"):
        first = next(iter(bag.messages([name])), None) if bag.has(name) else None
        late = (first.log_ns - asked_ns) * 1e-9 if first is not None and not first.simulated else 0.0
        if late > LATE_S:
            lines.append(f"note: {name} is in it from {late:.1f} s after this command on; what was sent before is not")
    return lines


def _mend(given: argparse.Namespace) -> int:
    from myoprosthesis.cli.replay import summary
    from myoprosthesis.recording.bag import Bag
    from myoprosthesis.recording.repair import repair

    if not given.folder:
        raise ConfigError("--repair needs the folder of a recording")
    folder = Path(given.folder).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: --repair takes the folder of a recording, with its metadata")
    done = repair(folder)
    bag = Bag(folder)
    for one in done:
        print(one)
    if not done:
        print("every file has its index: nothing to mend")
    for fault in bag.faults:
        print(fault)
    mended = [
        {"file": d.path.name, "original": d.original.name, "messages": d.messages, "unusable_bytes": d.unusable_bytes,
         "unusable_messages": d.unusable_messages} for d in done
    ]  # fmt: skip
    write_json(given.json, {**summary(bag), "mended": mended})
    return 0


def _export(given: argparse.Namespace) -> int:
    from tqdm import tqdm

    from myoprosthesis.recording import columns
    from myoprosthesis.recording.bag import Bag

    if len(given.words) != 2 or given.csv is None:
        raise ConfigError("give one recording and the format: record export FOLDER --csv")
    bag = Bag(given.words[1])
    chosen = [bag.topic(t).name for t in given.topics] or [name for name, t in bag.topics.items() if t.count]
    place = bag.path if bag.path.is_dir() else bag.path.parent
    out = Path(given.csv).expanduser() if given.csv else place / "csv"
    files = {topic: topic.strip("/").replace("/", "_") + ".csv" for topic in chosen}
    if len(set(files.values())) < len(files):
        raise ConfigError(f"two of {', '.join(chosen)} would be one file; name one of them with --topics")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out} cannot be made: {error.strerror}") from error
    rows = {}
    for topic in tqdm(chosen, desc="export", unit="topic", disable=None):
        rows[topic] = columns.write_csv(bag, topic, out / files[topic])
    for topic, n in rows.items():
        print(f"{out / files[topic]}: {n} rows")
    for fault in bag.faults:
        print(f"fault: {printable(fault)}")
    figures = {t: {"file": str(out / files[t]), "rows": n} for t, n in rows.items()}
    write_json(given.json, {"exported": figures, "faults": bag.faults})
    return 0


def _record(given: argparse.Namespace, folder: Path) -> None:
    from tqdm import tqdm

    from myoprosthesis.core.namespace import namespace_of
    from myoprosthesis.nodes import diagnostic_status, topics
    from myoprosthesis.nodes.stack_client import StackClient
    from myoprosthesis.nodes.subscription import subscribe
    from myoprosthesis.stack.description import NodeSpec
    from myoprosthesis.stack.supervisor import Supervisor

    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    allow(ORDERLY_S)
    namespace = namespace_of(given.namespace)
    node = NodeSpec("recorder", "recorder_node", {"folder": str(folder), "views": given.views})
    with StackClient(namespace, "record") as graph:
        now: dict[str, Any] = {}

        def hear(message: Any) -> None:
            told = diagnostic_status.values(message)
            if told.get("folder") == str(folder):
                now.update(told)

        subscribe(graph.node, topics.RECORDER_ACTIVE, hear)
        supervisor = Supervisor([node], lambda who, text: tqdm.write(f"[{who}] {text}"), namespace)
        fault, began = "", 0.0
        try:
            supervisor.start()
            total = given.seconds or None
            with tqdm(total=total, desc=str(folder), bar_format=BAR if total else OPEN_BAR, disable=None) as bar:
                while not (stop.is_set() or fault or (total and began and time.monotonic() - began > total)):
                    graph.spin_until(stop.is_set, 0.1)
                    fault = supervisor.poll()
                    if now and not began:
                        began = time.monotonic()
                    if began:
                        bar.n = min(time.monotonic() - began, total or float("inf"))
                        bar.set_postfix_str(f"{sum(now['received'].values())} messages")
        finally:
            supervisor.stop()
    if fault:
        raise ConfigError(fault)

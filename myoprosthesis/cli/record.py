"""`myoprosthesis record`: record what a running stack publishes as a rosbag2; repair a recording that was cut off."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import printable

BAR = "{desc} {bar} {n:.0f}/{total:.0f} s {postfix}"
LATE_S = 0.1
OPEN_BAR = "{desc} {n:.0f} s {postfix}"


@dataclass(frozen=True, kw_only=True)
class RecordOptions(JsonArgument, NamespaceArgument):
    """Options of `record`."""

    words: tuple[str, ...] = argument(
        (),
        "where to; a new file is begun in a recording that is there (recordings/recording_DATE-TIME); export FOLDER: "
        "write what is in a recording as files of columns",
        positional=True,
        nargs="*",
        metavar="[export] FOLDER",
    )
    csv: str | None = argument(
        None,
        "with export: one CSV file per topic, into OUT (by default the folder csv in the recording)",
        nargs="?",
        bare="",
        metavar="OUT",
    )
    topics: tuple[str, ...] = argument((), "with export: only these", nargs="+", metavar="TOPIC")
    views: bool = argument(False, "also the conventional views, which repeat `state`")
    seconds: float = argument(0.0, "end after this long; 0: at Ctrl-C", "s", 0.0)
    repair: bool = argument(False, "mend FOLDER: an index for each file that was cut off, and metadata")

    @property
    def folder(self) -> str:
        """The recording; empty for a new one."""
        return self.words[0] if self.words else ""


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "record", run, RecordOptions, help="record a running stack, mend a recording", description=__doc__ or ""
    )


def run(options: RecordOptions) -> int:
    """Record, or mend."""
    from myoprosthesis.cli.replay import show, summary
    from myoprosthesis.recording.bag import Bag

    check_writable(options.json)
    if options.words[:1] == ("export",):
        return _export(options)
    if len(options.words) > 1:
        raise ConfigError(f"one folder is needed, got {', '.join(options.words)}; or: record export FOLDER --csv")
    if options.csv is not None or options.topics:
        raise ConfigError("--csv and --topics belong to: record export FOLDER --csv")
    if options.repair:
        return _mend(options)
    name = options.folder or f"recordings/recording_{datetime.now():%Y%m%d-%H%M%S}"
    folder = Path(name).expanduser().absolute()
    asked_ns = time.time_ns()
    _record(options, folder)
    bag = Bag(folder)
    show(bag)
    for line in _missed(bag, asked_ns):
        print(line)
    write_json(options.json, summary(bag))
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


def _mend(options: RecordOptions) -> int:
    from myoprosthesis.cli.replay import summary
    from myoprosthesis.recording.bag import Bag
    from myoprosthesis.recording.repair import repair

    if not options.folder:
        raise ConfigError("--repair needs the folder of a recording")
    folder = Path(options.folder).expanduser()
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
    write_json(options.json, {**summary(bag), "mended": mended})
    return 0


def _export(options: RecordOptions) -> int:
    from tqdm import tqdm

    from myoprosthesis.recording import columns
    from myoprosthesis.recording.bag import Bag

    if len(options.words) != 2 or options.csv is None:
        raise ConfigError("give one recording and the format: record export FOLDER --csv")
    bag = Bag(options.words[1])
    chosen = [bag.topic(t).name for t in options.topics] or [name for name, t in bag.topics.items() if t.count]
    place = bag.path if bag.path.is_dir() else bag.path.parent
    out = Path(options.csv).expanduser() if options.csv else place / "csv"
    files = {topic: topic.strip("/").replace("/", "_") + ".csv" for topic in chosen}
    if len(set(files.values())) < len(files):
        raise ConfigError(f"two of {', '.join(chosen)} would be one file; name one of them with --topics")
    if there := sorted(f.name for f in out.glob("*.csv")):
        raise ConfigError(
            f"{out} has tables already, such as {there[0]}, which are not overwritten: give another folder"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out} cannot be made: {error.strerror}") from error
    rows = {}
    for topic in tqdm(chosen, desc="export", unit="topic", disable=None):
        rows[topic] = columns.write_csv(bag, topic, out / files[topic])
    for topic, n in rows.items():
        print(f"{out / files[topic]}: {n} rows")
    if len(bag.files) > 1:
        print(f"the folder has {len(bag.files)} files, of a run each: the column 'file' says which a row is from")
    for fault in bag.faults:
        print(f"fault: {printable(fault)}")
    figures = {t: {"file": str(out / files[t]), "rows": n} for t, n in rows.items()}
    write_json(options.json, {"exported": figures, "faults": bag.faults})
    return 0


def _record(options: RecordOptions, folder: Path) -> None:
    from tqdm import tqdm

    from myoprosthesis.core.namespace import namespace_of
    from myoprosthesis.stack.node_spec import NodeSpec
    from myoprosthesis.stack.runner import StackRunner

    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    allow(ORDERLY_S)
    namespace = namespace_of(options.namespace)
    node = NodeSpec("recorder", "recorder_node", {"folder": str(folder), "views": options.views})
    with StackRunner([node], lambda who, text: tqdm.write(f"[{who}] {text}"), namespace) as stack:
        began, total = 0.0, options.seconds or None
        with tqdm(total=total, desc=str(folder), bar_format=BAR if total else OPEN_BAR, disable=None) as bar:
            while not (stop.is_set() or (total and began and time.monotonic() - began > total)):
                stack.wait_until(stop.is_set, 0.1)
                now = stack.status.recorders.get(str(folder))
                if now is None:
                    continue
                began = began or time.monotonic()
                bar.n = min(time.monotonic() - began, total or float("inf"))
                bar.set_postfix_str(f"{sum(now['received'].values())} messages")

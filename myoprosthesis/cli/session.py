"""`myoprosthesis session`: run an experiment, trial by trial, and go on with one that was stopped."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.commands import COMMAND_LINE, Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError, Interrupted

SESSION = "a file in config/sessions/, or the path of one"


@dataclass(frozen=True, kw_only=True)
class RunOptions(JsonArgument):
    """Options of `session run`."""

    session: str = argument("", SESSION, positional=True)
    resume: str = argument("", "go on with the session in this folder", metavar="FOLDER")
    out: str = argument("", "folder to write (recordings/NAME_DATE-TIME)", metavar="FOLDER")
    seed: int | None = argument(None, "another seed than the file's", low=0)
    realtime: bool = argument(False, "in wall time, whatever the file says")
    namespace: str = argument("", "namespace of all nodes")
    quiet: bool = argument(False, "no progress bar, only lines")


@dataclass(frozen=True, kw_only=True)
class CheckOptions(JsonArgument):
    """Options of `session check`."""

    session: str = argument(help=SESSION, positional=True)


def add(commands: Commands) -> None:
    """Add the commands."""
    about = "run an experiment: blocks of trials, learning, recording"
    own = commands.group("session", about, __doc__ or "")
    own.add("run", run, RunOptions, help="run a session to its end, or go on with one")
    own.add("check", check, CheckOptions, help="read a session and show its blocks; nothing starts")
    own.add("list", list_all, help="the sessions that ship with the package")
    name = NamespaceArgument
    own.add("pause", lambda o: hold(o, True), name, help="hold a running session after its present trial")
    own.add("continue", lambda o: hold(o, False), name, help="let it go on")


def run(options: RunOptions) -> int:
    """Run or go on."""
    check_writable(options.json)
    from myoprosthesis.core.extras import library
    from myoprosthesis.core.namespace import absolute, namespace_of
    from myoprosthesis.nodes.publisher_lock import PublisherLock
    from myoprosthesis.sessions import folder as folders
    from myoprosthesis.sessions import session as sessions
    from myoprosthesis.sessions.session_trials import plan
    from myoprosthesis.stack.session_nodes import check_session

    if bool(options.session) == bool(options.resume):
        raise ConfigError("give a session to run, or --resume and the folder of one: one of the two")
    if options.json:  # of which the table is read as a report reads it
        for name in ("scipy", "sklearn"):
            library(name, "report", "--json")
    PublisherLock(absolute(namespace_of(options.namespace), "state")).close()
    if options.resume:
        if options.out or options.seed is not None or options.realtime:
            raise ConfigError("a session that is gone on with keeps its folder, seed and time: give --resume alone")
        folder, session = folders.SessionFolder.open(Path(options.resume))
    else:
        changes: dict[str, Any] = {} if options.seed is None else {"seed": options.seed}
        session = sessions.load(options.session, changes | ({"lockstep": False} if options.realtime else {}))
        path, trials = Path(options.out) if options.out else folders.fresh(session.name), plan(session)
        check_session(session, trials)
        folder = folders.SessionFolder.create(path, session, trials, COMMAND_LINE.get())
    return _run(options, session, folder)


def _run(options: RunOptions, session: Any, folder: Any) -> int:
    from tqdm import tqdm

    from myoprosthesis.cli.display import actions, guard
    from myoprosthesis.nodes import stop_socket
    from myoprosthesis.nodes.stop_socket import StopServer
    from myoprosthesis.stack import session_runner
    from myoprosthesis.stack.session_client import GOING_ON, PAUSING

    began = time.monotonic()
    live = not options.quiet and sys.stderr.isatty()

    def tell(who: str, text: str) -> None:
        tqdm.write(f"[{who}] {text}", file=sys.stderr)

    held = threading.Event()

    def on_request(pause: bool) -> str:
        (held.set if pause else held.clear)()
        return PAUSING if pause else GOING_ON

    with ExitStack() as stack:
        asked = stack.enter_context(session_runner.watched_signals())
        # from now on: a learner may take minutes to be made ready
        server = StopServer(options.namespace, on_request, stop_socket.SESSION)
        stack.callback(server.close)
        runner = session_runner.SessionRunner(
            session, folder, tell, lambda trial, row: show(trial, row), asked, options.namespace, held
        )
        first = runner.done
        with tqdm(total=session.trials, initial=first, unit="trial", disable=not live, dynamic_ncols=True) as bar:

            def show(trial: Any, row: dict[str, Any]) -> None:
                block = session.blocks[trial.block]
                bar.set_description(f"{block.name} · {trial.kind}", refresh=False)
                lateral, error = row["lateral_deviation_mm"], row["endpoint_error_mm"]
                lost = {"lost": row["lost"]}
                aside = {} if lateral is None else {"lateral": f"{lateral:+.1f} mm"}
                shown = lost if row["lost"] else {**aside, "error": f"{error:.1f} mm"}
                if row["estimate_gain"] is not None:
                    shown["field"] = f"{row['estimate_gain']:+.1f}"
                bar.set_postfix(shown, refresh=False)
                bar.update()
                if not live and (trial.number % 20 == 0 or trial.number + 1 == session.trials):
                    values = ", ".join(f"{k} {v}" for k, v in shown.items())
                    which = f"trial {trial.number + 1} of {session.trials}"
                    tell("session", f"{which}, {block.name}, {trial.kind}: {values}")

            try:
                runner.run()
            except Interrupted as error:
                tell("session", f"{error}; go on with: myoprosthesis session run --resume {folder.path}")
                return 130
    seconds = time.monotonic() - began
    if first < session.trials:
        folder.note(ended=time.time(), table_sha256=folder.table_sha256())
    lost = [r for r in folder.rows() if r["lost"]]
    note = f" ({len(lost)} lost, which count in no figure: column lost says why)" if lost else ""
    print(f"{session.trials} trials{note} in {folder.path}, {seconds:.0f} s")
    counts = folder.counts()
    for what, words in (("actions", actions(counts["policy_events"])), ("guard", guard(counts["guard_events"]))):
        for line in words.splitlines():
            print(f"{what}: {line}")
    print(f"table sha256 {folder.table_sha256()}")
    print(f"the report: myoprosthesis report {folder.path}")
    if options.json:
        from myoprosthesis.report.figures import figures

        write_json(options.json, {**figures(folder.path), **counts, "seconds": seconds})
    return 0


def check(options: CheckOptions) -> int:
    """Show what a session would do."""
    check_writable(options.json)
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.sessions import session as sessions
    from myoprosthesis.sessions.session_trials import CATCH, CHANNEL, plan
    from myoprosthesis.stack.session_nodes import check_session

    session = sessions.load(options.session)
    trials = plan(session)
    check_session(session, trials)
    table = FigureTable(title=f"{session.name}: {session.about}")
    for column in ("block", "trials", "perturbation", "catch", "channel", "policy", "length"):
        table.add_column(column)
    figures, policy = [], session.policy
    for i, block in enumerate(session.blocks):
        policy = block.policy or policy
        learned = f"{policy}, as learned until then" if session.learner and i else policy
        mine = [t for t in trials if t.block == i]
        kinds = {k: sum(t.kind == k for t in mine) for k in (CATCH, CHANNEL)}
        seconds = sum(t.reach.trial_s for t in mine)
        imposed = next((t.perturbation for t in mine if t.kind == "normal"), "null")
        preset = imposed if block.kinds else block.perturbation
        figures.append({"name": block.name, "trials": len(mine), "perturbation": preset, **kinds, "seconds": seconds})
        table.add_row(
            block.name, str(len(mine)), preset, str(kinds[CATCH]), str(kinds[CHANNEL]), learned, f"{seconds:.0f} s"
        )
    table_console().print(table)
    write_json(options.json, {"name": session.name, "trials": len(trials), "blocks": figures})
    return 0


def list_all() -> int:
    """Names and what they are about."""
    from myoprosthesis.sessions import session as sessions

    for name in sessions.names():
        print(f"{name:24} {sessions.load(name).about}")
    return 0


def hold(options: NamespaceArgument, pause: bool) -> int:
    """Pause, or go on: at once on this machine, whatever the session does now; over the graph elsewhere."""
    from myoprosthesis.nodes import stop_socket
    from myoprosthesis.stack.client import StackClient

    request = stop_socket.STOP if pause else stop_socket.RESUME
    answer = stop_socket.request(options.namespace, request, stop_socket.SESSION)
    if answer is not None:
        print(answer)
        return 0
    with StackClient(options.namespace) as stack:
        print(stack.hold_session(pause))
    return 0

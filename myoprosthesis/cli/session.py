"""`myoprosthesis session`: run an experiment, trial by trial, and go on with one that was stopped."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError, Interrupted


def add(words: Any) -> None:
    """Add the word."""
    about = "run an experiment: blocks of trials, learning, recording"
    p = words.add_parser("session", help=about, description=__doc__)
    verbs = p.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, about: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=about, description=about)  # type: ignore[no-any-return]

    v = verb("run", "run a session to its end, or go on with one")
    v.add_argument("session", nargs="?", default="", help="a file in config/sessions/, or the path of one")
    v.add_argument("--resume", metavar="FOLDER", default="", help="go on with the session in this folder")
    v.add_argument("--out", metavar="FOLDER", default="", help="folder to write (recordings/NAME_DATE-TIME)")
    v.add_argument("--seed", type=int, default=None, help="another seed than the file's")
    v.add_argument("--realtime", action="store_true", help="in wall time, whatever the file says")
    v.add_argument("--namespace", default="", help="namespace of all nodes")
    v.add_argument("--quiet", action="store_true", help="no progress bar, only lines")
    add_json(v)
    v.set_defaults(func=run)
    v = verb("check", "read a session and show its blocks; nothing starts")
    v.add_argument("session", help="a file in config/sessions/, or the path of one")
    add_json(v)
    v.set_defaults(func=check)
    v = verb("list", "the sessions that ship with the package")
    v.set_defaults(func=list_all)
    for word, text in (("pause", "hold a running session after its present trial"), ("continue", "let it go on")):
        v = verb(word, text)
        v.add_argument("--namespace", default="", help="namespace of the session")
        v.set_defaults(func=hold, hold=word == "pause")


def run(given: argparse.Namespace) -> int:
    """Run or go on."""
    check_writable(given.json)
    from myoprosthesis.core.extras import library
    from myoprosthesis.core.namespace import absolute, namespace_of
    from myoprosthesis.nodes.publisher_lock import PublisherLock
    from myoprosthesis.sessions import folder as folders
    from myoprosthesis.sessions import session as sessions
    from myoprosthesis.sessions.session_trials import plan

    if bool(given.session) == bool(given.resume):
        raise ConfigError("give a session to run, or --resume and the folder of one: one of the two")
    if given.json:  # of which the table is read as a report reads it
        for name in ("scipy", "sklearn"):
            library(name, "report", "--json")
    PublisherLock(absolute(namespace_of(given.namespace), "state")).close()
    if given.resume:
        if given.out or given.seed is not None or given.realtime:
            raise ConfigError("a session that is gone on with keeps its folder, seed and time: give --resume alone")
        folder, session = folders.SessionFolder.open(Path(given.resume))
    else:
        changes: dict[str, Any] = {} if given.seed is None else {"seed": given.seed}
        session = sessions.load(given.session, changes | ({"lockstep": False} if given.realtime else {}))
        path = Path(given.out) if given.out else folders.fresh(session.name)
        _check_libraries(session)
        folder = folders.SessionFolder.create(path, session, plan(session), given.command)
    return _run(given, session, folder)


def _run(given: argparse.Namespace, session: Any, folder: Any) -> int:
    from tqdm import tqdm

    from myoprosthesis.nodes.session_client import GOING_ON, PAUSING
    from myoprosthesis.nodes.stop_socket import SESSION, StopServer
    from myoprosthesis.stack import session_runner

    began = time.monotonic()
    live = not given.quiet and sys.stderr.isatty()

    def tell(who: str, text: str) -> None:
        tqdm.write(f"[{who}] {text}", file=sys.stderr)

    held = threading.Event()

    def hold(pause: bool) -> str:
        (held.set if pause else held.clear)()
        return PAUSING if pause else GOING_ON

    with ExitStack() as stack:
        asked = stack.enter_context(session_runner.watched_signals())
        server = StopServer(given.namespace, hold, SESSION)  # from now on: a learner may take minutes to be made ready
        stack.callback(server.close)
        sitting = session_runner.SessionRunner(
            session, folder, tell, lambda trial, row: show(trial, row), asked, given.namespace, held
        )
        first = sitting.done
        with tqdm(total=session.trials, initial=first, unit="trial", disable=not live, dynamic_ncols=True) as bar:

            def show(trial: Any, row: dict[str, Any]) -> None:
                block = session.blocks[trial.block]
                bar.set_description(f"{block.name} · {trial.kind}", refresh=False)
                lateral, error = row["lateral_deviation_mm"], row["endpoint_error_mm"]
                lost = {"lost": row["lost"]}
                said = lost if row["lost"] else {"lateral": f"{lateral:+.1f} mm", "error": f"{error:.1f} mm"}
                if row["estimate_gain"] is not None:
                    said["field"] = f"{row['estimate_gain']:+.1f}"
                bar.set_postfix(said, refresh=False)
                bar.update()
                if not live and (trial.number % 20 == 0 or trial.number + 1 == session.trials):
                    values = ", ".join(f"{k} {v}" for k, v in said.items())
                    which = f"trial {trial.number + 1} of {session.trials}"
                    tell("session", f"{which}, {block.name}, {trial.kind}: {values}")

            try:
                sitting.run()
            except Interrupted as error:
                tell("session", f"{error}; go on with: myoprosthesis session run --resume {folder.path}")
                return 130
    seconds = time.monotonic() - began
    if first < session.trials:
        folder.note(ended=time.time(), table_sha256=folder.table_sha256())
    lost = [r for r in folder.rows() if r["lost"]]
    note = f" ({len(lost)} lost, which count in no figure: column lost says why)" if lost else ""
    print(f"{session.trials} trials{note} in {folder.path}, {seconds:.0f} s")
    print(f"table sha256 {folder.table_sha256()}")
    print(f"the report: myoprosthesis report {folder.path}")
    if given.json:
        from myoprosthesis.report.figures import figures

        write_json(given.json, {**figures(folder.path), "seconds": seconds})
    return 0


def check(given: argparse.Namespace) -> int:
    """Show what a session would do."""
    check_writable(given.json)
    from rich.console import Console

    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.sessions import session as sessions
    from myoprosthesis.sessions.session_trials import CATCH, CHANNEL, plan

    session = sessions.load(given.session)
    _check_libraries(session)
    trials = plan(session)
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
    Console().print(table)
    write_json(given.json, {"name": session.name, "trials": len(trials), "blocks": figures})
    return 0


def list_all(given: argparse.Namespace) -> int:
    """Names and what they are about."""
    from myoprosthesis.sessions import session as sessions

    for name in sessions.names():
        print(f"{name:24} {sessions.load(name).about}")
    return 0


def hold(given: argparse.Namespace) -> int:
    """Pause, or go on: at once on this machine, whatever the session does now; over the graph elsewhere."""
    from myoprosthesis.nodes.stack_client import StackClient
    from myoprosthesis.nodes.stop_socket import RESUME, SESSION, STOP, request

    answer = request(given.namespace, STOP if given.hold else RESUME, SESSION)
    if answer is not None:
        print(answer)
        return 0
    with StackClient(given.namespace) as steering:
        print(steering.hold_session(given.hold))
    return 0


def _check_libraries(session: Any) -> None:
    """Refuse a learner that cannot learn, and markers that cannot be sent, before anything starts."""
    from myoprosthesis.core.extras import library
    from myoprosthesis.sessions.learner_store import learner

    if session.lsl:
        library("pylsl", "lsl", "an LSL outlet")
    if not session.learner:
        return
    library("torch", "train", "learning between trials")
    learner(session)

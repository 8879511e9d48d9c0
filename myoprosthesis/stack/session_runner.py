"""Runs a session: a stack, its trials one by one, the learner between them, and a row for each that is done."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError, Interrupted, ProcessDied, Refused, TrialIncomplete
from myoprosthesis.nodes.trial_monitor import MonitoredTrial
from myoprosthesis.perturbations import presets
from myoprosthesis.policies import store
from myoprosthesis.sessions.folder import SessionFolder, line
from myoprosthesis.sessions.learner_store import LearnerStore
from myoprosthesis.sessions.session import Session, effector
from myoprosthesis.sessions.session_trials import SessionTrial, plan
from myoprosthesis.sessions.trial_metrics import PlayedTrial, row
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.runner import StackRunner
from myoprosthesis.stack.session_client import SessionClient
from myoprosthesis.stack.session_nodes import session_nodes
from myoprosthesis.stack.trial_outcome import TrialOutcome

ATTEMPTS = 3
"""How often in a row a stack may die without a finished trial before the session gives up."""
RETRY_S = 2.0
"""Between two attempts to write to a full disk."""
SPARE_BYTES = 1 << 20
"""No trial begins with less of the disk free: enough for the recording of a trial and for what is learned from it."""
REPORT_S = 1.0
"""How long the report of a policy that was played may come after the end of its trial."""
LAST_REPORT_S = 0.6
"""Within which nodes report again what they have counted."""
SPARE_S = 60.0
"""How much longer than it should a trial may take."""


class SessionRunner:
    """Runs a session from its first unfinished trial on.

    `tell` receives who says what, `show` is called with each finished row, `asked` returns whether to stop.
    """

    def __init__(
        self,
        session: Session,
        folder: SessionFolder,
        tell: Callable[[str, str], None],
        show: Callable[[SessionTrial, dict[str, Any]], None],
        asked: Callable[[], bool],
        namespace: str = "",
        held: threading.Event | None = None,
    ) -> None:
        """`held` is set while a person wants no further trial to begin."""
        self._held = held or threading.Event()
        self.session, self.folder, self.trials = session, folder, plan(session)
        self._tell, self._show, self._asked, self._namespace = tell, show, asked, namespace
        self._dt = float(effector(session).spec.dt)
        self.done = len(folder.rows())
        learns = bool(session.learner) and self.done < len(self.trials)
        self.lessons = LearnerStore(session, folder, self.trials, tell) if learns else None
        if self.lessons is not None:
            self.done += self.lessons.resume(self.done)
        self._perturbation = presets.load(str(folder.perturbation)).name
        self._stack: StackRunner | None = None

    def run(self) -> None:
        """To the end; raises `Interrupted` when asked to stop, else the `MyoError` of what it cannot go on without."""
        failures, before = 0, self.done
        while self.done < len(self.trials):
            try:
                self._run_stack()
            except (ProcessDied, TrialIncomplete) as error:
                failures = failures + 1 if self.done == before else 1
                before = self.done
                if failures >= ATTEMPTS:
                    kept = f"the finished trials are in {self.folder.path}"
                    raise ConfigError(f"{error}, {ATTEMPTS} times in a row; {kept}") from error
                self._tell("session", f"{error}: the stack is started again with trial {self.done}")

    # -- one stack ----------------------------------------------------------------------------------------------

    def _run_stack(self) -> None:
        starts = [*self.folder.provenance_data().get("starts", []), {"trial": self.done, "at": time.time()}]
        self.folder.note(starts=starts)
        with (
            StackClient(self._namespace, "session") as stack,
            contextlib.closing(SessionClient(stack, self._dt, self.session.lockstep, self._held)) as client,
            StackRunner(self._nodes(), self._tell, self._namespace, stack) as self._stack,
        ):
            client.await_ready(self._check)
            try:
                for trial in self.trials[self.done :]:
                    self._await_release(client, trial)
                    client.release(self._barrier(trial.number))
                    self._one(client, trial)
                stack.spin(LAST_REPORT_S)
            except ConfigError:
                self._check()  # one that does not answer may have died
                raise
            finally:
                self._note_counts(stack.status.summary())

    def _note_counts(self, summary: Mapping[str, Any]) -> None:
        """What guard and policies have counted in this stack, beside its start."""
        starts = self.folder.provenance_data().get("starts", [])
        if starts:
            starts[-1] |= {kind: dict(summary[kind]) for kind in ("guard_events", "policy_events")}
            self.folder.note(starts=starts)

    def _nodes(self) -> list[NodeSpec]:
        policy = self._policy_of(self.done)
        return session_nodes(self.session, self.folder, self.trials, self.done, policy, self._namespace)

    def _one(self, client: SessionClient, trial: SessionTrial) -> None:
        """Await a trial, learn from it, commit it, and have the next policy loaded."""
        session = self.session
        name = self._policy_of(trial.number)
        policy = Path(name) if self.lessons else store.find(name)
        done = client.await_trial(trial.number, trial.reach.trial_s + SPARE_S, self._check)
        if not done.why and not (done.samples == done.expected if session.lockstep else done.complete):
            raise TrialIncomplete(f"trial {trial.number} has {done.samples} of {done.expected} states")
        played = PlayedTrial(name, hashlib.sha256(policy.read_bytes()).hexdigest())
        why = done.why or self._otherwise(client, done, name)
        if self.lessons is not None:
            name = self.lessons.name(trial.number)  # only the policies at the ends of blocks stay as files
            played = replace(played, name=name, estimate_gain=self.lessons.gain)
            if not why:
                played = replace(played, loss=self.lessons.learn(trial, done.record))
        if why:
            self._tell("session", f"trial {trial.number} is lost, it counts in no figure: {why}")
        values = row(session, trial, done.record, played, why)
        self._commit(trial, values)
        self.done = trial.number + 1
        self._show(trial, values)
        if self.done < len(self.trials):
            following = self._policy_of(self.done)
            if following != self._policy_of(trial.number):
                client.stage(following)

    def _otherwise(self, client: SessionClient, done: MonitoredTrial, policy: str) -> str:
        """Why a trial is not the one that the session is about: another policy or perturbation was set by somebody."""
        plan, status = done.plan, client.stack.status
        trial = TrialOutcome(plan.trial, plan.from_ns, plan.until_ns, {})
        client.stack.spin_until(lambda: status.condition(trial)[0] in ("", policy), REPORT_S)
        played, imposed = status.condition(trial)
        if played not in ("", policy):
            return f"{played} was played in the place of {policy}"
        own = self._perturbation
        if imposed in ("", own) or imposed.startswith(f"{own} ("):  # with a gain, or none of its kinds in this trial
            return ""
        return f"{imposed} was imposed in the place of the session's own"

    def _commit(self, trial: SessionTrial, values: dict[str, Any]) -> None:
        """The row, with what the learner has become; a disk that is full pauses the session until it is not."""
        shown = ""
        while True:
            try:
                if self.lessons is not None:
                    self.lessons.commit(trial.number + 1, line(values))
                self.folder.append(values)
                return
            except (OSError, ConfigError) as error:
                if str(error) != shown:
                    shown = str(error)
                    why = f"trial {trial.number} cannot be written down: {error}"
                    self._tell("session", f"paused, {why}; it is tried again every {RETRY_S:g} s")
            if self._asked():
                raise Interrupted("stopped while the disk was full")
            time.sleep(RETRY_S)

    def _await_release(self, client: SessionClient, trial: SessionTrial) -> None:
        """Wait out a rest before a block, a pause, and a recorder that cannot write."""
        until, shown = time.monotonic() + (0.0 if self.session.lockstep else trial.rest_s), ""
        while True:
            try:
                _check_free(client, self.folder.path)
                if time.monotonic() >= until:
                    return
                shown = ""
            except Refused as error:
                if str(error) != shown:
                    shown = str(error)
                    self._tell("session", f"paused before trial {trial.number} ({len(self.trials)} in all): {error}")
            self._check()
            client.stack.spin(0.1)

    def _barrier(self, number: int) -> int:
        """The first trial after this one that must not be planned yet: one ahead where nothing happens in between."""
        following = self.trials[number + 1 : number + 2]
        held = self.lessons is not None or not following or following[0].policy or following[0].rest_s
        return number + 1 if held else number + 2

    def _policy_of(self, number: int) -> str:
        if self.lessons is not None:
            return str(self.lessons.policy(number))
        named = [t.policy for t in self.trials[: number + 1] if t.policy]
        return named[-1] if named else self.session.policy

    def _check(self) -> None:
        """Raises `Interrupted` when asked to stop, and the `StackError` of a process that cannot be kept running."""
        if self._asked():
            raise Interrupted(f"stopped before trial {self.done}")
        if self._stack is not None:
            self._stack.poll()


def _check_free(client: SessionClient, folder: Path) -> None:
    """Raise `Refused` while no trial may begin."""
    if client.paused:
        raise Refused("go on with myoprosthesis session continue")
    if shutil.disk_usage(folder).free < SPARE_BYTES:
        raise Refused(f"less than 1 MiB is free on the disk of {folder}; free some space, it goes on by itself")
    if held := client.listener.held:
        by = {
            "emergency stop": "; take it off with myoprosthesis resume",
            "paused": "; go on with myoprosthesis continue",
        }
        raise Refused(f"the effector does not follow commands ({held}){by.get(held, '')}")
    if (fault := str(client.recorder.get("text"))) != "recording":
        raise Refused(f"{fault}; free some space, it goes on by itself")


@contextlib.contextmanager
def watched_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM are noted instead of followed; yields whether one has come."""
    import signal

    asked: list[int] = []
    allow(ORDERLY_S)
    before = {s: signal.signal(s, lambda n, _: asked.append(n)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)

"""Runs a session: the stack, the trials one by one, the learner between them, a row for each that is done."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoprosthesis.core.ending import ORDERLY_S, allow
from myoprosthesis.core.errors import ConfigError, Interrupted, ProcessDied
from myoprosthesis.policies import store
from myoprosthesis.sessions.folder import SessionFolder, line
from myoprosthesis.sessions.learner_store import LearnerStore
from myoprosthesis.sessions.session import Session, effector
from myoprosthesis.sessions.session_trials import SessionTrial, plan
from myoprosthesis.sessions.trial_metrics import PlayedTrial, row
from myoprosthesis.stack.description import NodeSpec, StackOptions, describe
from myoprosthesis.stack.supervisor import Supervisor

ATTEMPTS = 3
"""A stack that dies so often without a finished trial in between is given up."""
RETRY_S = 2.0
"""A full disk is tried again so often."""
SPARE_BYTES = 1 << 20
"""No trial begins with less of the disk free: enough for the recording of a trial and for what is learned from it."""
SPARE_S = 60.0
"""A trial may take so much longer than it should."""


class SessionRunner:
    """One sitting at a session, from its first unfinished trial on.

    `tell` is given who says what, `show` is called with each finished row, `asked` says whether to stop.
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
            self.done += self.lessons.take_up(self.done)
        self._supervisor: Supervisor | None = None

    def run(self) -> None:
        """To the end; raises `Interrupted` when asked to stop, and what else stands in the way."""
        failures, before = 0, self.done
        while self.done < len(self.trials):
            try:
                self._sit()
            except ProcessDied as error:
                failures = failures + 1 if self.done == before else 1
                before = self.done
                if failures >= ATTEMPTS:
                    kept = f"the finished trials are in {self.folder.path}"
                    raise ConfigError(f"{error}, {ATTEMPTS} times on end; {kept}") from error
                self._tell("session", f"{error}: the stack is started again with trial {self.done}")

    # -- one stack ----------------------------------------------------------------------------------------------

    def _sit(self) -> None:
        from myoprosthesis.nodes.session_client import SessionClient
        from myoprosthesis.nodes.stack_client import StackClient

        starts = [*self.folder.told().get("starts", []), {"trial": self.done, "at": time.time()}]
        self.folder.note(starts=starts)
        with ExitStack() as stack:
            self._supervisor = Supervisor(self._nodes(), self._tell, self._namespace)
            stack.callback(self._supervisor.stop)
            steering = stack.enter_context(StackClient(self._namespace, "session"))
            conductor = SessionClient(steering, self._dt, self._held)
            stack.callback(conductor.close)
            self._supervisor.start()
            conductor.await_ready(self._check)
            try:
                for trial in self.trials[self.done :]:
                    self._await_leave(conductor, trial)
                    conductor.release(self._barrier(trial.number))
                    self._one(conductor, trial)
            except ConfigError:
                self._check()  # one that does not answer may have died
                raise

    def _nodes(self) -> list[NodeSpec]:
        """The stack from the first unfinished trial on. Its processes are not started again one by one: a trial that
        one of them has missed a part of is begun anew, with all of them."""
        s, first = self.session, self.done
        options = StackOptions(
            effector=s.effector, policy=self._policy_of(first), perturbation=str(self.folder.perturbation.absolute()),
            task="listed", lockstep=s.lockstep, seed=s.seed, trials=len(self.trials), namespace=self._namespace,
            record=str(self.folder.recording.absolute()),
        )  # fmt: skip
        kept = [self.folder.path / name for name in ("session.yaml", "perturbation.yaml", "provenance.json")]
        played_s = sum(t.reach.trial_s for t in self.trials[:first])
        settings: dict[str, dict[str, Any]] = {
            "task": {"file": str(self.folder.reaches.absolute()), "first": first, "released": first,
                     "radius": s.reaching.radius, **({"lsl": s.lsl} if s.lsl else {})},
            "policy": {"blend_s": 0.0},
            "effector": {**s.effector_options, "start_s": played_s},
            "recorder": {"attachments": [str(file.absolute()) for file in kept]},
        }  # fmt: skip
        return [replace(n, respawn=False) for n in describe(options, settings)]

    def _one(self, conductor: Any, trial: SessionTrial) -> None:
        """Await a trial, learn from it, commit it, and have the next policy at the door."""
        session = self.session
        name = self._policy_of(trial.number)
        policy = Path(name) if self.lessons else store.find(name)
        seen = conductor.await_trial(trial.number, trial.reach.trial_s + SPARE_S, self._check)
        if not seen.why and not (seen.samples == seen.expected if session.lockstep else seen.complete):
            raise ProcessDied(f"trial {trial.number} has {seen.samples} of {seen.expected} states")
        played = PlayedTrial(name, hashlib.sha256(policy.read_bytes()).hexdigest())
        if self.lessons is not None:
            name = self.lessons.name(trial.number)  # only the policies at the ends of blocks stay as files
            played = replace(played, name=name, estimate_gain=self.lessons.gain)
            if not seen.why:
                played = replace(played, loss=self.lessons.learn(trial, seen.record))
        if seen.why:
            self._tell("session", f"trial {trial.number} is lost, it counts in no figure: {seen.why}")
        r = seen.record
        values = row(session, trial, r.plan, r.time_ns, r.position, r.velocity, r.load, self._dt, played, seen.why)
        self._commit(trial, values)
        self.done = trial.number + 1
        self._show(trial, values)
        if self.done < len(self.trials):
            following = self._policy_of(self.done)
            if following != self._policy_of(trial.number):
                conductor.stage(following)

    def _commit(self, trial: SessionTrial, values: dict[str, Any]) -> None:
        """The row, with what the learner has become; a disk that is full pauses the session until it is not."""
        said = ""
        while True:
            try:
                if self.lessons is not None:
                    self.lessons.commit(trial.number + 1, line(values))
                self.folder.append(values)
                return
            except (OSError, ConfigError) as error:
                if str(error) != said:
                    said = str(error)
                    why = f"trial {trial.number} cannot be written down: {error}"
                    self._tell("session", f"paused, {why}; it is tried again every {RETRY_S:g} s")
            if self._asked():
                raise Interrupted("stopped while the disk was full")
            time.sleep(RETRY_S)

    def _await_leave(self, conductor: Any, trial: SessionTrial) -> None:
        """A rest before a block, a pause, and a recorder that cannot write."""
        until, said = time.monotonic() + (0.0 if self.session.lockstep else trial.rest_s), ""
        while (why := _held(conductor, self.folder.path)) or time.monotonic() < until:
            if why != said and why:
                self._tell("session", f"paused before trial {trial.number + 1} of {len(self.trials)}: {why}")
            said = why
            self._check()
            conductor.steering.spin_until(lambda: False, 0.1)

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
        """Raise when the person, a process or the disk says so."""
        if self._asked():
            raise Interrupted(f"stopped before trial {self.done}")
        assert self._supervisor is not None
        if fault := self._supervisor.poll():
            raise (ProcessDied if "died" in fault or "ended" in fault else ConfigError)(fault)


def _held(conductor: Any, folder: Path) -> str:
    """Empty, or why no trial may begin."""
    if conductor.paused:
        return "go on with myoprosthesis session continue"
    if shutil.disk_usage(folder).free < SPARE_BYTES:
        return f"less than 1 MiB is free on the disk of {folder}; free some space, it goes on by itself"
    if held := conductor.listener.held:
        by = {"emergency stop": "; take it off with myoprosthesis resume", "paused": "; go on with myoprosthesis go"}
        return f"the effector does not follow commands ({held}){by.get(held, '')}"
    fault = str(conductor.recorded().get("text"))
    return "" if fault == "recording" else f"{fault}; free some space, it goes on by itself"


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

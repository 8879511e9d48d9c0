"""The learner of a session between two trials: practice, export of policies, state on the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.policies import store
from myoprosthesis.sessions.folder import SessionFolder
from myoprosthesis.sessions.session import Session
from myoprosthesis.sessions.session_trials import SessionTrial


class LearnerStore:
    """The learner of a session, its policies and its committed state on the disk."""

    def __init__(
        self, session: Session, folder: SessionFolder, trials: list[SessionTrial], report: Callable[[str, str], None]
    ) -> None:
        from myoprosthesis.training.adaptation import options as learner_options
        from myoprosthesis.training.gradient.rollout import wants_compilation

        self.session, self.folder, self.trials = session, folder, trials
        compiled = wants_compilation(learner_options.read(session.learner)[1])
        report("session", "the learner prepares" + (", which takes a minute" if compiled else " (without compilation)"))
        self._learner = learner(session, compiled)
        self._kept = {
            t.number
            for before, t in zip([None, *trials], trials, strict=False)
            if before is None or before.block != t.block
        }

    def policy(self, trial: int) -> Path:
        """The policy file of a trial."""
        return (self.folder.policies / f"trial_{trial:04d}.onnx").absolute()

    @property
    def gain(self) -> float:
        """The learner's estimate of the curl field's gain, N·s/m."""
        return float(self._learner.estimate.gain)

    def resume(self, rows: int) -> int:
        """Continue after `rows` rows of the table.

        Returns:
            The number of rows (0 or 1) that were committed with the learner only, and are written now.
        """
        from myoprosthesis.training import checkpoint

        late = 0
        if rows or self.folder.learner.exists():
            state = checkpoint.load(self.folder.learner)
            if state["trial"] == rows + 1:
                with contextlib.suppress(OSError):
                    self.folder.append_text(state["row"])
                    late = 1
            if state["trial"] != rows + late:
                raise ConfigError(
                    f"the learner in {self.folder.path} is after trial {state['trial']}, the table after "
                    f"{rows}: the folder was changed, and the session cannot be continued"
                )
            self._learner.restore(state["learner"])
        self._export(rows + late)
        return late

    def name(self, trial: int) -> str:
        """The name of a trial's policy, also in its contract."""
        return f"{self.session.name}_{trial:04d}"

    def learn(self, trial: SessionTrial, record: TrialRecord) -> float | None:
        """Learn from a trial; returns the loss, None where nothing is learned."""
        from myoprosthesis.training.adaptation.field_estimate import PractisedMovement

        plan = record.plan
        if not self.session.blocks[trial.block].learning:
            return None
        go_s = float("inf") if plan.go_ns is None else (plan.go_ns - plan.from_ns) / NS
        self._learner.observe(PractisedMovement(
            trial.number, np.array(plan.start, float), np.array(plan.target, float), go_s,
            (record.time_ns - plan.from_ns) / NS, record.position, record.velocity, record.load, trial.kind,
        ))  # fmt: skip
        return self._learner.practise()

    def commit(self, following: int, text: str) -> None:
        """Write the policy of the next trial, then the learner's state with the row in one file, so that both agree."""
        from myoprosthesis.training import checkpoint

        if following < len(self.trials):
            self._export(following)
        checkpoint.save(self.folder.learner, {"trial": following, "row": text, "learner": self._learner.state()})
        old = following - 2
        if old >= 0 and old not in self._kept and old + 1 not in self._kept:
            self.policy(old).unlink(missing_ok=True)

    def _export(self, trial: int) -> None:
        self._learner.export(self.policy(trial), self.name(trial))


def learner(session: Session, compiled: bool = False) -> Any:
    """The learner of a session before its first trial; refuses a body without a twin and a policy that cannot learn."""
    from myoprosthesis.policies.onnx_policy import read_contract
    from myoprosthesis.training.adaptation import options as learner_options
    from myoprosthesis.training.adaptation.learner import Learner
    from myoprosthesis.training.gradient.torch_twin import differentiable_body

    path = store.find(session.policy)
    options, _ = learner_options.read(session.learner)
    _, twin = differentiable_body(session.effector, read_contract(path).dt)
    return Learner(twin, path, options, session.seed, compiled)

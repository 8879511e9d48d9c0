"""The nodes of a session's stack, and the checks of a session before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.extras import library
from myoprosthesis.perturbations.planner import Planner, Preset
from myoprosthesis.policies import store
from myoprosthesis.sessions.folder import SessionFolder
from myoprosthesis.sessions.session import Session, effector
from myoprosthesis.sessions.session_trials import SessionTrial, kinds_of
from myoprosthesis.stack.description import StackOptions, describe
from myoprosthesis.stack.node_spec import NodeSpec


def session_nodes(
    session: Session,
    folder: SessionFolder,
    trials: Sequence[SessionTrial],
    first: int,
    policy: str,
    namespace: str = "",
) -> list[NodeSpec]:
    """The nodes of the stack from trial `first` on, in which `policy` is played at first.

    Its processes are not restarted one by one: a trial that one of them has partly missed is started again, with all of
    them.
    """
    s = session
    options = StackOptions(
        effector=s.effector, policy=policy, perturbation=str(folder.perturbation.absolute()),
        task="listed", lockstep=s.lockstep, seed=s.seed, trials=len(trials), namespace=namespace,
        record=str(folder.recording.absolute()),
    )  # fmt: skip
    kept = [folder.path / name for name in ("session.yaml", "perturbation.yaml", "provenance.json")]
    played_s = sum(t.reach.trial_s for t in trials[:first])
    settings: dict[str, dict[str, Any]] = {
        "task": {"file": str(folder.reaches.absolute()), "first": first, "released": first,
                 "radius": s.reaching.radius, **({"lsl": s.lsl} if s.lsl else {})},
        "policy": {"blend_s": 0.0},
        "effector": {**s.effector_options, "start_s": played_s},
        "recorder": {"attachments": [str(file.absolute()) for file in kept]},
    }  # fmt: skip
    return [replace(n, respawn=False) for n in describe(options, settings, policy_stays=False)]


def check_session(session: Session, trials: Sequence[SessionTrial]) -> None:
    """Raise `ConfigError` for what would end a session at its start, or where a policy or perturbation begins.

    Those are libraries that are not installed, networks that cannot be loaded, perturbations that nothing can apply, a
    learner that cannot learn this, and what the description of its stack refuses.
    """
    from myoprosthesis.sessions.learner_store import learner

    if session.lsl:
        library("pylsl", "lsl", "an LSL outlet")
    faults = _block_faults(session, trials)
    if faults:
        raise ConfigError("; ".join(faults))
    with TemporaryDirectory() as place:
        folder = SessionFolder.create(Path(place) / session.name, session, trials, "")
        session_nodes(session, folder, trials, 0, session.policy)
    if session.learner:
        library("torch", "train", "learning between trials")
        learner(session)


def _block_faults(session: Session, trials: Sequence[SessionTrial]) -> list[str]:
    """The faults of each block with the policy that is played in it."""
    from myoprosthesis.nodes.perturbation_sites import PerturbationSites
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    spec, name, faults = effector(session).spec, session.policy, []
    for number, block in enumerate(session.blocks):
        name = block.policy or name
        of_kinds = {t.kind: t for t in trials if t.block == number}
        try:
            policy = OnnxPolicy(store.find(name))
            policy.warm_up()
            sites = PerturbationSites(spec, policy.contract)
            for trial in of_kinds.values():
                kinds = tuple(kinds_of(session, trial))
                sites.check(Planner(Preset(block.name, kinds=kinds)).entries())
        except MyoError as error:
            faults.append(f"block {block.name!r}: {error}")
    return faults

"""Trials of a task that a policy plays in an environment, judged as in a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from myoprosthesis.core import registry
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.tasks.task import channels_of

TASKS = {"baoding_hand": "baoding", "myohand": "hand_posture"}
"""The task with a score that goes with an effector."""


def played(
    policy: OnnxPolicy,
    trials: Sequence[int],
    task: str = "",
    options: Mapping[str, Any] | None = None,
    threads: int = 0,
    progress: Callable[[float], object] = lambda share: None,
) -> list[TrialResult]:
    """Play trials of these numbers, all at once; each is what it is in a stack in lockstep.

    Args:
        policy: The policy; it is not changed.
        trials: Their numbers: the task's seed and the number decide everything that is drawn.
        task: The task; empty: that of the policy's effector.
        options: Of the task.
        threads: For the simulations; 0: one for each processor.
        progress: Called with the part of the time that is over.

    Returns:
        The task's judgement of each trial, in their order.

    Raises:
        Refused: A policy of an effector that has no such task.
        ContractError: The policy does not fit effector and task.
    """
    contract = policy.contract
    name = task or TASKS.get(contract.effector, "")
    if not name:
        raise Refused(
            f"policy {contract.name!r} is one of effector {contract.effector!r}, which has no task with a score; known "
            f"are: {', '.join(TASKS)}"
        )
    sites = getattr(registry.factory("tasks", name), "observed_sites", ())
    effector = {"dt": contract.dt, **({"observed_sites": sites} if sites else {})}
    config = EnvConfig(contract.effector, name, contract.observation, effector, dict(options or {}))
    env = BatchEnv(config, len(trials), threads)
    spec = env.body.spec
    order = contract.match(spec, channels_of(name))
    needs = tuple(env.task.needs(spec))
    players = [policy.branch() for _ in trials]
    observation, _ = env.reset(options={"trials": list(trials)})
    plans = [env.task.plan(trial, 0) for trial in trials]
    steps = max(round((plan.until_ns - plan.from_ns) / ns(spec.dt)) - 1 for plan in plans)
    tables = np.zeros((steps + 1, len(trials), 3, len(needs)))
    tables[0, :, 0] = env.columns(*needs)
    length = np.full(len(trials), steps)
    running = np.ones(len(trials), bool)
    for k in range(steps):
        actions = np.zeros((len(trials), len(order)))
        for i in np.flatnonzero(running):
            actions[i] = players[i].step(observation[i])[order]
        observation, _, terminated, truncated, _ = env.step(actions.astype(np.float32))
        ended = terminated | truncated
        tables[k + 1, :, 0] = np.where(ended[:, None], env.last_columns(*needs), env.columns(*needs))
        over = running & ended
        length[over], running[over] = k + 1, False
        progress((k + 1) / steps)
        if not running.any():
            break
    times = np.arange(steps + 1) * ns(spec.dt)
    return [
        env.task.judge(TrialRecord(plan, spec.dt, needs, times[: n + 1], tables[: n + 1, i]))
        for i, (plan, n) in enumerate(zip(plans, length, strict=True))
    ]

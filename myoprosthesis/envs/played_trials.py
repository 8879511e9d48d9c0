"""Trials of a task that a policy plays in an environment, judged as in a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from myoprosthesis.core import registry
from myoprosthesis.core.channels import FIELDS
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.envs.played_series import Array, PlayedSeries
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.tasks.task import channels_of

TASKS = {"baoding_hand": "baoding", "myohand": "hand_posture", "myolegs": "walk", "arm26": "centre_out"}
"""The task with a score that goes with an effector."""


def task_of(contract: Contract) -> str:
    """The task with a score that a policy is made for, by its effector; raises `Refused` where there is none."""
    if contract.effector not in TASKS:
        raise Refused(
            f"policy {contract.name!r} is one of effector {contract.effector!r}, which has no task with a score; known "
            f"are: {', '.join(TASKS)}"
        )
    return TASKS[contract.effector]


def effector_options(contract: Contract, task: str) -> dict[str, Any]:
    """Options of the effector with which a policy can do a task.

    Its period, what muscles are commanded by, and what the task wants beside."""
    made = registry.factory("tasks", task)
    sites = getattr(made, "observed_sites", ())
    own = getattr(made, "effector_options", {})
    if contract.effector in TASKS and "m" in contract.action.units:
        own = {**own, **getattr(made, "length_options", {"muscle_command": "length"})}
    return {**own, "dt": contract.dt, **({"observed_sites": sites} if sites else {})}


def played(
    policy: OnnxPolicy,
    trials: Sequence[int],
    task: str = "",
    options: Mapping[str, Any] | None = None,
    threads: int = 0,
    progress: Callable[[float], object] = lambda share: None,
    series: PlayedSeries | None = None,
    change: Callable[[Array], Array] = lambda commands: commands,
    perturbation: str = "null",
) -> list[TrialResult]:
    """Play trials of these numbers, all at once; each is what it is in a stack in lockstep.

    Args:
        policy: The policy; it is not changed.
        trials: Their numbers: the task's seed and the number decide everything that is drawn.
        task: The task; empty: that of the policy's effector.
        options: Of the task; those that the policy's contract names hold where they are not among them.
        threads: For the simulations; 0: one for each processor.
        progress: Called with the part of the time that is over.
        series: Records commands, states and hidden states.
        change: Applied to the commands (n_trials, n_command) of each period, in the effector's order.
        perturbation: What is imposed in each trial: a preset, a kind, or the path of a file.

    Returns:
        The task's judgement of each trial, in their order.

    Raises:
        Refused: A policy of an effector that has no such task.
        ContractError: The policy does not fit effector and task.
    """
    contract = policy.contract
    name = task or task_of(contract)
    own = {**contract.task_options, **(options or {})}
    effector = effector_options(contract, name)
    config = EnvConfig(contract.effector, name, contract.observation, effector, own, perturbation=perturbation)
    env = BatchEnv(config, len(trials), threads, read=series.channels if series else (), judged=FIELDS[:2])
    spec = env.body.spec
    order = contract.match(spec, channels_of(name))
    needs = tuple(env.task.needs(spec))
    players = [policy.branch() for _ in trials]
    observation, _ = env.reset(options={"trials": list(trials)})
    plans = [env.task.plan(trial, 0) for trial in trials]
    steps = max(round((plan.until_ns - plan.from_ns) / ns(spec.dt)) - 1 for plan in plans)
    tables = np.full((steps + 1, len(trials), len(FIELDS), len(needs)), np.nan)  # efforts are not known
    for row, field in enumerate(FIELDS[:2]):
        tables[0, :, row] = env.columns(*needs, field=field)
    length = np.full(len(trials), steps)
    running = np.ones(len(trials), bool)
    for k in range(steps):
        actions = np.zeros((len(trials), len(order)))
        for i in np.flatnonzero(running):
            actions[i] = players[i].step(observation[i])[order]
        if series is not None:
            states = [env.columns(channel, field=field)[:, 0] for channel, field in series.channels]
            table = np.stack(states, -1) if states else np.zeros((len(trials), 0))
            series.add(running, table, actions, np.stack([player.hidden for player in players]))
        actions = change(actions)
        observation, _, terminated, truncated, _ = env.step(actions.astype(np.float32))
        ended = terminated | truncated
        for row, field in enumerate(FIELDS[:2]):
            here, last = env.columns(*needs, field=field), env.last_columns(*needs, field=field)
            tables[k + 1, :, row] = np.where(ended[:, None], last, here)
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

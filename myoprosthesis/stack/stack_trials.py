"""Trials that a policy plays in a stack of its own in lockstep, as many as are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from myoprosthesis.core.errors import StackError
from myoprosthesis.envs.played_trials import effector_options
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.stack.description import StackOptions, describe
from myoprosthesis.stack.runner import StackRunner

POLL_S = 0.05
REPORTS_S = 10.0
"""Time in which the events of the last trials come after the effector has finished."""


def played_in_stack(
    policy: OnnxPolicy,
    task: str,
    trials: int,
    options: Mapping[str, Any],
    perturbation: str = "null",
    progress: Callable[[float], object] = lambda share: None,
) -> list[dict[str, Any]]:
    """Play the first trials of a task over ROS, each state answered under its own stamp.

    Args:
        policy: The policy, which is played from its file.
        task: The task.
        trials: How many, from number 0 on.
        options: Of the task; its `seed` is that of the stack.
        perturbation: What is imposed in each trial.
        progress: Called with the share of the trials that are over.

    Returns:
        A row for each trial by name, in the order of their numbers, as in `up --json`.

    Raises:
        StackError: A node failed, or a trial was lost.
    """
    own = dict(options)
    chosen = StackOptions(
        effector=policy.contract.effector,
        policy=str(policy.path),
        task=task,
        perturbation=perturbation,
        lockstep=True,
        trials=trials,
        seed=int(own.pop("seed", 0)),
        namespace=f"evaluate_{os.getpid()}",
    )
    nodes = describe(chosen, {"task": own, "effector": effector_options(policy.contract, task)})
    with StackRunner(nodes, lambda who, text: None, chosen.namespace) as stack:
        status = stack.status

        def over() -> bool:
            progress(len(status.trials) / trials)
            return status.effector.finished

        while not stack.wait_until(over, POLL_S):
            pass
        stack.wait_until(lambda: len(status.trials) >= trials, REPORTS_S)
        rows = sorted(status.table(), key=lambda row: int(row["trial"]))
    lost = [f"trial {row['trial']}: {row['lost']}" for row in rows if row["lost"]]
    if lost or len(rows) != trials:
        raise StackError(f"{len(rows) - len(lost)} of {trials} trials were played to their end; {'; '.join(lost[:3])}")
    return rows

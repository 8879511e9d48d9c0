"""How hard a floating body can be pushed while it does a task: the largest impulse survived, by direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import Refused
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.envs.played_trials import effector_options, task_of
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.tasks.task import channels_of

Array = NDArray[np.float64]
KIND, PART = "body_push", "pelvis"
BEFORE_S, AFTER_S = 1.0, 4.0
"""Time before a push, and from its beginning on, in which the trial must not fail."""
PUSH_S = 0.2
MOST_NS = 64
"""N·s, the largest impulse that is tried."""
DIRECTIONS_DEG = tuple(45.0 * k for k in range(8))
SURVIVED = 0.9
"""Share of the trials that must survive an impulse."""


@dataclass(frozen=True)
class PushLimits:
    """The largest impulse (N·s, whole numbers, 0: none) survived in 90 % of the trials, by its direction (deg).

    Directions are counter-clockwise from the heading that is asked for; 0: from behind."""

    directions_deg: tuple[float, ...]
    impulse_ns: tuple[int, ...]
    duration_s: float
    trials: int

    @property
    def worst(self) -> tuple[float, int]:
        """The direction (deg) in which the least is survived, and how much (N·s)."""
        k = int(np.argmin(self.impulse_ns))
        return self.directions_deg[k], self.impulse_ns[k]


def push_limits(
    policy: OnnxPolicy,
    trials: Sequence[int],
    task: str = "",
    options: Mapping[str, Any] | None = None,
    directions_deg: Sequence[float] = DIRECTIONS_DEG,
    threads: int = 0,
    progress: Callable[[float], object] = lambda share: None,
) -> PushLimits:
    """Push trials at the pelvis, by halving the interval of impulses in each direction, with the states of a stack.

    Each impulse is tried in all trials, which begin anywhere in the cycle, so that the push, 1 s later, does too. What
    does not fail within 4 s, by the task's own limits, has survived.

    Args:
        policy: The policy; it is not changed.
        trials: Their numbers: the task's seed and the number decide everything that is drawn.
        task: The task; empty: that of the policy's effector.
        options: Of the task; those that the policy's contract names hold where they are not among them.
        directions_deg: Of the pushes, counter-clockwise from the heading that is asked for.
        threads: For the simulations; 0: one for each processor.
        progress: Called with the part of the time that is over.

    Returns:
        The largest impulse in each direction; those below it are taken as survived.

    Raises:
        Refused: A policy of an effector that has no pelvis, or no task with a score.
        ContractError: The policy does not fit effector and task.
    """
    contract = policy.contract
    config = _config(contract, task or task_of(contract), options or {})
    env = BatchEnv(config, len(trials) * len(directions_deg), threads)
    if PART not in env.body.spec.bodies:
        raise Refused(f"effector {contract.effector!r} has no {PART} that could be pushed: legs such as myolegs have")
    order = contract.match(env.body.spec, channels_of(config.task))
    n, dt = len(trials), env.body.spec.dt
    push = max(1, round(PUSH_S / dt)) * dt
    start = _Walks(
        env, [policy.branch() for _ in range(env.num_envs)], order, np.ones(env.num_envs, bool),
        env.reset(options={"trials": [trial for _ in directions_deg for trial in trials]})[0],
    )  # fmt: skip
    start.go_on(round(BEFORE_S / dt), env.num_envs, 0.0)
    state = env.get_state()
    survived, failed = np.zeros(len(directions_deg), int), np.full(len(directions_deg), MOST_NS + 1)
    rounds = int(MOST_NS).bit_length()
    for k in range(rounds):
        tried = (survived + failed) // 2
        for i, (newton, direction) in enumerate(
            zip(np.repeat(tried / push, n), np.repeat(directions_deg, n), strict=True)
        ):
            env.impose(i, KIND, {
                "newton": float(newton), "direction_deg": float(direction), "start_s": BEFORE_S, "duration_s": push,
                "bodies": (PART,),
            })  # fmt: skip
        env.set_state(state)
        good = start.again().go_on(round(AFTER_S / dt), n, SURVIVED) >= SURVIVED
        survived, failed = np.where(good, tried, survived), np.where(good, failed, tried)
        progress((k + 1) / rounds)
    return PushLimits(tuple(directions_deg), tuple(survived.tolist()), push, n)


def _config(contract: Contract, task: str, options: Mapping[str, Any]) -> EnvConfig:
    own = {**contract.task_options, **options, "trial_s": 2.0 * (BEFORE_S + AFTER_S)}
    return EnvConfig(contract.effector, task, contract.observation, effector_options(contract, task), own)


@dataclass(eq=False)
class _Walks:
    """Trials that go on in an environment, each played by a policy of its own, until they fail."""

    env: BatchEnv
    players: list[OnnxPolicy]
    order: NDArray[np.intp]
    standing: NDArray[np.bool_]
    observation: NDArray[np.float32]

    def again(self) -> _Walks:
        """The same, to go on from here once more; the environment has a state of its own."""
        return replace(self, players=[player.branch(rest=False) for player in self.players])

    def go_on(self, steps: int, of: int, least: float) -> Array:
        """Some steps; the share of each group of `of` trials that has not failed, at the end or once below `least`."""
        for _ in range(steps):
            shares = self._shares(of)
            if (shares < least).all():
                break
            actions = np.zeros((len(self.standing), len(self.order)), np.float32)
            for i in np.flatnonzero(self.standing & np.repeat(shares >= least, of)):
                actions[i] = self.players[i].step(self.observation[i])[self.order]
            self.observation, _, terminated, truncated, _ = self.env.step(actions)
            self.standing = self.standing & ~(terminated | truncated)
        return self._shares(of)

    def _shares(self, of: int) -> Array:
        return np.asarray(self.standing.reshape(-1, of).mean(axis=1))

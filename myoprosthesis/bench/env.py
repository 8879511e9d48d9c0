"""How near environments of many simulations come to the bare physics, on one processor."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.extras import library

SIMULATIONS, BLOCK = 128, 10
"""Simulations, and steps of a block; each step is made by bare physics and by the environment in turn."""
Act = Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float32]]
"""Actions for the observations of all simulations, and of which of them a trial has just begun."""
TASK = {"direction": "hold", "start_deg": [0.0, 360.0], "noise": 0.2, "on_targets": 0.8}


def measure(seconds: float = 20.0) -> dict[str, Any]:
    """`baoding` and `legs`: control steps per second with observation, reward, judging and resets, and of bare physics.

    Both make each step from the same states with the same excitations, in one thread: those that hold the balls, and
    for the legs those of the policy that walks, at 32 steps a second of five physics steps each. `ratio_to_bare` is the
    median over pairs of blocks, 1 where the environment costs nothing beside `mujoco.batch` alone.
    """
    library("gymnasium", "train", "the section of environments")
    from myoprosthesis.envs import baoding, legs_imitation

    resting = np.tile(np.array(baoding.RESTING, np.float32), (SIMULATIONS, 1))
    return {
        "baoding": _pairs(baoding.config("policy", **TASK), lambda observation, over: resting, seconds / 2),
        "legs": _pairs(legs_imitation.config(), _walking(), seconds / 2),
    }


def _walking() -> Act:
    """The excitations of the policy `walk` for each simulation."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    policy = OnnxPolicy(store.find("walk"))
    players = [policy.branch() for _ in range(SIMULATIONS)]

    def act(observation: NDArray[np.float32], over: NDArray[np.bool_]) -> NDArray[np.float32]:
        for i in np.flatnonzero(over):
            players[i] = policy.branch()
        return np.array([player.step(row) for player, row in zip(players, observation, strict=True)], np.float32)

    return act


def _pairs(config: Any, act: Act, seconds: float) -> dict[str, Any]:
    """Blocks of steps of an environment and of bare physics in turn, for `seconds` and two blocks at least."""
    from mujoco.batch import Batch

    from myoprosthesis.envs.batch_env import BatchEnv

    env = BatchEnv(config, SIMULATIONS, 1)
    bare = Batch(env.body.model, SIMULATIONS, nthread=1)
    observation, _ = env.reset(seed=0)
    every, over = np.arange(SIMULATIONS), np.zeros(SIMULATIONS, bool)
    blocks: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while len(blocks) < 2 or time.perf_counter() < end:
        bare_s = env_s = 0.0
        for _ in range(BLOCK):
            action = act(observation, over)
            bare.state[:] = env.states(every)[:, : bare.state.shape[1]]  # without what sensors measured
            bare.ctrl[:] = action
            begin = time.perf_counter()
            bare.step(nstep=env.body.substeps)
            between = time.perf_counter()
            observation, _, terminated, truncated, _ = env.step(action)
            bare_s, env_s = bare_s + between - begin, env_s + time.perf_counter() - between
            over = terminated | truncated
        blocks.append((bare_s, env_s))
    steps = BLOCK * SIMULATIONS
    bare_s, env_s = (statistics.median(column) for column in zip(*blocks, strict=True))
    return {
        "simulations": SIMULATIONS,
        "pairs": len(blocks),
        "steps_per_s": round(steps / env_s, 1),
        "bare_steps_per_s": round(steps / bare_s, 1),
        "ratio_to_bare": round(statistics.median(a / b for a, b in blocks), 4),
    }

"""How near an environment of many simulations comes to the bare physics, on one processor."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from myoprosthesis.core.extras import library

SIMULATIONS, BLOCK = 128, 10
"""Simulations, and periods of a block; blocks of the environment and of bare physics are measured in turn."""
TASK = {"direction": "hold", "start_deg": [0.0, 360.0], "noise": 0.2, "on_targets": 0.8}


def measure(seconds: float = 20.0) -> dict[str, Any]:
    """`baoding`: control steps per second with observation, reward, judging and resets, and of `mujoco.batch` alone.

    Both go on from the same states with the same excitations, in one thread. `ratio_to_bare` is the median over the
    pairs of blocks, 1 where the environment costs nothing.
    """
    library("gymnasium", "train", "the section of environments")
    from mujoco.batch import Batch

    from myoprosthesis.envs import baoding
    from myoprosthesis.envs.batch_env import BatchEnv

    env = BatchEnv(baoding.config("policy", **TASK), SIMULATIONS, 1)
    body = env.body
    bare = Batch(body.model, SIMULATIONS, nthread=1)
    env.reset(seed=0)
    action = np.tile(np.array(baoding.RESTING, np.float32), (SIMULATIONS, 1))
    every = np.arange(SIMULATIONS)
    pairs: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while len(pairs) < 2 or time.perf_counter() < end:
        bare.state[:] = env.states(every)
        bare.ctrl[:] = action
        begin = time.perf_counter()
        for _ in range(BLOCK):
            bare.step(nstep=body.substeps)
        between = time.perf_counter()
        for _ in range(BLOCK):
            env.step(action)
        pairs.append((between - begin, time.perf_counter() - between))
    steps = BLOCK * SIMULATIONS
    bare_s, env_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "baoding": {
            "simulations": SIMULATIONS,
            "pairs": len(pairs),
            "steps_per_s": round(steps / env_s, 1),
            "bare_steps_per_s": round(steps / bare_s, 1),
            "ratio_to_bare": round(statistics.median(a / b for a, b in pairs), 4),
        }
    }

"""How near environments of many simulations come to the bare physics, on one processor."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.extras import library

SIMULATIONS, BLOCK = 128, 10
"""Simulations, and periods of a block; blocks of the environment and of bare physics are measured in turn."""
TASK = {"direction": "hold", "start_deg": [0.0, 360.0], "noise": 0.2, "on_targets": 0.8}
LEGS_S = 0.03
"""Control period of the legs: 15 physics steps of 2 ms. With 10 ms, 5 steps, the ratio is 0.88 instead of 0.98: what
remains is the position and velocity stage after the last step, which makes places and velocities those of one instant.
"""


def measure(seconds: float = 20.0) -> dict[str, Any]:
    """`baoding` and `legs`: control steps per second with observation, reward, judging and resets, and of bare physics.

    Both go on from the same states with the same excitations, in one thread: those that hold the balls, and for the
    legs random ones, under which they fall. `ratio_to_bare` is the median over the pairs of blocks, 1 where the
    environment costs nothing beside `mujoco.batch` alone.
    """
    library("gymnasium", "train", "the section of environments")
    from myoprosthesis.envs import baoding

    rng = np.random.default_rng(0)
    resting = np.tile(np.array(baoding.RESTING, np.float32), (SIMULATIONS, 1))
    return {
        "baoding": _pairs(baoding.config("policy", **TASK), resting, seconds / 2),
        "legs": _pairs(legs(), rng.uniform(0.0, 0.3, (SIMULATIONS, 80)).astype(np.float32), seconds / 2),
    }


def legs(period_s: float = LEGS_S) -> Any:
    """Legs of 80 muscles that begin standing, with what a policy that walks would observe.

    The pose and velocity of the root, joints, and lengths, velocities and activations of the muscles. The forces of
    contacts are not among them: they are known after the physics step that they act in, and not at its end."""
    from myoprosthesis.core.effector_spec import POSE
    from myoprosthesis.core.observation_term import Term
    from myoprosthesis.effectors.bodies import myolegs
    from myoprosthesis.effectors.mujoco_body import BodyOptions
    from myoprosthesis.envs.env_config import EnvConfig

    options = {"dt": period_s, "keyframe": "standing"}
    spec = myolegs(BodyOptions(**options)).spec  # type: ignore[arg-type]
    root, joints, muscles = spec.joints[: len(POSE)], spec.joints[len(POSE) :], spec.muscles
    terms = (
        Term("root", root[2:]), Term("root_velocity", (*root[:3], *root[4:]), "velocity"),
        Term("joints", joints, unit="rad"), Term("velocities", joints, "velocity", "rad/s"),
        Term("lengths", muscles, unit="m"), Term("lengthening", muscles, "velocity", "m/s"),
        Term("activation", tuple(f"{muscle}/activation" for muscle in muscles), unit="1"),
    )  # fmt: skip
    return EnvConfig("myolegs", "hold", terms, options)


def _pairs(config: Any, action: NDArray[np.float32], seconds: float) -> dict[str, Any]:
    """Blocks of an environment and of bare physics in turn, for `seconds` and two pairs at least."""
    from mujoco.batch import Batch

    from myoprosthesis.envs.batch_env import BatchEnv

    env = BatchEnv(config, len(action), 1)
    body = env.body
    bare = Batch(body.model, len(action), nthread=1)
    env.reset(seed=0)
    every = np.arange(len(action))
    pairs: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while len(pairs) < 2 or time.perf_counter() < end:
        bare.state[:] = env.states(every)[:, : bare.state.shape[1]]  # without what sensors measured
        bare.ctrl[:] = action
        begin = time.perf_counter()
        for _ in range(BLOCK):
            bare.step(nstep=body.substeps)
        between = time.perf_counter()
        for _ in range(BLOCK):
            env.step(action)
        pairs.append((between - begin, time.perf_counter() - between))
    steps = BLOCK * len(action)
    bare_s, env_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "simulations": len(action),
        "pairs": len(pairs),
        "steps_per_s": round(steps / env_s, 1),
        "bare_steps_per_s": round(steps / bare_s, 1),
        "ratio_to_bare": round(statistics.median(a / b for a, b in pairs), 4),
    }

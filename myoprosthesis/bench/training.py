"""How fast policies are trained: batches of one-second reaches per second, forward, backward and Adam, on one core.

The work is that of MotorNet's tutorial: a two-joint six-muscle arm, a recurrent network of 64 units, 100 control
periods of 10 ms, feedback 70 and 20 ms old. This package takes five physics steps in each period, MotorNet one.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError

BATCHES = (32, 256, 1024)
HIDDEN = 64

_MOTORNET = """
import json, sys, time
import torch
import motornet as mn
torch.set_num_threads(1)
size, seconds, hidden = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
arm = mn.effector.RigidTendonArm26(muscle=mn.muscle.RigidTendonHillMuscle())
env = mn.environment.RandomTargetReach(effector=arm, max_ep_duration=1.0, vision_delay=0.07, proprioception_delay=0.02)
policy = mn.policy.PolicyGRU(env.observation_space.shape[0], hidden, env.n_muscles, device=torch.device("cpu"))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)

def batch():
    state = policy.init_hidden(batch_size=size)
    observed, info = env.reset(options={"batch_size": size})
    path, goals, over = [], [], False
    while not over:
        action, state = policy(observed, state)
        observed, _, over, _, info = env.step(action=action)
        path.append(info["states"]["fingertip"][:, None, :2])
        goals.append(info["goal"][:, None, :2])
    cost = (torch.cat(path, 1) - torch.cat(goals, 1)).abs().sum(-1).mean()
    optimizer.zero_grad()
    cost.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    return len(path)

steps = batch()
done, start = 0, time.perf_counter()
while done < 3 or time.perf_counter() - start < seconds:
    batch()
    done += 1
rate = done / (time.perf_counter() - start)
print(json.dumps({"batches_per_s": rate, "steps": steps, "version": mn.__version__}))
"""


def measure(motornet_python: str = "", compile: str = "auto", seconds: float = 10.0) -> dict[str, Any]:
    """Figures by batch size: `batch_32` has `batches_per_s`, `ratio_to_motornet` and others."""
    if motornet_python and not Path(motornet_python).is_file():
        raise ConfigError(
            f"--motornet-python {motornet_python}: there is no such file; give the python of an "
            "environment with motornet, such as /path/to/env/bin/python"
        )
    figures: dict[str, Any] = {}
    for size in BATCHES:
        ours = _ours(size, compile, seconds)
        figures["compiled"] = ours.pop("compiled")
        row = figures[f"batch_{size}"] = ours
        if motornet_python:
            theirs = _theirs(motornet_python, size, seconds)
            figures["motornet_version"] = theirs["version"]
            row["motornet_batches_per_s"] = round(theirs["batches_per_s"], 2)
            row["ratio_to_motornet"] = round(ours["batches_per_s"] / theirs["batches_per_s"], 2)
    return figures


def _ours(size: int, compile: str, seconds: float) -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise ConfigError("the training section needs torch: pip install 'myoprosthesis[train]'") from error
    from myoprosthesis.effectors import bodies
    from myoprosthesis.effectors.mujoco_body import BodyOptions
    from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
    from myoprosthesis.training.gradient.reach_gradient import reach_trainer
    from myoprosthesis.training.gradient.rollout import wants_compilation
    from myoprosthesis.training.gradient.torch_twin import Twin

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        stage = Stage("bench", batches=1_000_000, distance=(0.02, 0.14), field=(1.0, 1.0))
        curriculum = Curriculum("bench", (stage,), field=10.0, hidden=HIDDEN, batch=size)
        compiled = wants_compilation(compile)
        twin = Twin(bodies.arm26(BodyOptions()).model)
        run = reach_trainer(twin, "arm26", curriculum, curriculum.stages, 0, Path("unused"), compiled)
        before = time.perf_counter()
        run.update()
        first = time.perf_counter() - before
        run.update()
        done, start = 0, time.perf_counter()
        while done < 3 or time.perf_counter() - start < seconds:
            run.update()
            done += 1
        rate = done / (time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return {"batches_per_s": round(rate, 2), "first_batch_s": round(first, 1), "compiled": compiled}


def _theirs(python: str, size: int, seconds: float) -> dict[str, Any]:
    """MotorNet in its own process and environment."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    done = subprocess.run(
        [python, "-c", _MOTORNET, str(size), str(seconds), str(HIDDEN)],
        capture_output=True,
        text=True,
        env=clean,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ConfigError(f"MotorNet could not be measured with {python}: {last}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if result["steps"] != 100:
        raise ConfigError(f"MotorNet took {result['steps']} steps for one second; 100 were expected: another version?")
    return result

"""How fast reinforcement learning goes: samples per second of Baoding balls under PPO, learner included."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from myoprosthesis.core.extras import library

ENV, OPTIONS = "Baoding-v0", {"observation": "policy"}
SIMULATIONS, STEPS, MINIBATCH = 128, 64, 4096
BARE_STEPS = 20


def measure(seconds: float = 10.0) -> dict[str, Any]:
    """`samples_per_s` of one collector in this process, and `ray_collectors` → samples per second of that many.

    `bare_samples_per_s` are those of bare physics alone, with as many threads, from the states that it came to.
    The processors of this machine are shared out among the collectors; a cluster of more machines has more.
    """
    library("torch", "train", "the training section")
    from myoprosthesis.training.rl.collector_spec import CollectorSpec
    from myoprosthesis.training.rl.network_options import NetworkOptions

    cores = len(os.sched_getaffinity(0))
    network = NetworkOptions()
    stages = ({"task.direction": "hold", "task.on_targets": 1.0},)

    def spec(collectors: int) -> CollectorSpec:
        options = {**OPTIONS, "threads": max(1, cores // collectors)}
        return CollectorSpec(ENV, options, SIMULATIONS, network, stages, STEPS, 0)

    figures: dict[str, Any] = {"simulations": SIMULATIONS, "threads": cores, **_rates(spec(1).make(), network, seconds)}
    if find_spec("ray") is None:
        return {**figures, "ray_collectors": {}, "ray": "not installed: pip install 'myoprosthesis[ray]'"}
    from myoprosthesis.training.rl.ray_collector import RayCollector

    rates = {
        str(count): _rates(RayCollector(spec(count), "local", count), network, seconds)["samples_per_s"]
        for count in (1, 2)
    }
    return {**figures, "ray_collectors": rates}


def _rates(collector: Any, network: Any, seconds: float) -> dict[str, Any]:
    import torch

    from myoprosthesis.training.rl.ppo import Ppo
    from myoprosthesis.training.rl.ppo_options import PpoOptions

    options = PpoOptions(minibatch=MINIBATCH, stop_divergence=0.0)
    ppo = Ppo(collector.size, collector.map.low.size, network, 0)
    threads, cores = torch.get_num_threads(), len(os.sched_getaffinity(0))
    collecting = updating = 0.0
    samples = 0
    batch = 0
    while batch < 2 or collecting + updating < seconds:
        torch.set_num_threads(1)
        start = time.perf_counter()
        rollout = collector.collect(ppo.acting_weights(), 0, batch)
        between = time.perf_counter()
        torch.set_num_threads(cores)
        if batch:
            ppo.update(rollout, options)
        ppo.measure(rollout, options)
        if batch:  # the first rollout begins all episodes and is for the normaliser alone
            collecting += between - start
            updating += time.perf_counter() - between
            samples += rollout.samples
        batch += 1
    torch.set_num_threads(threads)
    bare = {"bare_samples_per_s": round(_bare(collector.env, cores), 1)} if hasattr(collector, "env") else {}
    collector.close()
    return {
        "samples_per_s": round(samples / (collecting + updating), 1),
        **bare,
        "collect_us": round(1e6 * collecting / samples, 1),
        "update_us": round(1e6 * updating / samples, 1),
    }


def _bare(env: Any, threads: int) -> float:
    """Control steps per second of the physics of `env` alone, from where its simulations are."""
    from mujoco.batch import Batch

    from myoprosthesis.envs import baoding

    batch = Batch(env.body.model, SIMULATIONS, nthread=threads)
    batch.state[:] = env.states(np.arange(SIMULATIONS))[:, : batch.state.shape[1]]
    batch.ctrl[:] = np.array(baoding.RESTING)
    begin = time.perf_counter()
    for _ in range(BARE_STEPS):
        batch.step(nstep=env.body.substeps)
    return SIMULATIONS * BARE_STEPS / (time.perf_counter() - begin)

"""Lockstep: the time of a tick over ROS, against the floor of the same messages, physics and network."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

import numpy as np

from myoprosthesis.bench.stand import DOMAIN, next_report, spec_of, stand, workshop, write_policy

EFFECTOR, DT, HIDDEN = "myohand", 0.01, 128


def measure(seconds: float = 6.0, rounds: int = 3, dt: float = DT) -> dict[str, Any]:
    """Floor and tick in turn, `rounds` times; medians in µs and their ratio."""
    from myoprosthesis.nodes.ping_node import measure as ping

    os.environ.setdefault("ROS_DOMAIN_ID", str(DOMAIN))
    spec = spec_of(EFFECTOR, dt)
    pings, ticks, ratios = [], [], []
    with workshop() as folder:
        policy = write_policy(folder, spec, HIDDEN, 0)
        physics, network = physics_us(dt), network_us(str(policy))
        for _ in range(rounds):
            trips = ping(spec.channels, spec.command.names, 3000)
            pings.append(statistics.median(trips[500:]) * 1e6)
            with stand(EFFECTOR, dt, True, policy) as s:
                s.wait_ready()
                s.watch(seconds)
                ticks.append(next_report(s).round_trip_ms["p50"] * 1e3)
            ratios.append(ticks[-1] / (pings[-1] + physics + network))
    return {
        "effector": EFFECTOR, "names": len(spec.channels), "muscles": len(spec.muscles), "dt": dt,
        "tick_us": statistics.median(ticks), "ping_us": statistics.median(pings), "physics_us": physics,
        "network_us": network, "floor_us": statistics.median(pings) + physics + network,
        "ratio_to_floor": statistics.median(ratios), "ratios": ratios, "ticks_per_s": 1e6 / statistics.median(ticks),
    }  # fmt: skip


def physics_us(dt: float, n: int = 300) -> float:
    """The bare `mj_step`s of one tick (µs), median."""
    import mujoco

    from myoprosthesis.effectors.bodies import myohand
    from myoprosthesis.effectors.mujoco_body import BodyOptions

    body = myohand(BodyOptions(dt=dt))
    body.reset(0)
    body.data.ctrl[:] = 0.1
    times = []
    for _ in range(n):
        began = time.perf_counter()
        mujoco.mj_step(body.model, body.data, nstep=body.substeps)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def network_us(path: str, n: int = 2000) -> float:
    """The bare onnxruntime call of one tick (µs), median."""
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    policy = OnnxPolicy(path)
    policy.warm_up()
    observation = np.zeros(policy.contract.observation_size, np.float32)
    times = []
    for _ in range(n):
        began = time.perf_counter()
        policy.step(observation)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6

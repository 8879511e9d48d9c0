"""Recording: what it costs a loop that runs as fast as it can, what it loses, and how fast it is read."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from myoprosthesis.bench.stand import next_report, spec_of, stand, workshop, write_policy
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.runner import StackRunner

EFFECTOR, DT, HIDDEN = "arm26", 0.01, 64
FAST, FAST_DT = "myohand", 0.002
TOPICS = ("state", "command", "applied", "policy/hidden")
READY_S = 20.0


def measure(seconds: float = 30.0, rounds: int = 16, hours: float = 1.0) -> dict[str, Any]:
    """Rates of the lockstep loop, counts at 500 Hz, what a kill costs, and the time to read `hours`."""
    return {
        "lockstep": _lockstep(rounds),
        "realtime": _realtime(seconds),
        "kill": _kill(),
        "reading": _reading(hours),
    }


def _lockstep(rounds: int, seconds: float = 1.5) -> dict[str, Any]:
    """Ticks per second while the recorder writes, and while it is inactive and drops everything, in turn.

    Before and after that, the stack runs without a recorder. The order changes from round to round.
    """
    rates: dict[str, list[float]] = {"activate": [], "deactivate": []}
    with workshop() as folder:
        policy = write_policy(folder, spec_of(EFFECTOR, DT), HIDDEN, 0)
        with stand(EFFECTOR, DT, True, policy) as s, StackClient(name="bench_client") as client:
            s.wait_ready()
            s.watch(1.0)
            alone = [_rate(s, seconds)]
            with _recorder(s, folder / "r") as recorder:
                for k in tqdm(range(rounds), desc="recording, lockstep"):
                    for way in ("activate", "deactivate") if k % 2 else ("deactivate", "activate"):
                        client.change("recorder", way)  # to what it is already: refused, and as well
                        s.watch(0.2)
                        rates[way].append(_rate(s, seconds))
                missing = sum(recorder.missing().values())
            s.watch(1.0)
            alone.append(_rate(s, seconds))
            written = sum(f.messages for f in Bag(folder / "r").files)
    ratios = sorted(on / off for on, off in zip(rates["activate"], rates["deactivate"], strict=True))
    return {
        "effector": EFFECTOR, "rounds": rounds, "recorded_ticks_per_s": statistics.median(rates["activate"]),
        "thrown_away_ticks_per_s": statistics.median(rates["deactivate"]),
        "nobody_ticks_per_s": statistics.median(alone), "ratio": statistics.median(ratios), "ratios": ratios,
        "missing": missing, "messages": written,
    }  # fmt: skip


def _rate(s: StackRunner, seconds: float) -> float:
    """Ticks per second of the loop, by the times of its own reports."""
    before, began = next_report(s).ticks, time.monotonic()
    s.watch(seconds)
    after, ended = next_report(s).ticks, time.monotonic()
    return float((after - before) / (ended - began))


def _realtime(seconds: float) -> dict[str, Any]:
    """Messages that were sent, by their publishers' numbers, and those that are in the recording."""
    with workshop() as folder:
        policy = write_policy(folder, spec_of(FAST, FAST_DT), HIDDEN, 0)
        with stand(FAST, FAST_DT, False, policy) as s, _recorder(s, folder / "r") as recorder:
            before = next_report(s)
            s.watch(seconds)
            after = next_report(s)
            missing = recorder.missing()
        bag = Bag(folder / "r")
        counts = {}
        for topic in TOPICS:
            if not bag.has(topic):
                continue
            numbers = [m.number for m in bag.messages([topic])]
            counts[topic] = {"sent": numbers[-1] - numbers[0] + 1, "recorded": len(numbers)}
        size = sum(f.size for f in bag.files)
    return {
        "effector": FAST, "rate_hz": 1 / FAST_DT, "seconds": seconds, "ticks": after.ticks - before.ticks,
        "missed_ticks": after.missed_ticks - before.missed_ticks, "topics": counts, "missing": missing,
        "mib_per_minute": size / 2**20 / (bag.last_ns - bag.first_ns) * 60e9,
    }  # fmt: skip


def _kill(times: int = 5) -> dict[str, Any]:
    """How much (ms) before the kill the last message in the file came, of a loop at 500 Hz."""
    lost = []
    with workshop() as folder:
        policy = write_policy(folder, spec_of(EFFECTOR, FAST_DT), HIDDEN, 0)
        with stand(EFFECTOR, FAST_DT, False, policy) as s:
            s.wait_ready()
            for k in range(times):
                with _recorder(s, folder / str(k)) as recorder:
                    s.watch(1.0 + 0.013 * k)
                    os.kill(recorder.pid, signal.SIGKILL)
                    at = time.time_ns()
                    time.sleep(0.1)
                lost.append((at - Bag(folder / str(k)).last_ns) * 1e-6)
    return {"rate_hz": 1 / FAST_DT, "lost_ms": lost, "largest_ms": max(lost)}


def _reading(hours: float) -> dict[str, Any]:
    """A recording of `hours` at 100 Hz, made up and read."""
    spec = spec_of(EFFECTOR, DT)
    names = {"state": spec.channels, "command": spec.command.names, "applied": spec.command.names}
    names["policy/hidden"] = tuple(f"hidden/{i}" for i in range(HIDDEN))
    ticks = round(hours * 3600 / DT)
    rng = np.random.default_rng(0)
    with workshop() as folder:
        writer = BagWriter(folder / "hour")
        lines = {
            t: (
                writer.topic(f"/{t}", "sensor_msgs/msg/JointState"),
                JointStateWriter(n),
                0.01 * rng.normal(size=(3, len(n))),
            )
            for t, n in names.items()
        }
        for tick in tqdm(range(ticks), desc="recording, hour", unit="tick"):
            for channel, pack, values in lines.values():
                writer.add(channel, tick * 10_000_000, pack.pack(tick * 10_000_000, *(values * np.sin(0.01 * tick))))
            if tick % 5 == 4:
                writer.flush()
        writer.close()
        began = time.perf_counter()
        bag = Bag(folder / "hour")
        messages = sum(len(t.stamp_ns) for t in bag.tables(*names))
        decoded = time.perf_counter() - began
        size = sum(f.size for f in bag.files)
    return {"hours": hours, "messages": messages, "read_s": decoded, "mib": size / 2**20}


class _Recorder:
    """A recorder beside a stack, in a process of its own."""

    def __init__(self, stack: StackRunner, runner: StackRunner, folder: Path) -> None:
        self._stack, self._runner, self._folder = stack, runner, str(folder)

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._runner.supervisor.pids()["recorder"]

    @property
    def ready(self) -> bool:
        """Whether it receives the loop."""
        return bool(self._stack.status.recorders.get(self._folder, {}).get("ready"))

    def missing(self) -> dict[str, int]:
        """Messages that it missed until now, by topic."""
        recorders = self._stack.status.recorders
        recorders.pop(self._folder, None)
        self._stack.wait_until(lambda: self._folder in recorders, READY_S)
        return dict(recorders[self._folder]["missing"])


@contextmanager
def _recorder(stack: StackRunner, folder: Path) -> Iterator[_Recorder]:
    """A recorder beside the stack, once it receives the loop."""
    node = NodeSpec("recorder", "recorder_node", {"folder": str(folder)}, respawn=False)
    with StackRunner([node], monitor=stack.monitor) as runner:
        recorder = _Recorder(stack, runner, folder)
        if not runner.wait_until(lambda: recorder.ready, READY_S):
            raise ConfigError(f"the recorder did not receive the loop within {READY_S:g} s")
        yield recorder

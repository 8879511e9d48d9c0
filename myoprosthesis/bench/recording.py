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

from myoprosthesis.bench.stand import Stand, spec_of, stand, workshop, write_policy
from myoprosthesis.core.cdr import JointStateWriter
from myoprosthesis.core.errors import MyoError
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter
from myoprosthesis.stack.description import NodeSpec
from myoprosthesis.stack.supervisor import Supervisor

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
    """Ticks per second while the recorder writes and while, inactive, it throws everything away, in turn; before and
    after that, with nobody beside. The order changes from round to round."""
    from myoprosthesis.nodes.stack_client import StackClient

    rates: dict[str, list[float]] = {"activate": [], "deactivate": []}
    with workshop() as folder:
        policy = write_policy(folder, spec_of(EFFECTOR, DT), HIDDEN, 0)
        with stand(EFFECTOR, DT, True, policy) as s, StackClient(name="bench_steering") as steering:
            s.until_ready()
            s.watch(1.0)
            alone = [_rate(s, seconds)]
            with _recorder(s, folder / "r") as told:
                for k in tqdm(range(rounds), desc="recording, lockstep"):
                    for way in ("activate", "deactivate") if k % 2 else ("deactivate", "activate"):
                        steering.change("recorder", way)  # to what it is already: refused, and as well
                        s.watch(0.2)
                        rates[way].append(_rate(s, seconds))
                missing = sum(told()["missing"].values())
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


def _rate(s: Stand, seconds: float) -> float:
    """Ticks per second of the loop, by the times of its own reports."""
    before, began = s.report()["ticks"], time.monotonic()
    s.watch(seconds)
    after, ended = s.report()["ticks"], time.monotonic()
    return float((after - before) / (ended - began))


def _realtime(seconds: float) -> dict[str, Any]:
    """Messages that were sent, by their publishers' numbers, and those that are in the recording."""
    with workshop() as folder:
        policy = write_policy(folder, spec_of(FAST, FAST_DT), HIDDEN, 0)
        with stand(FAST, FAST_DT, False, policy) as s, _recorder(s, folder / "r") as told:
            before = s.report()
            s.watch(seconds)
            after = s.report()
            missing = told()["missing"]
        bag = Bag(folder / "r")
        counts = {}
        for topic in TOPICS:
            if not bag.has(topic):
                continue
            numbers = [m.number for m in bag.messages([topic])]
            counts[topic] = {"sent": numbers[-1] - numbers[0] + 1, "recorded": len(numbers)}
        size = sum(f.size for f in bag.files)
    return {
        "effector": FAST, "rate_hz": 1 / FAST_DT, "seconds": seconds, "ticks": after["ticks"] - before["ticks"],
        "missed_ticks": after["missed_ticks"] - before["missed_ticks"], "topics": counts, "missing": missing,
        "mib_per_minute": size / 2**20 / (bag.last_ns - bag.first_ns) * 60e9,
    }  # fmt: skip


def _kill(times: int = 5) -> dict[str, Any]:
    """How much (ms) before the kill the last message in the file came, of a loop at 500 Hz."""
    lost = []
    with workshop() as folder:
        policy = write_policy(folder, spec_of(EFFECTOR, FAST_DT), HIDDEN, 0)
        with stand(EFFECTOR, FAST_DT, False, policy) as s:
            s.until_ready()
            for k in range(times):
                with _recorder(s, folder / str(k)) as told:
                    s.watch(1.0 + 0.013 * k)
                    os.kill(told.pid, signal.SIGKILL)
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


class _Told:
    """What a recorder says of itself."""

    def __init__(self, s: Stand, folder: Path, supervisor: Supervisor) -> None:
        from myoprosthesis.nodes import diagnostic_status, topics

        self._stand, self._folder, self._supervisor = s, str(folder), supervisor
        self._now: dict[str, Any] = {}

        def hear(message: Any) -> None:
            values = diagnostic_status.values(message)
            if values["folder"] == self._folder:
                self._now = values

        t = topics.RECORDER_ACTIVE
        self._subscription = s.console.create_subscription(t.type, t.name, hear, t.qos)

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._supervisor.pids()["recorder"]

    def __call__(self) -> dict[str, Any]:
        """The newest, of this moment."""
        self._now = {}
        while not self._now:
            self._stand.watch(0.05)
        return self._now

    def until_ready(self) -> None:
        """Wait until it hears the loop."""
        until = time.monotonic() + READY_S
        while not self._now.get("ready"):
            self._stand.watch(0.05)
            fault = self._supervisor.poll()
            if fault or time.monotonic() > until:
                raise MyoError(fault or f"the recorder did not hear the loop within {READY_S:g} s: {self._now}")

    def close(self) -> None:
        self._stand.console.destroy_subscription(self._subscription)


@contextmanager
def _recorder(s: Stand, folder: Path) -> Iterator[_Told]:
    """A recorder beside the stand, once it hears the loop."""
    node = NodeSpec("recorder", "recorder_node", {"folder": str(folder)}, respawn=False)
    supervisor = Supervisor([node], lambda who, text: s.words.append(f"[{who}] {text}"))
    told = _Told(s, folder, supervisor)
    try:
        supervisor.start()
        told.until_ready()
        yield told
    finally:
        told.close()
        supervisor.stop()

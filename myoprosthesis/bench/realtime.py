"""Real time: effector and policy at 500 Hz, against a loop that only sleeps."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from myoprosthesis.bench.stand import next_report, spec_of, stand, workshop, write_policy
from myoprosthesis.core.loop_rate import LoopRate
from myoprosthesis.core.loop_statistics import LoopStatistics
from myoprosthesis.core.process_tuning import request_fifo_scheduling, set_switch_interval

EFFECTOR, DT, HIDDEN = "arm26", 0.002, 64


def measure(seconds: float = 60.0, blocks: int = 3) -> dict[str, Any]:
    """Blocks of the empty loop and of the stack in turn; the same time for each."""
    spec = spec_of(EFFECTOR, DT)
    empty: list[dict[str, Any]] = []
    full: list[dict[str, Any]] = []
    with workshop() as folder:
        policy = write_policy(folder, spec, HIDDEN, 0)
        for _ in range(blocks):
            empty.append(_empty_elsewhere(seconds / blocks))
            with stand(EFFECTOR, DT, False, policy) as s:
                s.wait_ready()
                s.watch(1.0)
                before = next_report(s)
                s.watch(seconds / blocks)
                after = next_report(s)
            full.append(
                {
                    "ticks": after.ticks - before.ticks,
                    "missed_ticks": after.missed_ticks - before.missed_ticks,
                    "lateness_ms": after.lateness_ms,
                    "command_age_ms": after.command_age_ms,
                }
            )
    late, idle = (sorted(b["lateness_ms"]["p99"] for b in part)[blocks // 2] for part in (full, empty))
    return {
        "effector": EFFECTOR, "rate_hz": 1 / DT, "ticks": sum(b["ticks"] for b in full),
        "missed_ticks": sum(b["missed_ticks"] for b in full),
        "empty_missed_ticks": sum(b["missed_ticks"] for b in empty), "empty_ticks": sum(b["ticks"] for b in empty),
        "lateness_p99_ms": late, "empty_lateness_p99_ms": idle, "lateness_ratio": late / idle,
        "command_age_ms": full[-1]["command_age_ms"], "blocks": {"stack": full, "empty": empty},
    }  # fmt: skip


def empty_loop(seconds: float, dt: float = DT) -> dict[str, Any]:
    """A paced loop that does nothing, accounted as the effector's."""
    set_switch_interval()
    request_fifo_scheduling()
    statistics_, rate = LoopStatistics(), LoopRate(dt)
    rate.start()
    for _ in range(round(seconds / dt)):
        late, skipped = rate.wait()
        statistics_.tick()
        statistics_.note("lateness", late)
        statistics_.missed += skipped
    return dict(statistics_.summary())


def _empty_elsewhere(seconds: float) -> dict[str, Any]:
    """`empty_loop` in a process of its own, as the effector has one."""
    done = subprocess.run(
        [sys.executable, "-m", "myoprosthesis.bench.realtime", str(seconds)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(empty_loop(float(sys.argv[1]))))

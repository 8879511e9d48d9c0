"""Swaps among policy files never loaded before in that process, at 500 Hz."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from myoprosthesis.bench.stand import next_report, spec_of, stand, workshop, write_policy
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.reports import EffectorReport
from myoprosthesis.stack.runner import StackRunner

EFFECTOR, DT, HIDDEN, BLEND_S = "arm26", 0.002, 64, 0.02


def measure(swaps: int = 1000, blocks: int = 20) -> dict[str, Any]:
    """Blocks with and without swaps in turn, each as long as the other; the missed ticks of both.

    A machine's own disturbances come in bursts that fall into one block or another, so that the sums alone
    say little: `pairs` counts the pairs of blocks in which the one with swaps missed more, fewer or as many
    ticks as its neighbour, with the two-sided p of a sign test.
    """
    spec = spec_of(EFFECTOR, DT)
    quiet: list[dict[str, float]] = []
    busy: list[dict[str, float]] = []
    seconds: list[float] = []
    with workshop() as folder:
        files = [write_policy(folder, spec, HIDDEN, seed) for seed in range(swaps + 1)]
        with stand(EFFECTOR, DT, False, files[0], blend_s=BLEND_S) as s, StackClient(name="bench_client") as client:
            s.wait_ready()
            s.watch(1.0)
            todo = files[1:]
            each = -(-len(todo) // min(blocks, len(todo)))
            with tqdm(total=len(todo), desc="swaps", unit="swap") as bar:
                for start in range(0, len(todo), each):
                    part = todo[start : start + each]
                    before, began = next_report(s), time.monotonic()
                    seconds += _swap_all(client, part, s, bar)
                    middle, took = next_report(s), time.monotonic() - began
                    s.watch(took)
                    after = next_report(s)
                    busy.append(_gap(before, middle))
                    quiet.append(_gap(middle, after))
            step_over_bound = client.status.policy.step_over_bound
    seconds.sort()
    return {
        "swaps": len(seconds), "ticks": sum(b["ticks"] for b in busy),
        "missed_ticks": sum(b["missed"] for b in busy), "quiet_ticks": sum(b["ticks"] for b in quiet),
        "quiet_missed_ticks": sum(b["missed"] for b in quiet), "blend_s": BLEND_S,
        "pairs": _pairs(busy, quiet), "step_over_bound": step_over_bound,
        "swap_ms": {"p50": seconds[len(seconds) // 2] * 1e3, "p99": seconds[int(0.99 * len(seconds))] * 1e3},
    }  # fmt: skip


def _swap_all(client: StackClient, files: list[Path], s: StackRunner, bar: Any) -> list[float]:
    """Swap to each file in turn; how long (s) each took from request to `active`."""
    out = []
    for file in files:
        began = time.monotonic()
        client.swap(str(file))
        out.append(time.monotonic() - began)
        bar.update()
        if len(out) % 50 == 0:
            s.watch(0.0)
    return out


def _gap(before: EffectorReport, after: EffectorReport) -> dict[str, float]:
    return {"ticks": after.ticks - before.ticks, "missed": after.missed_ticks - before.missed_ticks}


def _pairs(busy: list[dict[str, float]], quiet: list[dict[str, float]]) -> dict[str, float]:
    more = sum(b["missed"] > q["missed"] for b, q in zip(busy, quiet, strict=True))
    fewer = sum(b["missed"] < q["missed"] for b, q in zip(busy, quiet, strict=True))
    n, least = more + fewer, min(more, fewer)
    p = min(1.0, 2.0 * sum(math.comb(n, k) for k in range(least + 1)) / 2.0**n)
    return {"more": more, "fewer": fewer, "as_many": len(busy) - n, "p": p}

"""The console beside a loop of 500 Hz: what it costs, without a page and with one, and how fast its stop is."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from myoprosthesis.bench.stand import next_report, spec_of, stand, workshop, write_policy
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.stack.node_spec import NodeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from myoprosthesis.stack.runner import StackRunner

EFFECTOR, DT, HIDDEN = "arm26", 0.002, 64
STARTED_S = 20.0
SETTLE_S = 3.0
"""In which the console builds the body and a page is sent it, before anything is measured."""
STOPS = 100
PAUSE_S = 0.1
"""After each: a page may send 40 messages a second."""
WITHOUT, IDLE, PAGE = "without", "no page", "one page"


class PageReader:
    """A page that takes all that comes, as fast as it comes."""

    def __init__(self, address: str) -> None:
        host, _, token = address.removeprefix("http://").partition("/#")
        self._connecting = connect(f"ws://{host}/socket", max_size=None, compression=None, close_timeout=1)
        self._socket = self._connecting.__enter__()
        self._socket.send(json.dumps({"token": token}))
        self.frames, self._answers = 0, 0
        self._answered = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def ask(self, name: str) -> float:
        """How long it takes until a control is carried out, s."""
        with self._answered:
            before, began = self._answers, time.perf_counter()
            self._socket.send(json.dumps({"do": name, "id": before}))
            if not self._answered.wait_for(lambda: self._answers > before, 10.0):
                raise ConfigError(f"the console did not answer {name} within 10 s")
            return time.perf_counter() - began

    def close(self) -> None:
        """End."""
        self._socket.close()
        self._thread.join(2.0)

    def _read(self) -> None:
        try:
            for message in self._socket:
                if isinstance(message, bytes):
                    self.frames += 1
                elif json.loads(message)["kind"] == "answer":
                    with self._answered:
                        self._answers += 1
                        self._answered.notify()
        except ConnectionClosed:
            pass


def measure(seconds: float = 60.0, blocks: int = 3) -> dict[str, Any]:
    """Blocks without a console, with one, and with one whose page is open, in turn; the same time for each."""
    parts: dict[str, list[dict[str, Any]]] = {WITHOUT: [], IDLE: [], PAGE: []}
    stops: list[float] = []
    with workshop() as folder:
        policy = write_policy(folder, spec_of(EFFECTOR, DT), HIDDEN, 0)
        for _ in range(blocks):
            for name, rows in parts.items():
                more = (
                    () if name == WITHOUT else (NodeSpec("console", "console_node", {}, respawn=False, room="console"),)
                )
                with stand(EFFECTOR, DT, False, policy, more) as s, _page(s, name) as page:
                    s.watch(SETTLE_S)
                    rows.append(_block(s, page, seconds / blocks))
                    if page is not None:
                        for _ in range(STOPS // blocks):
                            stops.append(1e3 * page.ask("estop"))
                            page.ask("resume")
                            s.watch(PAUSE_S)
    whole = {name: _summed(rows) for name, rows in parts.items()}
    return {
        "effector": EFFECTOR, "rate_hz": 1 / DT, **{k.replace(" ", "_"): v for k, v in whole.items()},
        "lateness_ratio": whole[PAGE]["lateness_p99_ms"] / whole[WITHOUT]["lateness_p99_ms"],
        "stop_ms": {"p50": float(np.quantile(stops, 0.5)), "p99": float(np.quantile(stops, 0.99)), "n": len(stops)},
        "blocks": parts,
    }  # fmt: skip


@contextmanager
def _page(stack: StackRunner, part: str) -> Iterator[PageReader | None]:
    stack.wait_ready()
    if part == WITHOUT:
        yield None
        return

    def address() -> str:
        return next((m[0] for line in stack.lines if (m := re.search(r"http://\S+#\S+", line))), "")

    if not stack.wait_until(address, STARTED_S):
        raise ConfigError(f"the console did not print its address within {STARTED_S:g} s")
    if part == IDLE:
        yield None
        return
    page = PageReader(address())
    try:
        yield page
    finally:
        page.close()


def _block(stack: StackRunner, page: PageReader | None, seconds: float) -> dict[str, Any]:
    process = stack.supervisor.pids().get("console")
    before, used, frames = next_report(stack), _used_s(process), page.frames if page else 0
    began = time.monotonic()
    stack.watch(seconds)
    after, took = next_report(stack), time.monotonic() - began
    return {
        "ticks": after.ticks - before.ticks,
        "missed_ticks": after.missed_ticks - before.missed_ticks,
        "lateness_p99_ms": after.lateness_ms["p99"],
        "cpu_share": (_used_s(process) - used) / took if process else 0.0,
        "frames_per_s": (page.frames - frames) / took if page else 0.0,
    }


def _summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Ticks of all blocks, and the median block of what is a share or a quantile."""
    counts = {k: sum(row[k] for row in rows) for k in ("ticks", "missed_ticks")}
    return counts | {k: float(np.median([row[k] for row in rows])) for k in rows[0] if k not in counts}


def _used_s(process: int | None) -> float:
    """Processor time of a process so far (Linux: fields 14 and 15 of /proc/PID/stat)."""
    if process is None:
        return 0.0
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

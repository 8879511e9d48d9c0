"""What a person sees of a running stack."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

REFRESH_S = 0.25
LINE_S = 5.0


class Display:
    """A live table on a terminal, plain lines elsewhere."""

    def __init__(self, live: bool) -> None:
        self._console = Console(highlight=False, soft_wrap=not live)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True) if live else None
        self._next = 0.0

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, who: str, text: str) -> None:
        """A line of a node's output or of the supervisor's."""
        self._console.print(f"[{who}] {text}", markup=False)

    def show(self, score: Any, restarts: dict[str, int]) -> None:
        """Refresh the status."""
        now = time.monotonic()
        if now < self._next:
            return
        if self._live is not None:
            self._next = now + REFRESH_S
            self._live.update(status_table(score, restarts))
        elif score.ready:
            from myoprosthesis.nodes.console_node import line

            self._next = now + LINE_S
            self.tell("up", line(score))

    def summary(self, figures: dict[str, Any]) -> None:
        """The page at the end."""
        self._console.print(summary_table(figures))


def status_table(score: Any, restarts: dict[str, int]) -> Table:
    """The live status."""
    e, s = score.effector, score.summary()
    table = Table(title="myoprosthesis", show_header=False, min_width=60)
    table.add_column(style="bold")
    table.add_column()
    doing = f"IDLE: {e['idle']}" if e.get("idle") else "following commands" if e else ""
    missed = f"missed {s['missed_ticks']} of {s['ticks']}"
    factor = score.rate * float(e.get("dt", 0.0))
    rows = {
        "effector": f"{e.get('effector', 'starting …')}  {doing}",
        "time": f"{e.get('tick', 0) * float(e.get('dt', 0.0)):.1f} s  "
        + ("lockstep" if e.get("lockstep") else "real time"),
        "loop rate": f"{score.rate:.0f} /s   real-time factor {factor:.2f}   {missed}",
        "age of commands": _pair(s["command_age_ms"])
        if not e.get("lockstep")
        else f"round trip {_pair(s['round_trip_ms'])}",
        "policy": f"{score.policy.get('policy', '…')}  {score.policy.get('text', '')}  {score.policy.get('why', '')}",
        "perturbation": score.perturbation or "…",
    }
    rows |= (
        _decoding(s)
        if "decisions" in s
        else {
            "trials": f"{s['trials']}   successes {_percent(s['success_rate'])}",
            "endpoint error": _error(s),
            "last trial": _last(score.trials),
        }
    )
    if e.get("waiting_for"):
        rows["paused"] = f"waiting for {e['waiting_for']}"
    if restarts:
        rows["started again"] = ", ".join(f"{k} {v}×" for k, v in restarts.items())
    for key, value in rows.items():
        table.add_row(key, value)
    return table


def summary_table(s: dict[str, Any]) -> Table:
    """The figures of a run."""
    table = Table(title="Summary", show_header=False, min_width=60)
    table.add_column(style="bold")
    table.add_column()
    reaching = {
        "perturbation, task": f"{s['perturbation']}, {s.get('task')}",
        "trials": f"{s['trials']} ({s['trials_lost']} lost), successes {_percent(s['success_rate'])}",
        "endpoint error": _error(s),
        "lateral deviation": _mm(s["lateral_deviation_mm"]) + " (right of the motion positive)",
    }
    rows = {
        "effector, policy": f"{s['effector']}, {s['policy']}",
        **(_decoding(s) if "decisions" in s else reaching),
        "ticks": f"{s['ticks']}, missed {s['missed_ticks']}",
        "real-time factor": _number(s["real_time_factor"]),
        "age of commands": _pair(s["command_age_ms"]),
        "round trip": _pair(s["round_trip_ms"]),
        "guard": ", ".join(f"{k} {v}" for k, v in s["guard_events"].items()) or "nothing to do",
        "started again": ", ".join(f"{k} {v}×" for k, v in s.get("restarts", {}).items()) or "nothing",
        "trace": str(s["trace_sha256"])[:16],
    }
    for key, value in rows.items():
        table.add_row(key, value)
    return table


def _decoding(s: dict[str, Any]) -> dict[str, str]:
    """The rows of a stack that decodes EMG."""
    per_class = "  ".join(f"{name} {100 * share:.0f} %" for name, share in s["per_class"].items())
    timing, device, apart = s["timing"], s["device_events"] or {}, s["twin_apart"]
    faults = {k: timing.get(k) for k in ("gaps", "lost", "duplicates", "jumps", "damaged") if timing.get(k)}
    rows = {
        "EMG": f"{s['source']}  {s['samples']} samples  " + ("  ".join(f"{k} {v}" for k, v in faults.items())),
        "decisions": f"{s['decisions']}  rejected {_percent(s['rejection_rate'])}  drift warnings {s['drift_events']}",
        "as prompted": f"{_percent(s['accuracy'])}   {per_class}",
        "sample taken to bytes": _pair(s["latency_ms"]),
        "sample arrived to bytes": _pair(s["latency_since_arrival_ms"]),
    }
    if device:
        rows["hand"] = "  ".join(f"{k.replace('_', ' ')} {v}" for k, v in device.items()) + (
            f"  (emulated, watchdog {s['watchdog_events']}×)" if s["emulated"] else ""
        )
    if apart:
        rows["twin apart"] = f"{abs(apart['rad']) * 57.2958:.1f}° at {apart['joint']}"
    return rows


def _last(trials: list[dict[str, Any]]) -> str:
    if not trials:
        return "–"
    t = trials[-1]
    return f"{t['label']}: error {t['endpoint_error_mm']:.1f} mm, lateral deviation {t['lateral_deviation_mm']:+.1f} mm"


def _pair(p: dict[str, Any] | None) -> str:
    if not p or p.get("p50") is None:
        return "–"
    return f"p50 {p['p50']:.2f} ms, p99 {p['p99']:.2f} ms"


def _percent(x: float | None) -> str:
    return "–" if x is None else f"{100 * x:.0f} %"


def _number(x: float | None) -> str:
    return "–" if x is None else f"{x:.2f}"


def _mm(x: float | None) -> str:
    return "–" if x is None else f"{x:+.1f} mm"


def _error(s: dict[str, Any]) -> str:
    error = s["endpoint_error_mm"]
    return f"median {error['median']:.1f} mm, p95 {error['p95']:.1f} mm" if error else "–"

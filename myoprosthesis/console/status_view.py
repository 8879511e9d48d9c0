"""What the page shows of a stack's health and trials, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from myoprosthesis.core.text import printable
from myoprosthesis.stack.status import StackStatus

LONGEST_TEXT = 300
MOST = 64
"""Entries of a list or mapping that are shown."""


def status_view(status: StackStatus, states: Mapping[str, str], silent_s: float) -> dict[str, Any]:
    """The stack as it has reported so far.

    Args:
        status: What its nodes have reported.
        states: The lifecycle state of each node by name.
        silent_s: How long the effector has reported nothing.
    """
    e, p, event = status.effector, status.policy, status.newest_event
    reports = {"effector": e.text, "policy": p.text, **{n: v.get("text", "") for n, v in status.others.items()}}
    recorder = status.recorder
    if recorder is None:
        reports.pop("recorder", None)
    newest = status.trials[-1] if status.trials else None
    view = {
        "kind": "status",
        "effector": {
            "name": e.effector, "lockstep": bool(e.lockstep), "dt": e.dt, "tick": e.tick, "rate": e.rate,
            "stopped": e.stopped, "paused": e.paused, "idle": e.idle, "waiting_for": e.waiting_for, "error": e.error,
            "refused": e.refused, "ticks": e.ticks, "missed_ticks": e.missed_ticks, "events": e.events,
            "device": e.device, "command_age_ms": e.command_age_ms, "lateness_ms": e.lateness_ms,
            "round_trip_ms": e.round_trip_ms, "latency_ms": e.latency_ms, "silent_s": round(silent_s, 1),
        },
        "policy": {
            "name": p.policy, "text": p.text, "candidate": p.candidate, "previous": p.previous, "refused": p.refused,
            "why": p.why, "warning": p.warning, "shadow": p.shadow,
        },
        "perturbation": status.perturbation,
        "decision": {
            "choice": status.decision.choice, "confidence": status.decision.confidence,
            "rejected": status.decision.rejected, "known": status.decision.known,
        },
        "trial": {
            "number": event[1] if event else None, "event": event[0] if event else "", "over": status.over,
            "lost": status.lost, "running": status.running,
            "last": {} if newest is None else {**newest.values, "lost": newest.lost},
        },
        "recorder": None if recorder is None else {
            "folder": recorder.get("folder", ""), "text": recorder.get("text", ""),
            "ready": bool(recorder.get("ready")),
            "messages": sum((recorder.get("received") or {}).values()),
        },
        "nodes": [
            {"name": name, "state": states.get(name, "not known"), "text": reports.get(name, "")}
            for name in sorted({*states, *reports} - ({"recorder"} if recorder is None else set()))
        ],
    }  # fmt: skip
    plain: dict[str, Any] = as_plain(view)
    return plain


def as_plain(value: Any) -> Any:
    """`value` as JSON can hold it: numbers that are not finite are null, texts are printable and bounded."""
    if isinstance(value, Mapping):
        return {printable(k, 80): as_plain(v) for k, v in list(value.items())[:MOST]}
    if isinstance(value, (list, tuple)):
        return [as_plain(v) for v in value[:MOST]]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return printable(value, LONGEST_TEXT)

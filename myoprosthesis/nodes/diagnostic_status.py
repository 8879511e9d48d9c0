"""Diagnostics in words and numbers: DiagnosticStatus from mappings and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.message import NAME_CHARS, read_value
from myoprosthesis.core.text import brief

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE


def full_name(namespace: str, name: str) -> str:
    """How a node's status is called on `/diagnostics`, which all namespaces share."""
    return f"{namespace.strip('/')}/{name}".lstrip("/")


def status(
    name: str, message: str, values: Mapping[str, Any], level: bytes = OK, hardware: str = ""
) -> DiagnosticStatus:
    """A status whose values are JSON texts, so that numbers come back as numbers."""
    pairs = [KeyValue(key=k, value=json.dumps(v)) for k, v in values.items()]
    return DiagnosticStatus(level=level, name=name, message=message, hardware_id=hardware, values=pairs)


def values(message: DiagnosticStatus) -> dict[str, Any]:
    """The values of a `status`; texts that are no JSON stay texts."""
    out: dict[str, Any] = {}
    for pair in message.values:
        out[pair.key] = read_value(pair.value)
    return out


WHOLE = ("trial", "time_ns", "tick", "ticks", "missed_ticks", "drift_events", "decisions", "samples", "since_ns")
NUMBERS = (
    *("dt", "rate", "seconds", "rad", "p50", "p99", "max"),
    *("endpoint_error_mm", "lateral_deviation_mm", "peak_speed"),
)
YES_NO = ("success", "lockstep", "scored", "catch", "last", "finished", "paused", "stopped")
TEXTS = (
    *("effector", "policy", "label", "idle", "waiting_for", "why", "text", "warning", "perturbation", "error"),
    *("candidate", "previous", "file", "fitted_to", "folder"),
)
COUNTS = ("events", "device", "prompted", "decided")
TABLES = (
    *("timing", "apart", "command_age_ms", "lateness_ms", "round_trip_ms"),
    *("latency_ms", "latency_since_arrival_ms", "decision_ms"),
)


def checked(values: dict[str, Any], needed: Sequence[str] = ()) -> dict[str, Any]:
    """The values, after a check of their types and lengths, and that the `needed` ones are there; or `CommandError`.

    Any publisher on the graph can have sent them.
    """
    for name in needed:
        if values.get(name) is None:
            raise CommandError(f"a status without {name} is ignored")
    for name, value in values.items():
        if value is not None and not _fits(name, value):
            raise CommandError(f"a status with {brief(name, 40)} = {brief(value, 40)!r} is ignored")
    return values


def _fits(name: str, value: Any) -> bool:
    if name in YES_NO:
        return isinstance(value, bool)
    if name in TEXTS:
        return isinstance(value, str) and len(value) <= NAME_CHARS
    if name in COUNTS:
        kinds = {True: name, False: "ticks"}
        return isinstance(value, dict) and all(_fits(kinds[isinstance(v, dict)], v) for v in value.values())
    if name in TABLES:
        return isinstance(value, dict) and all(v is None or _fits(k, v) for k, v in value.items())
    if name in WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    return name not in NUMBERS or (isinstance(value, (int, float)) and not isinstance(value, bool))

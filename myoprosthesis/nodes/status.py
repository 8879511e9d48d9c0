"""Diagnostics in words and numbers: DiagnosticStatus from mappings and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

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
        try:
            out[pair.key] = json.loads(pair.value)
        except ValueError:
            out[pair.key] = pair.value
    return out

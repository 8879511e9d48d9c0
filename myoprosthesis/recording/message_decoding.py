"""Decoding of text and diagnostic messages, without ROS."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from myoprosthesis.core.cdr import CdrCursor
from myoprosthesis.core.errors import MyoError, RecordingError


@dataclass(frozen=True)
class Status:
    """A DiagnosticStatus; values that are JSON are decoded."""

    level: int
    name: str
    message: str
    hardware_id: str
    values: dict[str, Any]


def text(data: bytes) -> str:
    """The text of a std_msgs/String."""
    return _read(data, lambda c: c.string())  # type: ignore[no-any-return]


def status(data: bytes) -> Status:
    """A diagnostic_msgs/DiagnosticStatus."""
    return _read(data, _status)  # type: ignore[no-any-return]


def statuses(data: bytes) -> list[Status]:
    """The statuses of a diagnostic_msgs/DiagnosticArray."""

    def array(c: CdrCursor) -> list[Status]:
        c.number("i")
        c.number("I")
        c.string()
        return [_status(c) for _ in range(c.number("I"))]

    return _read(data, array)  # type: ignore[no-any-return]


def _status(c: CdrCursor) -> Status:
    level, name, message, hardware = c.number("B"), c.string(), c.string(), c.string()
    values = {}
    for _ in range(c.number("I")):
        key, value = c.string(), c.string()
        try:
            values[key] = json.loads(value)
        except (ValueError, RecursionError):
            values[key] = value
    return Status(level, name, message, hardware, values)


def _read(data: bytes, decode: Any) -> Any:
    try:
        return decode(CdrCursor(data))
    except MyoError:
        raise
    except (struct.error, ValueError, IndexError) as error:
        raise RecordingError(f"a message of {len(data)} bytes is damaged: {error}") from error

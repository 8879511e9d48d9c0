"""Texts and diagnostics out of their bytes, without ROS. Layout: CDR, as in `core.wire`."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from myoprosthesis.core.errors import MyoError, RecordingError


@dataclass(frozen=True)
class Status:
    """A DiagnosticStatus; values that are JSON are what they mean."""

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
    """What is in a diagnostic_msgs/DiagnosticArray."""

    def array(c: _Cursor) -> list[Status]:
        c.number("i")
        c.number("I")
        c.string()
        return [_status(c) for _ in range(c.number("I"))]

    return _read(data, array)  # type: ignore[no-any-return]


class _Cursor:
    def __init__(self, data: bytes) -> None:
        if data[:2] not in (b"\x00\x00", b"\x00\x01"):
            raise ValueError(f"encoding {data[:2].hex()}: only CDR (0000, 0001) is read")
        self._data, self._at = data, 4
        self._order = "<" if data[1] else ">"

    def number(self, kind: str) -> int:
        layout = self._order + kind
        size = struct.calcsize(layout)
        self._at += -(self._at - 4) % size
        (value,) = struct.unpack_from(layout, self._data, self._at)
        self._at += size
        return int(value)

    def string(self) -> str:
        n = self.number("I")
        raw = self._data[self._at : self._at + n]
        if len(raw) < n:
            raise ValueError("a text is cut short")
        self._at += n
        return raw[:-1].decode()


def _status(c: _Cursor) -> Status:
    level, name, message, hardware = c.number("B"), c.string(), c.string(), c.string()
    values = {}
    for _ in range(c.number("I")):
        key, value = c.string(), c.string()
        try:
            values[key] = json.loads(value)
        except ValueError:
            values[key] = value
    return Status(level, name, message, hardware, values)


def _read(data: bytes, how: Any) -> Any:
    try:
        return how(_Cursor(data))
    except MyoError:
        raise
    except (struct.error, ValueError, IndexError) as error:
        raise RecordingError(f"a message of {len(data)} bytes is damaged: {error}") from error
